"""Every agency's kept signature is checked with the key that was valid then; what a stolen key signed is suspect."""

import orjson
import pytest
from msgspec.structs import replace

from services.ledger.audit.signatures import SignatureCheck, SignatureReport, compromises
from shared.canonical_json import Json
from shared.entries import Commitment, Entry, Subject
from shared.errors import ExchangeError
from shared.identifiers import AgencyId, ChildRef, EntryId, Position
from shared.ledger.audit_messages import BodyStanding, OpenedSignature
from shared.ledger.stewardship import SCOPE_CHILD, SCOPE_ENTRY, Target
from shared.signatures.evidence import check_body_of_evidence, key_of_evidence, verify_evidence
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.approvals import erasing
from tests.machinery.evidence import evidence_of
from tests.machinery.readers import signed_read

KEY, OTHER = generate_signing_key(), generate_signing_key()
SCHOOL = AgencyId("school")
BODY = b'{"concern":null}'
COMMITTED = {"signature": Commitment("0" * 64, "0" * 64)}


def time_of(position: int) -> str:
    """Each entry is a minute after the one before."""
    return f"2026-11-24T10:{position:02d}:00.000000Z"


def evidence(key: SigningKey = KEY, *, body: bytes = BODY) -> dict[str, str]:
    """Return the evidence that the gateway keeps of a request."""
    return evidence_of(key, body=body)


def registration(position: int, key: SigningKey = KEY, agency: str = "school") -> Entry:
    """Return the entry that lets a key sign."""
    facts: dict[str, Json] = {
        "agency": agency,
        "thumbprint": key.public.thumbprint,
        "jwk": dict(key.public.jwk()),
        "valid_from": time_of(0),
        "valid_until": None,
    }
    return entry(position, EntryType.AGENCY_KEY_ADDED, facts)


def revocation(position: int, compromised_from: str | None) -> Entry:
    """Return the entry that revokes the key."""
    facts: dict[str, Json] = {
        "thumbprint": KEY.public.thumbprint,
        "reason": "lost",
        "compromised_from": compromised_from,
    }
    return entry(position, EntryType.AGENCY_KEY_REVOKED, facts)


def entry(position: int, entry_type: EntryType, facts: dict[str, Json] | None = None) -> Entry:
    """Return an entry at a position."""
    return Entry(
        Position(position), EntryId(f"{position:032x}"), entry_type, time_of(position), facts=facts if facts else {}
    )


def signed(position: int, key: SigningKey = KEY) -> Entry:
    """Return a share that a key signed."""
    made = entry(position, EntryType.SHARE_RECORDED)
    return replace(made, agency=SCHOOL, key=key.public.thumbprint, commitments=COMMITTED)


def opened(position: int, content: bytes | None) -> OpenedSignature:
    """Return the opened signature of the entry at a position."""
    return OpenedSignature(Position(position), content)


def check(entries: list[Entry], signatures: dict[int, OpenedSignature]) -> SignatureReport:
    """Return what a check of some entries finds."""
    report = SignatureReport()
    checking = SignatureCheck(report, compromised=compromises(entries))
    for each in entries:
        checking.take(each, signatures.get(each.position))
    checking.end()
    return report


GOOD = orjson.dumps(evidence())


def test_a_signature_by_the_key_valid_then_is_good_even_if_the_key_was_revoked_later() -> None:
    report = check([registration(0), signed(1), revocation(2, None)], {1: opened(1, GOOD)})
    assert (report.good, report.bad, report.suspects) == (1, [], [])


def test_what_a_key_signed_once_it_was_compromised_is_suspect_and_not_broken() -> None:
    entries = [registration(0), signed(1), signed(2), revocation(3, time_of(2))]
    report = check(entries, {1: opened(1, GOOD), 2: opened(2, GOOD)})
    assert (report.good, report.bad) == (2, [])
    assert [(each.position, each.key) for each in report.suspects] == [(2, KEY.public.thumbprint)]


@pytest.mark.parametrize(
    ("before", "content"),
    [
        ([], GOOD),
        ([registration(0, OTHER)], GOOD),
        ([registration(0, agency="surgery")], GOOD),
        ([registration(0), revocation(1, None)], GOOD),
        ([registration(0)], orjson.dumps(evidence(OTHER))),
        ([registration(0)], orjson.dumps({**evidence(), "base": evidence(body=b"{}")["base"]})),
        ([registration(0)], b"not even JSON"),
    ],
)
def test_a_signature_that_proves_nothing_is_named(before: list[Entry], content: bytes) -> None:
    report = check([*before, signed(5)], {5: opened(5, content)})
    assert report.good == 0
    assert [each.position for each in report.bad] == [5]


def test_a_body_that_is_not_what_was_signed_is_a_finding_of_its_own_and_one_that_does_not_open_is_counted() -> None:
    standings = {1: BodyStanding.AS_SIGNED, 2: BodyStanding.NOT_AS_SIGNED, 3: BodyStanding.NOT_OPENABLE}
    report = check(
        [registration(0), *(signed(position) for position in standings)],
        {at: OpenedSignature(Position(at), GOOD, body=standing) for at, standing in standings.items()},
    )
    assert (report.good, report.bad, report.sound) == (3, [], False)
    assert (report.bodies, report.not_as_signed, report.bodies_not_openable) == (1, [2], 1)


def test_a_body_is_said_to_be_as_signed_only_beside_a_signature_that_is_good() -> None:
    opened_body = OpenedSignature(Position(1), orjson.dumps(evidence(OTHER)), body=BodyStanding.AS_SIGNED)
    report = check([registration(0), signed(1)], {1: opened_body})
    assert (report.bodies, [each.position for each in report.bad]) == (0, [1])


