"""Later keys of a log are learned only from entries that a key trusted earlier has vouched for."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from shared.entries import Entry
from shared.errors import IntegrityFailure
from shared.identifiers import Position, TreeSize
from shared.ledger.log_keys import TrustedLogKeys
from shared.ledger.service_keys import ServiceKeys
from shared.transparency.checkpoint import Checkpoint, sign_checkpoint
from shared.transparency.signed_note import NoteSigner, NoteUnsigned
from shared.vocabulary import EntryType
from tests.machinery.fakes import FakeLedger

ORIGIN = "exchange.example/ledger"


def signer(name: str = ORIGIN) -> NoteSigner:
    return NoteSigner(name, Ed25519PrivateKey.generate())


def note(*signers: NoteSigner, size: int = 1) -> bytes:
    return sign_checkpoint(Checkpoint(ORIGIN, TreeSize(size), bytes(32)), signers)


def said(entry_type: EntryType, key: NoteSigner, *, at: int = 1) -> Entry:
    return replace(FakeLedger().add(entry_type, facts={"vkey": key.verifier().verifier_key()}), position=Position(at))


@pytest.fixture
def old() -> NoteSigner:
    return signer()


@pytest.fixture
def new() -> NoteSigner:
    return signer()


@pytest.fixture
def keys(old: NoteSigner) -> TrustedLogKeys:
    """What an auditor begins with: the one key they kept."""
    return TrustedLogKeys([old.verifier()])


def test_a_proven_entry_brings_the_new_key(keys: TrustedLogKeys, new: NoteSigner) -> None:
    keys.take(said(EntryType.LOG_KEY_ADDED, new))
    with pytest.raises(NoteUnsigned):
        keys.open(note(new))
    keys.proven()
    assert keys.open(note(new)).size == 1


def test_an_entry_that_no_trusted_checkpoint_covers_brings_nothing(keys: TrustedLogKeys, new: NoteSigner) -> None:
    keys.take(said(EntryType.LOG_KEY_ADDED, new))
    keys.refuted()
    keys.proven()
    with pytest.raises(NoteUnsigned):
        keys.open(note(new))


def test_a_retired_key_signs_nothing_later_and_what_was_kept_from_before_still_opens(
    keys: TrustedLogKeys, old: NoteSigner, new: NoteSigner
) -> None:
    for entry in (said(EntryType.LOG_KEY_ADDED, new), said(EntryType.LOG_KEY_RETIRED, old)):
        keys.take(entry)
    keys.proven()
    with pytest.raises(NoteUnsigned, match="gave up at entry 1"):
        keys.open(note(old, size=2))
    with pytest.raises(NoteUnsigned, match="gave up at entry 1"):
        keys.open_kept(note(old, size=2))
    assert keys.open_kept(note(old)).size == 1


def test_a_retired_key_that_is_added_again_still_signs_nothing_later(
    keys: TrustedLogKeys, old: NoteSigner, new: NoteSigner
) -> None:
    for entry in (said(EntryType.LOG_KEY_ADDED, new), said(EntryType.LOG_KEY_RETIRED, old)):
        keys.take(entry)
    keys.take(said(EntryType.LOG_KEY_ADDED, old, at=2))
    keys.proven()
    with pytest.raises(NoteUnsigned, match="gave up at entry 1"):
        keys.open(note(old, size=3))
    assert keys.in_force() == (new.verifier(),)


def test_the_last_key_cannot_be_retired(keys: TrustedLogKeys, old: NoteSigner) -> None:
    keys.take(said(EntryType.LOG_KEY_RETIRED, old))
    keys.proven()
    assert keys.open(note(old)).size == 1


def test_a_key_of_another_name_never_becomes_the_logs(keys: TrustedLogKeys) -> None:
    other = signer("witness.example")
    keys.take(said(EntryType.LOG_KEY_ADDED, other))
    keys.proven()
    assert len(keys.in_force()) == 1


def test_one_note_carries_the_old_and_the_new_signature_and_opens_with_either(old: NoteSigner, new: NoteSigner) -> None:
    both = note(old, new)
    for each in (old, new):
        assert TrustedLogKeys([each.verifier()]).open(both).size == 1


def test_the_state_of_the_ledgers_own_keys_follows_its_entries(old: NoteSigner, new: NoteSigner) -> None:
    first, second = old.verifier().verifier_key(), new.verifier().verifier_key()
    state = ServiceKeys().with_entry(FakeLedger().add(EntryType.LEDGER_OPENED, facts={"vkey": first}))
    with pytest.raises(IntegrityFailure, match="cannot do without"):
        state.with_entry(said(EntryType.LOG_KEY_RETIRED, old))
    state = state.with_entry(said(EntryType.LOG_KEY_ADDED, new))
    assert state.log == (first, second)
    with pytest.raises(IntegrityFailure, match="in use"):
        state.with_entry(said(EntryType.LOG_KEY_ADDED, new))
    state = state.with_entry(said(EntryType.LOG_KEY_RETIRED, old))
    assert (state.log, state.past_log) == ((second,), (first,))
    with pytest.raises(IntegrityFailure, match="given up before"):
        state.with_entry(said(EntryType.LOG_KEY_ADDED, old))
