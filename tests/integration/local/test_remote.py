"""A call to another machine that never answers the handshake leaves time for the next address."""

import socket
from pathlib import Path

import pytest

from shared.process.address import TlsAddress, TlsFiles
from shared.process.remote import Remote, Unreachable
from tests.machinery.authorities import Authority


async def test_a_host_that_never_completes_the_handshake_counts_as_unreachable(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ledger")
    own = authority.certify()
    tls = TlsFiles(own.certificate, own.private_key, authority.file)
    # The kernel takes the connection; nobody ever reads from it.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = TlsAddress("127.0.0.1", listener.getsockname()[1])
        async with Remote(address, timeout_s=60, connect_timeout_s=0.2, tls=tls) as remote:
            with pytest.raises(Unreachable) as raised:
                await remote.call("/tree-head", {}, bool)
    assert not raised.value.outcome_unknown
