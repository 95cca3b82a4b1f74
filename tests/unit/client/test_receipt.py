"""A kept answer proves offline that its own entry is in the ledger, and nothing else passes for that."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from client.answer import ReceiptOfAnother, verify_receipt
from client.command_line import main
from client.exchange_keys import ExchangeKeys
from conformance.answering_server import published_keys
from conformance.receipts import KEYS, LOG, ORIGIN, kept_answer
from shared.errors import ExchangeError, IntegrityFailure, InvalidInput
from shared.transparency.signed_note import NoteSigner


def test_a_receipt_verifies_offline() -> None:
    assert verify_receipt(kept_answer(), KEYS).size == 1


def test_a_receipt_by_another_key_of_that_name_does_not() -> None:
    with pytest.raises(IntegrityFailure):
        verify_receipt(kept_answer(signer=NoteSigner(ORIGIN, Ed25519PrivateKey.generate())), KEYS)


@pytest.mark.parametrize("other", [{"entry_id": "f" * 32}, {"position": 1}])
def test_a_good_receipt_beside_another_answer_does_not(other: dict[str, str]) -> None:
    with pytest.raises(ReceiptOfAnother):
        verify_receipt(kept_answer(**other), KEYS)  # type: ignore[arg-type]


def test_an_altered_entry_does_not() -> None:
    answer = json.loads(kept_answer())
    answer["receipt"]["entry"] += " "
    with pytest.raises(IntegrityFailure):
        verify_receipt(json.dumps(answer).encode(), KEYS)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"receipt": 1}', b'{"receipt": {"entry": 1}}', b"\xff"])
def test_what_is_no_receipt_is_named_as_such(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        verify_receipt(body, KEYS)


@given(st.integers(0), st.binary(min_size=1, max_size=1))
def test_whatever_byte_is_changed_it_gives_a_value_or_our_error(at: int, byte: bytes) -> None:
    answer = bytearray(kept_answer())
    answer[at % len(answer)] = byte[0]
    try:
        verify_receipt(bytes(answer), KEYS)
    except ExchangeError:
        return


def test_the_command_says_whether_a_kept_answer_is_proven(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys, answer = tmp_path / "keys.json", tmp_path / "answer.json"
    keys.write_text(json.dumps(published_keys([LOG.verifier().verifier_key()])))
    answer.write_bytes(kept_answer())
    assert main(["verify", str(answer), "--keys", str(keys)]) == 0
    assert "verified" in capsys.readouterr().out
    answer.write_bytes(kept_answer(position=1))
    assert main(["verify", str(answer), "--keys", str(keys)]) == 1
    assert "another entry" in capsys.readouterr().err


def test_the_keys_of_before_and_after_a_rotation_are_known_together() -> None:
    new = NoteSigner(ORIGIN, Ed25519PrivateKey.generate())
    newer = ExchangeKeys({}, (LOG.verifier(), new.verifier()))
    both = KEYS.with_newer(newer)
    assert both.log_keys == (LOG.verifier(), new.verifier())
    for signer in (LOG, new):
        assert verify_receipt(kept_answer(signer=signer), both).size == 1
