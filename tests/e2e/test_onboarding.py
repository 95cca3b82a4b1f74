"""The operator registers an agency on its terms; each change is an entry, and what was so at a moment stays known."""

from pathlib import Path

import pytest

from shared.clock import SystemClock, rfc3339
from shared.signatures.keys import generate_signing_key
from tests.machinery.command_line import Command
from tests.machinery.exchange import TestExchange

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLINIC = "tees-sexual-health"
LEAD = ("Ottoline Brandreth-Oyelaran", "01632 960155")
ADD = (
    "agency", "add", CLINIC, "--name", "Tees Sexual Health", "--duty-class", "s11_body",
    "--home-authority", "E06000002",
    "--agreement", "tees-protocol", "--agreement-from", "2026-04-01", "--agreement-until", "2027-03-31",
    "--policy-document", "policy-9", "--policy-document-review", "2027-01-15",
    "--requests-per-minute", "120", "--telephone", "01632 960100", "--out-of-hours-telephone", "01632 960199",
    "--lead-name", LEAD[0], "--lead-contact", LEAD[1],
)  # fmt: skip


async def test_an_agency_is_registered_changed_and_shown_as_at_any_moment(
    command: Command, exchange: TestExchange, tmp_path: Path
) -> None:
    code, said = await command(*ADD)
    assert code == 0, said
    before = rfc3339(SystemClock().now())
    key = tmp_path / "clinic.pem"
    key.write_bytes(generate_signing_key().pem())
    for arguments in (
        ("agency", "key", "add", CLINIC, "--key", key, "--valid-from", "2126-01-01T00:00:00Z"),
        ("agency", "change", CLINIC, "--agreement-until", "2028-03-31", "--clear", "requests-per-minute"),
    ):
        code, said = await command(*arguments)
        assert code == 0, said

    _, now = await command("agency", "show", CLINIC)
    assert "agreement: tees-protocol, from 2026-04-01, until 2028-03-31" in now
    assert "policy document review: 2027-01-15" in now
    assert "out of hours: 01632 960199" in now
    assert "not before 2126-01-01" in now
    assert "requests a minute" not in now
    _, then = await command("agency", "show", CLINIC, "--as-at", before)
    assert "agreement: tees-protocol, from 2026-04-01, until 2027-03-31" in then
    assert "requests a minute: 120" in then
    assert "key" not in then
    code, said = await command("agency", "show", CLINIC, "--as-at", "2026-01-01T00:00:00Z")
    assert code == 1
    assert "was registered then" in said


async def test_a_safeguarding_lead_is_sealed_and_every_look_is_an_entry(
    command: Command, exchange: TestExchange
) -> None:
    await command("agency", "lead", CLINIC, "--by", "p.ellis", "--reason", "overdue-concern")
    code, said = await command("agency", "lead", CLINIC, "--by", "p.ellis", "--reason", "overdue-concern")
    assert code == 0, said
    assert said.splitlines() == [*LEAD]
    entries = await exchange.entries()
    registered = [each for each in entries if each.facts.get("agency") == CLINIC and each.type == "agency.registered"]
    # The change said nothing of the lead, who stays.
    assert [set(each.commitments) for each in registered] == [{"note"}, set()]
    looks = [each for each in entries if each.type == "content.opened" and registered[0].id in each.causes]
    assert [str(each.facts["purpose"]).startswith("reach-lead:overdue-concern:p.ellis:") for each in looks] == [
        True
    ] * 2
    assert not any(LEAD[0] in str(each.facts) for each in entries)


async def test_a_key_whose_thumbprint_looks_like_an_option_is_revoked_like_any(
    command: Command, exchange: TestExchange
) -> None:
    key = generate_signing_key()
    while not key.public.thumbprint.startswith("-"):
        key = generate_signing_key()
    async with exchange.operator() as operator:
        await operator.add_key(CLINIC, key.public)
    for arguments in (("revoke", "--reason", "lost", "--by", "p.ellis"), ("suspects",)):
        code, said = await command("agency", "key", arguments[0], key.public.thumbprint, *arguments[1:])
        assert code == 0, said


MISTAKES = {
    "registering it again": (ADD, "exchange agency change"),
    "a lead whom nobody can reach": (
        ("agency", "change", CLINIC, "--lead-name", "Ottoline"),
        "has a name and a way to be reached",
    ),
    "an agreement that ends before it begins": (
        ("agency", "change", CLINIC, "--agreement-until", "2020-01-01"),
        "ends before it begins",
    ),
    "nothing to change": (("agency", "change", CLINIC), "nothing is to be changed"),
    "an agency that is not there": (("agency", "change", "nobody-here", "--name", "N"), "no agency nobody-here"),
    "clearing what it must have": (("agency", "change", CLINIC, "--clear", "name"), "name cannot be cleared"),
    "a district for its home": (("agency", "change", CLINIC, "--home-authority", "nowhere"), "is no authority"),
    "a moment that is none": (("agency", "list", "--as-at", "yesterday"), "not a time"),
    "a lead of an agency without one": (
        ("agency", "lead", "st-hilda-primary", "--by", "p.ellis", "--reason", "x"),
        "no safeguarding lead",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_in_registering_is_named(command: Command, exchange: TestExchange, mistake: str) -> None:
    arguments, complaint = MISTAKES[mistake]
    code, said = await command(*arguments)
    assert code == 1
    assert complaint in said
