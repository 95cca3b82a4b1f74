"""``exchange agency``: who takes part, on which terms, and whom to ring there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import typer

from cli import reach
from cli.agency_facts import Terms
from cli.agency_keys import key_app
from cli.as_operator import AsAt, moment, operator, registry
from shared.clock import SystemClock, rfc3339
from shared.errors import Conflict, InvalidInput, NotFound
from shared.ledger.registry import AgencyFacts, RegisteredKey, Registry, SafeguardingLead

agency_app = typer.Typer(help="Register agencies and their keys.", no_args_is_help=True)
agency_app.add_typer(key_app, name="key")

Agency = Annotated[str, typer.Argument(help="Id: lower-case letters, digits, hyphens")]
DutyClassName = Annotated[
    str, typer.Option(help="s11_body, designated_education_childcare, contracted_provider or voluntary_other")
]
HomeAuthority = Annotated[str, typer.Option(help="GSS code of the authority it works in")]
ActsFor = Annotated[str, typer.Option(help="authority:<GSS> or police:<GSS> that it acknowledges for")]
Agreement = Annotated[str, typer.Option(help="The sharing agreement it takes part under")]
AgreementFrom = Annotated[str, typer.Option(help="The day it holds from, such as 2026-04-01")]
AgreementUntil = Annotated[str, typer.Option(help="Its last day")]
PolicyDocument = Annotated[str, typer.Option(help="Its appropriate policy document")]
PolicyFrom = Annotated[str, typer.Option(help="The day it holds from")]
PolicyUntil = Annotated[str, typer.Option(help="Its last day")]
PolicyReview = Annotated[str, typer.Option(help="The day it is to be looked at again")]
Role = Annotated[list[str] | None, typer.Option(help="auditor: it may read the ledger; repeatable")]
RequestsPerMinute = Annotated[int | None, typer.Option(help="Its own rate limit; default: the gateway's")]
Telephone = Annotated[str, typer.Option(help="An office's number, never a person's")]
OutOfHours = Annotated[str, typer.Option(help="The number when that office is closed")]
LeadName = Annotated[str, typer.Option(help="Who leads on safeguarding there; sealed")]
LeadContact = Annotated[str, typer.Option(help="How to reach them; sealed")]


@agency_app.command("add")
def add_agency(
    agency: Agency,
    name: Annotated[str, typer.Option(help="Its name")],
    duty_class: DutyClassName,
    home_authority: HomeAuthority,
    acts_for: ActsFor = "",
    agreement: Agreement = "",
    agreement_from: AgreementFrom = "",
    agreement_until: AgreementUntil = "",
    policy_document: PolicyDocument = "",
    policy_document_from: PolicyFrom = "",
    policy_document_until: PolicyUntil = "",
    policy_document_review: PolicyReview = "",
    role: Role = None,
    requests_per_minute: RequestsPerMinute = None,
    telephone: Telephone = "",
    out_of_hours_telephone: OutOfHours = "",
    lead_name: LeadName = "",
    lead_contact: LeadContact = "",
) -> None:
    """Register an agency."""
    lead = _lead(lead_name, lead_contact)
    terms = Terms(
        agreement_from=agreement_from or None,
        agreement_until=agreement_until or None,
        policy_document_from=policy_document_from or None,
        policy_document_until=policy_document_until or None,
        policy_document_review=policy_document_review or None,
        requests_per_minute=requests_per_minute,
        telephone=telephone or None,
        out_of_hours_telephone=out_of_hours_telephone or None,
    )

    async def work() -> None:
        async with operator() as acting:
            if agency in (await acting.registry()).agencies:
                raise Conflict(f"{agency} is registered", remedy=f"To change it: exchange agency change {agency} …")
            position = await acting.register_agency(
                agency,
                name=name,
                duty_class=duty_class,
                home_authority=home_authority,
                acts_for=acts_for or None,
                agreement=agreement or None,
                policy_document=policy_document or None,
                roles=role or (),
                terms=terms,
                lead=lead,
            )
            typer.echo(f"{agency} is registered (entry {position}). Next: exchange agency key add {agency} --key …")

    reach.run(work())


@agency_app.command("change")
def change_agency(
    agency: Agency,
    name: Annotated[str, typer.Option(help="Its name")] = "",
    duty_class: DutyClassName = "",
    home_authority: HomeAuthority = "",
    acts_for: ActsFor = "",
    agreement: Agreement = "",
    agreement_from: AgreementFrom = "",
    agreement_until: AgreementUntil = "",
    policy_document: PolicyDocument = "",
    policy_document_from: PolicyFrom = "",
    policy_document_until: PolicyUntil = "",
    policy_document_review: PolicyReview = "",
    role: Role = None,
    requests_per_minute: RequestsPerMinute = None,
    telephone: Telephone = "",
    out_of_hours_telephone: OutOfHours = "",
    lead_name: LeadName = "",
    lead_contact: LeadContact = "",
    clear: Annotated[
        list[str] | None, typer.Option(help="What no longer holds, such as agreement-until or roles; repeatable")
    ] = None,
) -> None:
    """Change an agency's registration. What is not said stays as it is; the earlier one stays on record."""
    given: dict[str, object] = {
        "name": name,
        "duty_class": duty_class,
        "home_authority": home_authority,
        "acts_for": acts_for,
        "agreement": agreement,
        "agreement_from": agreement_from,
        "agreement_until": agreement_until,
        "policy_document": policy_document,
        "policy_document_from": policy_document_from,
        "policy_document_until": policy_document_until,
        "policy_document_review": policy_document_review,
        "roles": role,
        "requests_per_minute": requests_per_minute,
        "telephone": telephone,
        "out_of_hours_telephone": out_of_hours_telephone,
    }
    changes = {**_cleared(clear or [], given), **{member: said for member, said in given.items() if said}}
    lead = _lead(lead_name, lead_contact)
    if not changes and lead is None:
        raise InvalidInput("nothing is to be changed", remedy="See: exchange agency change --help")

    async def work() -> None:
        async with operator() as acting:
            position = await acting.change_agency(agency, changes, lead=lead)
            typer.echo(f"{agency} is registered anew (entry {position})")

    reach.run(work())


