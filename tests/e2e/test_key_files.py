"""What the operator is given of an agency's key: the public half in any usual form; a private one is warned of."""

from collections.abc import Callable, Mapping
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.signatures.keys import SigningKey, generate_signing_key
from tests.machinery.command_line import Command
from tests.machinery.exchange import SCHOOL

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORMS: Mapping[str, Callable[[SigningKey], bytes]] = {
    "public.jwk": lambda key: orjson.dumps(key.public.jwk()),
    "public.pem": lambda key: key.public.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "private.pem": lambda key: key.pem(),
    "private.jwk": lambda key: orjson.dumps({**key.public.jwk(), "d": "A" * 43}),
}


@pytest.mark.parametrize("name", FORMS)
async def test_a_key_is_added_from_any_file_that_holds_it(command: Command, tmp_path: Path, name: str) -> None:
    key, file = generate_signing_key(), tmp_path / name
    file.write_bytes(FORMS[name](key))
    code, said = await command("agency", "key", "add", SCHOOL.id, "--key", file)
    assert code == 0, said
    assert key.public.thumbprint in said
    assert ("holds a private key" in said) is name.startswith("private")
    await command("agency", "key", "revoke", key.public.thumbprint, "--by", "p.ellis")
