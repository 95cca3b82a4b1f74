import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from shared.errors import InvalidInput
from shared.signatures.errors import SignatureInvalid
from shared.signatures.keys import (
    Algorithm,
    SigningKey,
    ed25519_signing_key,
    generate_signing_key,
    load_signing_key,
    public_key_from_jwk,
    public_key_from_pem,
    thumbprint,
)

KEYS = [generate_signing_key(algorithm) for algorithm in Algorithm]
SMALL_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key.public.algorithm))
def test_a_key_survives_pem_and_jwk(key: SigningKey) -> None:
    again = load_signing_key(key.pem())
    signature = again.sign(b"message")
    assert len(signature) == 64
    public = public_key_from_jwk(key.public.jwk())
    assert public == key.public
    assert public.jwk()["kid"] == public.thumbprint
    public.verify(signature, b"message")
    pem = key.public.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert public_key_from_pem(pem) == key.public


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key.public.algorithm))
@pytest.mark.parametrize("signature", [b"", b"\0" * 63, b"\0" * 64, b"\xff" * 64, b"\0" * 65])
def test_bytes_that_are_no_signature_are_refused(key: SigningKey, signature: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        key.public.verify(signature, b"message")


def test_a_thumbprint_is_that_of_rfc_8037_appendix_a() -> None:
    members = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(members) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert public_key_from_jwk(members).thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_key_under_which_anything_may_verify_is_refused(point: str) -> None:
    x = base64.urlsafe_b64encode(bytes.fromhex(point)).rstrip(b"=").decode()
    with pytest.raises(InvalidInput, match="small order"):
        public_key_from_jwk({"kty": "OKP", "crv": "Ed25519", "x": x})


ED, EC = KEYS[0].public.jwk(), KEYS[1].public.jwk()


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "OKP"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "OKP", "crv": "X25519", "x": ED["x"]},
        {"kty": "EC", "crv": "P-384", "x": EC["x"], "y": EC["y"]},
        {**ED, "x": ED["x"] + "="},
        {**ED, "x": "!" + ED["x"]},
        {**ED, "x": ED["x"][:-1]},
        {**ED, "x": ED["x"][:-1] + "é"},
        {**EC, "x": EC["y"], "y": EC["x"]},
        {**EC, "y": "A" * 43},
        {name: value for name, value in EC.items() if name != "y"},
    ],
)
def test_what_is_not_wholly_a_key_of_either_kind_is_refused(jwk: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        public_key_from_jwk(jwk)


def test_a_coordinate_with_spare_bits_is_refused() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spare = ED["x"][:-1] + alphabet[alphabet.index(ED["x"][-1]) | 1]
    with pytest.raises(InvalidInput, match="canonical"):
        public_key_from_jwk({**ED, "x": spare})


def test_private_keys_of_other_kinds_and_locked_ones_are_refused() -> None:
    curve = ec.generate_private_key(ec.SECP384R1())
    others = [
        b"",
        b"not a PEM",
        curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        KEYS[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"locked")),
    ]
    for pem in others:
        with pytest.raises(InvalidInput):
            load_signing_key(pem)


def test_public_keys_of_other_kinds_and_of_small_order_are_refused() -> None:
    others: list[PublicKeyTypes] = [
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        rsa.generate_private_key(65537, 2048).public_key(),
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(SMALL_ORDER[1])),
    ]
    pems = [each.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for each in others]
    for pem in (b"", b"not a PEM", KEYS[0].pem(), *pems):
        with pytest.raises(InvalidInput):
            public_key_from_pem(pem)


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidInput):
        ed25519_signing_key(b"\1" * 31)
