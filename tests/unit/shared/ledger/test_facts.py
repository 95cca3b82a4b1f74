"""Facts are written so that the release before reads them, as far as it can, and are read as it wrote them."""

import msgspec
import pytest

from shared.identifiers import ChildRef, EntryId, KeyThumbprint
from shared.ledger.approvers import Signed
from shared.ledger.facts import write_facts
from shared.ledger.registry import AgencyFacts, KeyFacts, RevocationFacts
from shared.ledger.service_keys import DestroyedKeyFacts, EncryptionKeyFacts, LogKeyFacts, RetiredLogKeyFacts
from shared.ledger.stewardship import ApprovalFacts, ErasureFacts, Target

PROPOSAL, KEY, CHILD = EntryId("a" * 32), KeyThumbprint("k" * 43), ChildRef("c" * 32)
TARGET = Target("child", CHILD)


class RevocationFactsOfBefore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``agency.key_revoked`` in the release before."""

    thumbprint: str
    reason: str
    compromised_from: str | None = None


class ApprovalFactsOfBefore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``erasure.approved`` and ``retention.approved`` in the release before."""

    proposal: str
    by: str


class ErasureFactsOfBefore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``erasure.recorded`` in the release before."""

    target: Target
    authority: str
    reason: str
    proposal: str
    proposed_by: str
    approved_by: tuple[str, ...]
    complete_by: str


class RotationFactsOfBefore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``encryption_key.rotated`` in the release before."""

    kek_id: str
    previous: str


class KeyFactsOfBefore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``encryption_key.destroyed`` in the release before."""

    kek_id: str


class LogKeyFactsOfBefore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``log_key.added`` in the release before."""

    vkey: str


class RetiredFactsOfBefore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``log_key.retired`` in the release before."""

    vkey: str
    vouched_by: str | None = None
    compromised_from: str | None = None


ERASED = (TARGET, "court_order", "ordered", PROPOSAL, "p.ellis", ("q.ash", "t.oake"), "2026-12-29T00:00:00.000000Z")

SAID_IN_BOTH = [
    (RevocationFacts(KEY, "lost"), RevocationFactsOfBefore(KEY, "lost")),
    (ApprovalFacts(PROPOSAL, "q.ash"), ApprovalFactsOfBefore(PROPOSAL, "q.ash")),
    (ErasureFacts(*ERASED), ErasureFactsOfBefore(*ERASED)),
    (EncryptionKeyFacts("2", "1"), RotationFactsOfBefore("2", "1")),
    (DestroyedKeyFacts("1"), KeyFactsOfBefore("1")),
    (LogKeyFacts("log+1"), LogKeyFactsOfBefore("log+1")),
    (RetiredLogKeyFacts("log+1"), RetiredFactsOfBefore("log+1")),
]


@pytest.mark.parametrize(("now", "before"), SAID_IN_BOTH)
def test_what_the_release_before_could_say_is_the_same_facts_in_both(
    now: msgspec.Struct, before: msgspec.Struct
) -> None:
    assert write_facts(now) == msgspec.to_builtins(before)
    assert msgspec.convert(write_facts(now), type(before)) == before
    assert msgspec.convert(msgspec.to_builtins(before), type(now)) == now


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (RevocationFacts(KEY, "lost", by="p.ellis"), {"by": "p.ellis", "compromised_from": None}),
        (
            ApprovalFacts(PROPOSAL, "q.ash", Signed(KEY, "s" * 86)),
            {"by": "q.ash", "signed": {"key": KEY, "signature": "s" * 86}},
        ),
        (ErasureFacts(*ERASED, carried_out_by="t.oake"), {"carried_out_by": "t.oake"}),
    ],
)
def test_what_is_said_is_written(facts: msgspec.Struct, said: dict[str, object]) -> None:
    written = write_facts(facts)
    assert {name: written[name] for name in said} == said
    assert msgspec.convert(written, type(facts)) == facts


def test_members_that_both_releases_know_are_written_though_nothing_is_in_them() -> None:
    """An entry's facts are hashed and compared: their bytes change for nobody who reads them already."""
    assert write_facts(KeyFacts("a-school", KEY, {}, "now"))["valid_until"] is None  # type: ignore[arg-type]
    assert "acts_for" in write_facts(AgencyFacts("a-school", "School", "s11_body", "England", None))  # type: ignore[arg-type]
