"""A call to another machine that never answers the handshake leaves time for the next address."""

import datetime
import socket
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.process.address import TlsAddress, TlsFiles
from shared.process.remote import Remote, Unreachable


def tls_files(folder: Path) -> TlsFiles:
    """Write a key and a certificate that only this test has."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ledger.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    files = TlsFiles(folder / "certificate", folder / "key", folder / "certificate")
    files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    files.private_key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


async def test_a_host_that_never_completes_the_handshake_counts_as_unreachable(tmp_path: Path) -> None:
    # The kernel takes the connection; nobody ever reads from it.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = TlsAddress("127.0.0.1", listener.getsockname()[1])
        remote = Remote(address, timeout_s=60, connect_timeout_s=0.2, tls=tls_files(tmp_path))
        async with remote:
            with pytest.raises(Unreachable) as raised:
                await remote.call("/tree-head", {}, bool)
    assert not raised.value.outcome_unknown
