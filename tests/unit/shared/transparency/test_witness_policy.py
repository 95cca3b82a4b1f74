"""When a checkpoint has been cosigned by enough, and what is no policy."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from shared.errors import InvalidInput
from shared.transparency.cosignature import CosignatureVerifier, MlDsaCosignatureVerifier
from shared.transparency.signed_note import NoteSignature
from shared.transparency.witness_policy import WitnessPolicy, parse_policy


def key(ordinal: int) -> CosignatureVerifier:
    private = Ed25519PrivateKey.from_private_bytes(bytes([ordinal]) * 32)
    return CosignatureVerifier(f"w{ordinal}.example", private.public_key().public_bytes_raw())


POST_QUANTUM = MlDsaCosignatureVerifier(
    "w1.example", MLDSA44PrivateKey.from_seed_bytes(b"\x01" * 32).public_key().public_bytes_raw()
)
THREE = "".join(f"witness w{n} {key(n).verifier_key()} https://w{n}.example/witness/\n" for n in (1, 2, 3))


def by(*ordinals: int) -> list[NoteSignature]:
    return [NoteSignature(key(n).name, key(n).key_id, b"verified elsewhere") for n in ordinals]


def policy(rest: str) -> WitnessPolicy:
    return parse_policy(THREE + rest)


def test_two_of_three_are_enough_and_one_twice_is_not() -> None:
    two = policy("group outside 2 w1 w2 w3 # any two\n\nquorum outside\n")
    assert two.is_met(by(1, 3))
    assert not two.is_met(by(2))
    assert not two.is_met(by(2, 2))
    assert not two.is_met(by(2, 7))
    assert two.witnesses["w1"].url == "https://w1.example/witness"


def test_any_all_one_alone_and_none_mean_what_they_say() -> None:
    assert policy("group g any w1 w2\nquorum g").is_met(by(2))
    assert not policy("group g all w1 w2\nquorum g").is_met(by(2))
    assert policy("quorum w3").is_met(by(3))
    assert not policy("quorum w3").is_met(by(1, 2))
    assert policy("quorum none").is_met([])


def test_groups_stand_in_groups() -> None:
    nested = policy("group a all w1 w2\ngroup b any a w3\nquorum b")
    assert nested.is_met(by(1, 2))
    assert nested.is_met(by(3))
    assert not nested.is_met(by(1))


def test_a_witness_may_be_wanted_with_both_of_its_keys() -> None:
    both = parse_policy(
        f"witness a {key(1).verifier_key()} http://w\nwitness b {POST_QUANTUM.verifier_key()} http://w\n"
        "group w1 all a b\nquorum w1\n"
    )
    assert not both.is_met(by(1))
    assert both.is_met([*by(1), NoteSignature(POST_QUANTUM.name, POST_QUANTUM.key_id, b"")])


LOG_KEY = "ledger.example/safeguarding+03667c3e+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
W4 = key(4).verifier_key()


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "quorum nobody",
        "quorum w1\nquorum w2",
        "quorum",
        "group g 4 w1 w2 w3\nquorum g",
        "group g 0 w1\nquorum g",
        "group g -1 w1\nquorum g",
        "group g some w1\nquorum g",
        "group g any\nquorum g",
        "group g any w1 w1\nquorum g",
        "group g any g w1\nquorum g",
        "group g any later\ngroup later any w1\nquorum g",
        "group w1 any w2\nquorum w1",
        "group none any w2\nquorum none",
        "something else\nquorum w1",
        f"witness w1 {W4} http://w\nquorum w1",
        f"witness w4 {key(1).verifier_key()} http://w\nquorum w1",
        f"witness w4 {LOG_KEY} http://w\nquorum w1",
        f"witness w4 {W4[:-1]} http://w\nquorum w1",
        f"witness w4 {W4}\nquorum w1",
        f"witness w4 {W4} ftp://w\nquorum w1",
        f"witness w4 {W4} http://user@w\nquorum w1",
        f"witness w4 {W4} http://w?a=b\nquorum w1",
        f"witness w4 {W4} http://[w\nquorum w1",
        f"witness w4 {W4} /w\nquorum w1",
    ],
)
def test_what_is_no_policy_is_refused(rest: str) -> None:
    with pytest.raises(InvalidInput):
        policy(rest)