def test_a_body_is_held_against_the_digest_that_is_kept() -> None:
    check_body_of_evidence(GOOD, BODY)
    with pytest.raises(ExchangeError):
        check_body_of_evidence(GOOD, BODY + b" ")
    with pytest.raises(ExchangeError):
        check_body_of_evidence(b"{}", BODY)


def test_a_look_is_signed_as_a_read_is_and_a_read_proves_nothing_but_a_look() -> None:
    kept = signed_read("/v1/children/x/chronology", key=KEY).evidence
    look = replace(signed(1), type=EntryType.CHRONOLOGY_READ)
    report = check([registration(0), look, signed(2)], {1: opened(1, kept), 2: opened(2, kept)})
    assert (report.good, [each.position for each in report.bad]) == (1, [2])


def erasure(position: int, target: Target) -> Entry:
    """Return the entry that records an erasure."""
    return entry(position, EntryType.ERASURE_RECORDED, erasing(target))


def about(child: str, position: int) -> Entry:
    """Return a share about a child that a key signed."""
    return replace(signed(position), subjects=(Subject(ChildRef(child), 1),))


CHILD = "c" * 32
OF_CHILD, OF_ENTRY = Target(SCOPE_CHILD, ChildRef(CHILD)), Target(SCOPE_ENTRY, None, EntryId(f"{1:032x}"))


@pytest.mark.parametrize("target", [OF_CHILD, OF_ENTRY])
@pytest.mark.parametrize("shown", [{1: opened(1, None)}, {}])
def test_what_an_erasure_covers_is_counted_and_not_called_good(
    target: Target, shown: dict[int, OpenedSignature]
) -> None:
    report = check([registration(0), about(CHILD, 1), erasure(2, target)], shown)
    assert (report.good, report.not_openable, report.sound, report.whole) == (0, 1, True, True)


def test_what_was_sealed_under_an_erased_childs_key_though_it_names_nobody_is_erased_with_it() -> None:
    conflicted = replace(signed(1), type=EntryType.REQUEST_CONFLICTED, facts={"sealed_under": CHILD})
    assert check([registration(0), conflicted, erasure(2, OF_CHILD)], {}).sound


@pytest.mark.parametrize("shown", [{1: opened(1, None)}, {}])
@pytest.mark.parametrize(
    "others",
    [
        [],
        [erasure(2, Target(SCOPE_CHILD, ChildRef("d" * 32)))],
        [erasure(2, Target(SCOPE_ENTRY, ChildRef(CHILD), EntryId(f"{9:032x}")))],
        [entry(2, EntryType.ERASURE_RECORDED, {"target": "everything"})],
    ],
)
def test_a_signature_that_is_gone_where_no_erasure_covers_it_is_named(
    others: list[Entry], shown: dict[int, OpenedSignature]
) -> None:
    report = check([registration(0), about(CHILD, 1), *others], shown)
    assert (report.good, report.not_openable, [each.position for each in report.bad]) == (0, 0, [1])
    assert "no erasure says why" in report.bad[0].detail


def test_an_erasure_covers_nothing_that_came_after_it() -> None:
    report = check([registration(0), erasure(1, OF_CHILD), about(CHILD, 2)], {})
    assert [each.position for each in report.bad] == [2]


def test_what_only_an_erasure_after_the_checked_entries_covers_could_not_be_checked() -> None:
    report = SignatureReport()
    checking = SignatureCheck(report, compromised={})
    for each in (registration(0), about(CHILD, 1)):
        checking.take(each, None)
    checking.after(erasure(2, OF_CHILD))
    checking.end()
    assert (report.bad, report.not_openable, report.erased_meanwhile) == ([], 0, 1)
    assert not report.whole


def test_a_body_of_which_the_ledger_says_nothing_is_not_said_to_be_as_signed() -> None:
    report = SignatureReport(bodies_compared=True)
    checking = SignatureCheck(report, compromised={})
    checking.take(registration(0), None)
    checking.take(replace(signed(1), commitments={**COMMITTED, "body": COMMITTED["signature"]}), opened(1, GOOD))
    assert (report.good, report.bodies, report.bodies_not_openable, report.whole) == (1, 0, 1, False)


def test_what_a_stolen_key_signed_is_suspect_though_it_was_erased_since() -> None:
    entries = [registration(0), about(CHILD, 1), about(CHILD, 2), erasure(3, OF_CHILD), revocation(4, time_of(2))]
    report = check(entries, {1: opened(1, None), 2: opened(2, None)})
    assert [each.position for each in report.suspects] == [2]


def test_evidence_says_what_was_signed() -> None:
    proven = verify_evidence(GOOD, key=KEY.public)
    assert key_of_evidence(GOOD) == proven.key_id == KEY.public.thumbprint
    assert proven.components['"@path"'] == "/v1/shares"
    proven.check_body(BODY)
    with pytest.raises(ExchangeError):
        proven.check_body(BODY + b" ")


@pytest.mark.parametrize("member", ["base", "signature_input", "signature", "content_digest"])
def test_evidence_of_which_anything_was_changed_proves_nothing(member: str) -> None:
    kept = evidence()
    for change in (kept[member] + "x", kept[member][:-1], evidence(OTHER, body=b"{}")[member], "\u00e9", ""):
        with pytest.raises(ExchangeError):
            verify_evidence(orjson.dumps({**kept, member: change}), key=KEY.public)


def test_every_line_of_a_base_must_be_one_that_its_input_covers() -> None:
    kept = evidence()
    lines = kept["base"].split("\n")
    for base in (lines[1:], [lines[0], *lines], ['"@status": 200', *lines], lines[:-1]):
        with pytest.raises(ExchangeError):
            verify_evidence(orjson.dumps({**kept, "base": "\n".join(base)}), key=KEY.public)
