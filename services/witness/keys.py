"""A witness's keys and the keys of the logs it watches, from their files."""

from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from services.witness.cosign_checkpoint import Cosigner
from shared.errors import InvalidInput
from shared.process.secret_files import read_secret
from shared.transparency.signed_note import Ed25519Verifier, is_key_name
from shared.transparency.verifier_key import parse_verifier_key


def load_cosigner(name: str, *, ed25519_file: Path, ml_dsa_file: Path | None) -> Cosigner:
    """Return the witness's keys. Raises InvalidInput for a name or a file that does not hold what it should."""
    if not is_key_name(name) or len(name.encode("utf-8")) > 255:
        raise InvalidInput("a witness's name has no spaces and no plus sign, and at most 255 bytes")
    ed25519 = _load(ed25519_file)
    if not isinstance(ed25519, Ed25519PrivateKey):
        raise InvalidInput(f"the key file {ed25519_file.name} must hold an Ed25519 key")
    if ml_dsa_file is None:
        return Cosigner(name, ed25519=ed25519, ml_dsa=None)
    ml_dsa = _load(ml_dsa_file)
    if not isinstance(ml_dsa, MLDSA44PrivateKey):
        raise InvalidInput(f"the key file {ml_dsa_file.name} must hold an ML-DSA-44 key")
    return Cosigner(name, ed25519=ed25519, ml_dsa=ml_dsa)


def load_log_keys(path: Path) -> Sequence[Ed25519Verifier]:
    """Return the keys of the logs to watch. Raises InvalidInput unless the file holds at least one, and only such."""
    try:
        lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the file of logs' keys {path.name} cannot be read") from error
    try:
        keys = [parse_log_key(line) for line in lines if line]
    except InvalidInput as error:
        raise InvalidInput(
            f"the file {path.name} must hold verifier keys of logs, one a line: {error.detail}"
        ) from error
    if not keys:
        raise InvalidInput(f"the file {path.name} must hold verifier keys of logs, one a line")
    return keys


def parse_log_key(text: str) -> Ed25519Verifier:
    """Return the key that may sign a log's checkpoints. Raises InvalidInput when the text is no such verifier key."""
    key = parse_verifier_key(text)
    if not isinstance(key, Ed25519Verifier):
        raise InvalidInput("the verifier key is a cosigner's and not a log's")
    return key


def new_key_files() -> dict[str, bytes]:
    """Return a new pair of keys as file names and PEM texts; the caller keeps them where only it can read."""
    keys: dict[str, Ed25519PrivateKey | MLDSA44PrivateKey] = {
        "witness-ed25519.pem": Ed25519PrivateKey.generate(),
        "witness-ml-dsa-44.pem": MLDSA44PrivateKey.generate(),
    }
    return {name: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for name, key in keys.items()}


def _load(path: Path) -> object:
    try:
        return load_pem_private_key(read_secret(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput(f"the key file {path.name} is not a PKCS#8 PEM private key") from error
