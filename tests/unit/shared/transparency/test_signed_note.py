"""Who has signed a note, and what is no note."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import InvalidInput
from shared.transparency.cosignature import CosignatureVerifier, cosign
from shared.transparency.signed_note import (
    NoteSignature,
    NoteSignatureInvalid,
    NoteSigner,
    NoteUnsigned,
    format_note,
    open_note,
    split_note,
)
from shared.transparency.verifier_key import parse_verifier_key
from tests.machinery.vectors import vectors

KEYS = vectors("tlog_vectors.json")["keys"]
TEXT = b"One line.\n\nAnother, after an empty one.\n"
LOG = NoteSigner("log.example", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
OTHER = NoteSigner("other.example", Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEYS["witness_seed"]))
WITNESS = parse_verifier_key(KEYS["witness_vkey"])


def cosigned(text: bytes, *, time_s: int) -> NoteSignature:
    return cosign(text, name=KEYS["witness_name"], private_key=WITNESS_KEY, time_s=time_s)


def test_a_note_is_split_at_its_last_empty_line() -> None:
    opened = open_note(format_note(TEXT, [LOG.sign(TEXT)]), [LOG.verifier()])
    assert opened.text == TEXT


def test_a_key_that_is_not_known_is_passed_over() -> None:
    opened = open_note(format_note(TEXT, [OTHER.sign(TEXT), LOG.sign(TEXT)]), [LOG.verifier()])
    assert [signature.name for signature in opened.verified] == ["log.example"]
    assert [signature.name for signature in opened.unknown] == ["other.example"]


def test_a_key_that_shares_only_name_or_only_id_with_a_known_one_is_not_known() -> None:
    good = LOG.sign(TEXT)
    same_name = NoteSignature(good.name, b"\x00" * 4, good.signature)
    same_id = NoteSignature("other.example", good.key_id, good.signature)
    opened = open_note(format_note(TEXT, [same_name, same_id, good]), [LOG.verifier()])
    assert opened.unknown == (same_name, same_id)


def test_a_bad_signature_of_a_known_key_rejects_the_note_whoever_else_signed() -> None:
    bad = NoteSignature(OTHER.name, OTHER.verifier().key_id, OTHER.sign(b"Something else.\n").signature)
    for signatures in ([LOG.sign(TEXT), bad], [bad, LOG.sign(TEXT)], [OTHER.sign(TEXT), bad, LOG.sign(TEXT)]):
        with pytest.raises(NoteSignatureInvalid):
            open_note(format_note(TEXT, signatures), [LOG.verifier(), OTHER.verifier()])


@pytest.mark.parametrize("length", [1, 7, 8, 63, 65, 72])
def test_a_signature_of_the_wrong_length_is_a_bad_one(length: int) -> None:
    for verifier in (LOG.verifier(), WITNESS):
        signature = NoteSignature(verifier.name, verifier.key_id, b"\x01" * length)
        with pytest.raises(NoteSignatureInvalid):
            open_note(format_note(TEXT, [signature]), [verifier])


def test_a_note_that_no_known_key_signed_is_unsigned() -> None:
    note = format_note(TEXT, [LOG.sign(TEXT)])
    for verifiers in ([], [OTHER.verifier()]):
        with pytest.raises(NoteUnsigned):
            open_note(note, verifiers)


def test_a_key_that_signs_twice_counts_once() -> None:
    twice = [cosigned(TEXT, time_s=1), cosigned(TEXT, time_s=2), LOG.sign(TEXT), LOG.sign(TEXT)]
    opened = open_note(format_note(TEXT, twice), [LOG.verifier(), WITNESS])
    assert [signature.name for signature in opened.verified] == [WITNESS.name, LOG.name]


def test_sixteen_signatures_are_accepted_even_where_they_are_large() -> None:
    large = [NoteSignature(f"witness.example/{ordinal}", b"\x06abc", b"\x00" * 5_000) for ordinal in range(15)]
    opened = open_note(format_note(TEXT, [*large, LOG.sign(TEXT)]), [LOG.verifier()])
    assert len(opened.unknown) == 15


def test_more_signatures_than_anybody_needs_are_refused_before_any_is_verified() -> None:
    with pytest.raises(InvalidInput):
        split_note(format_note(TEXT, [LOG.sign(TEXT)] * 65))
    with pytest.raises(InvalidInput):
        split_note(b"a" * 1_000_001)


def test_a_cosignature_covers_its_time() -> None:
    good = cosigned(TEXT, time_s=1_700_000_000)
    open_note(format_note(TEXT, [good]), [WITNESS])
    later = NoteSignature(good.name, good.key_id, (1_700_000_001).to_bytes(8) + good.signature[8:])
    with pytest.raises(NoteSignatureInvalid):
        open_note(format_note(TEXT, [later]), [WITNESS])


@pytest.mark.parametrize("time_s", [-1, 2**63])
def test_a_cosignature_has_a_time_that_fits(time_s: int) -> None:
    with pytest.raises(InvalidInput):
        cosigned(TEXT, time_s=time_s)


def test_a_witness_key_reads_back_as_what_it_is() -> None:
    assert isinstance(WITNESS, CosignatureVerifier)
    assert WITNESS.key_id.hex() == KEYS["witness_key_id"]
    assert WITNESS.verifier_key() == KEYS["witness_vkey"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        KEYS["log_vkey"].replace("03667c3e", "03667C3E"),
        KEYS["log_vkey"].replace("03667c3e", "03667c3f"),
        KEYS["log_vkey"].replace("ledger.example", "ledger.exampl"),
        KEYS["log_vkey"] + "=",
        KEYS["log_vkey"] + "\n",
        KEYS["log_vkey"][:-4],
        KEYS["log_skey"],
        "two words+00000000+AQ==",
        "\ud800+00000000+" + base64.b64encode(b"\x01" * 33).decode(),
        "name+00000000+" + base64.b64encode(b"\x05" * 1_313).decode(),
    ],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_verifier_key(text)


LINE = format_note(b"t\n", [LOG.sign(b"t\n")]).removeprefix(b"t\n\n")


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n",
        b"t\n",
        b"t\n\n",
        b"t\n\n\n",
        b"t\n" + LINE,
        b"t\n\n" + LINE.removesuffix(b"\n"),
        b"t\n\n" + LINE + b"\n",
        b"t\n\n" + LINE + b"not a signature\n",
        b"t\n\n" + LINE.replace("—".encode(), b"-"),
        b"t\n\n" + LINE.replace(b" log.example ", b"  "),
        b"t\n\n" + LINE.replace(b"log.example", b"log+example"),
        b"t\n\n" + LINE.replace(b"log.example", "log\u00a0example".encode()),
        b"t\n\n" + LINE.replace(b"log.example ", b"log.example  "),
        b"t\n\n" + LINE.replace(b"\n", b" \n"),
        b"t\n\n" + "— log.example AAAA\n".encode(),
        b"t\n\n" + "— log.example AAAAAA==\n".encode(),
        b"t\n\n" + "— log.example AAAAAAB=\n".encode(),
        b"t\r\n\n" + LINE,
        b"t\t\n\n" + LINE,
        b"t\x00\n\n" + LINE,
        b"t\xff\n\n" + LINE,
        b"t\xed\xa0\x80\n\n" + LINE,
    ],
)
def test_what_is_no_note_is_refused(note: bytes) -> None:
    with pytest.raises(InvalidInput):
        split_note(note)


def test_no_note_is_written_that_none_could_read() -> None:
    signature = LOG.sign(TEXT)
    for text in (b"", b"no newline", b"a tab\t\n", b"\xff\n"):
        with pytest.raises(InvalidInput):
            format_note(text, [signature])
    with pytest.raises(InvalidInput):
        format_note(TEXT, [])
    for name in ("", "two words", "a+b", "a\nb", "\ud800"):
        with pytest.raises(InvalidInput):
            format_note(TEXT, [NoteSignature(name, signature.key_id, signature.signature)])
