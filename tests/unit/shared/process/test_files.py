"""Files and sockets that are not what the settings say they are: an error of ours that names them and tells nothing."""

import asyncio
import socket
from pathlib import Path

import pytest

from shared.errors import InvalidInput, Unavailable
from shared.process.address import TlsAddress, TlsFiles, UnixAddress
from shared.process.remote import Remote
from shared.process.secret_files import read_password
from shared.process.serving import Door, serve


def secret(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def test_a_password_that_is_not_ascii_is_refused_and_not_told(tmp_path: Path) -> None:
    assert read_password(secret(tmp_path / "right", b"hunter2\n")) == "hunter2"
    with pytest.raises(InvalidInput, match="wrong is not ASCII: look at byte 3") as refused:
        read_password(secret(tmp_path / "wrong", "pas\u00df".encode()))
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


async def test_certificate_files_that_are_missing_or_something_else_are_named(tmp_path: Path) -> None:
    files = TlsFiles(tmp_path / "one.pem", tmp_path / "one.key", tmp_path / "authority.pem")
    remote = Remote(TlsAddress("ledger.example", 8470), timeout_s=1, tls=files)
    with pytest.raises(InvalidInput, match=r"one\.pem, one\.key, authority\.pem cannot all be read: No such file"):
        await remote.call("/standing", None, bool)
    for path in (files.certificate, files.private_key, files.peer_authority):
        path.write_text("nothing of the kind")
    with pytest.raises(InvalidInput, match=r"one\.pem, one\.key, authority\.pem are not a certificate"):
        await remote.call("/standing", None, bool)


async def nobody(_scope: object, _receive: object, _send: object) -> None:
    """An application that nobody reaches."""


async def test_a_socket_where_somebody_listens_is_named_and_left_to_them(tmp_path: Path) -> None:
    path = tmp_path / "door.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as living:
        living.bind(str(path))
        living.listen()
        with pytest.raises(Unavailable, match=r"the socket door\.sock cannot be listened on: Address already in use"):
            await serve(nobody, [Door("operator", UnixAddress(path))], stop=asyncio.Event())
        assert path.exists()


async def test_a_file_that_is_no_socket_is_named_and_not_taken_away(tmp_path: Path) -> None:
    key = secret(tmp_path / "log-key.pem", b"a key")
    with pytest.raises(Unavailable, match=r"log-key\.pem cannot be listened on: what is there is no socket"):
        await serve(nobody, [Door("operator", UnixAddress(key))], stop=asyncio.Event())
    assert key.read_bytes() == b"a key"


async def test_a_socket_that_was_left_behind_is_listened_on_anew(tmp_path: Path) -> None:
    path, stop = tmp_path / "door.sock", asyncio.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))
    stop.set()
    await asyncio.wait_for(serve(nobody, [Door("operator", UnixAddress(path))], stop=stop), 10)