@agency_app.command("list")
def list_agencies(as_at: AsAt = "") -> None:
    """List agencies with their keys, now or as at a moment."""
    then = moment(as_at)
    known = reach.run(registry(then))
    for facts in known.agencies.values():
        _show_agency(facts, known, at=then or SystemClock().now())


@agency_app.command("show")
def show_agency(agency: Agency, as_at: AsAt = "") -> None:
    """Show all that is registered of one agency, now or as at a moment."""
    then = moment(as_at)
    known = reach.run(registry(then))
    facts = next((each for each in known.agencies.values() if each.agency == agency), None)
    if facts is None:
        raise NotFound(f"no agency {agency} was registered then", remedy="See: exchange agency list")
    _show_agency(facts, known, at=then or SystemClock().now())
    for said, value in _terms(facts).items():
        typer.echo(f"  {said}: {value}")


@agency_app.command("lead")
def show_lead(
    agency: Agency,
    by: Annotated[str, typer.Option(help="Your account; it goes on record")],
    reason: Annotated[str, typer.Option(help="A code, such as overdue-concern; it goes on record")],
) -> None:
    """Show who leads on safeguarding in an agency and how to reach them. Each look is an entry."""

    async def work() -> None:
        async with operator() as acting:
            lead = await acting.safeguarding_lead(agency, by=by, reason=reason)
            typer.echo(f"{lead.name}\n{lead.contact}")

    reach.run(work())


def _show_agency(facts: AgencyFacts, known: Registry, *, at: datetime) -> None:
    typer.echo(f"{facts.agency}: {facts.name} ({facts.duty_class}, {facts.nation}, home {facts.home_authority})")
    for key in known.keys_of(facts.agency):
        typer.echo(f"  key {key.thumbprint} {_state(key, at=at)}")


def _state(key: RegisteredKey, *, at: datetime) -> str:
    if key.revoked_at is not None:
        state = "revoked"
    elif at < key.valid_from:
        state = f"not before {rfc3339(key.valid_from)}"
    elif key.valid_until is not None:
        state = f"{'until' if at < key.valid_until else 'ended'} {rfc3339(key.valid_until)}"
    else:
        state = "valid"
    return state + (f", suspect from {rfc3339(key.compromised_from)}" if key.compromised_from else "")


def _terms(facts: AgencyFacts) -> Mapping[str, object]:
    said = {
        "acts for": facts.acts_for,
        "agreement": _dated(facts.agreement, facts.agreement_from, facts.agreement_until),
        "policy document": _dated(facts.policy_document, facts.policy_document_from, facts.policy_document_until),
        "policy document review": facts.policy_document_review,
        "roles": ", ".join(facts.roles),
        "requests a minute": facts.requests_per_minute,
        "telephone": facts.telephone,
        "out of hours": facts.out_of_hours_telephone,
    }
    return {name: value for name, value in said.items() if value}


def _dated(name: str | None, since: str | None, until: str | None) -> str | None:
    return name and name + (f", from {since}" if since else "") + (f", until {until}" if until else "")


def _lead(name: str, contact: str) -> SafeguardingLead | None:
    if bool(name) != bool(contact):
        raise InvalidInput("a safeguarding lead has a name and a way to be reached", remedy="Give both, or neither.")
    return SafeguardingLead(name, contact) if name else None


def _cleared(names: list[str], known: Mapping[str, object]) -> dict[str, object]:
    cleared: dict[str, object] = {}
    for given in names:
        member = given.replace("-", "_")
        if member not in known or member in ("name", "duty_class"):
            raise InvalidInput(f"{given} cannot be cleared", remedy="Name an option that `agency change` has.")
        cleared[member] = [] if member == "roles" else None
    return cleared
