"""The day that reference data and deadlines go by begins at midnight in the United Kingdom, an hour early in summer."""

from datetime import UTC, date, datetime

import msgspec
import orjson
import pytest

from services.gateway.api.dangers import Dangers
from services.gateway.domain.housing import plan_housing_notice
from services.gateway.domain.sharing import plan_share
from services.gateway.domain.whereabouts import plan_whereabouts
from shared.canonical_json import Json
from shared.entries import RoleFact
from shared.errors import Unavailable
from shared.identifiers import AuthorityCode, ChildRef, EntryId
from shared.ledger.messages import ResolvedChild
from shared.ledger.registry import Registry
from shared.ledger.registry_copy import RegistryCopy
from shared.reference.working_days import local_day
from shared.vocabulary import AuthorityRole
from tests.machinery.circumstances import (
    agency,
    as_housing_notice,
    as_share,
    as_whereabouts,
    circumstances,
    directories,
)
from tests.machinery.fakes import FakeClock, FakeLedger
from tests.machinery.people import child, housing_notice, share, whereabouts

SURREY = "E10000030"
LAST_DAY = datetime(2027, 3, 31, 22, 59, 59, tzinfo=UTC)
"""One second before midnight in British Summer Time: Surrey is divided on 1 April 2027."""

FIRST_DAY = datetime(2027, 3, 31, 23, 30, tzinfo=UTC)
"""Half past midnight on 1 April there, and still 31 March in UTC."""

IN_SURREY: Json = {"lines": ["1 Example Terrace"], "authority": SURREY}


@pytest.mark.parametrize(
    ("moment", "on"),
    [
        (LAST_DAY, date(2027, 3, 31)),
        (FIRST_DAY, date(2027, 4, 1)),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2027, 1, 1, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_the_day_of_a_moment_is_that_of_the_clock_on_the_wall(moment: datetime, on: date) -> None:
    assert local_day(moment) == on


@pytest.mark.parametrize(("now", "told"), [(LAST_DAY, True), (FIRST_DAY, False)])
def test_an_authority_is_told_until_the_midnight_of_its_end(now: datetime, told: bool) -> None:
    held = ResolvedChild(
        ChildRef("c" * 32), 1, (RoleFact(AuthorityRole.PLAN_HELD_BY.value, AuthorityCode(SURREY)),), ()
    )
    for sent, known in (
        (share(child(address=IN_SURREY)), None),
        (share(child(address=None), recipients=[SURREY]), None),
        (share(child(address=None, plan_held_by=SURREY)), None),
        (share(child()), held),
    ):
        judged_in = circumstances(None, now=now) if known is None else circumstances(None, now=now, known=known)
        assert (SURREY in plan_share(as_share(sent), judged_in).book.told_authorities) is told
    # Its own authority is told meanwhile of what a sender there cannot place.
    nowhere = as_share(share(child(address=None)))
    there = circumstances(None, now=now, of=agency(home_authority=SURREY))
    assert (SURREY in plan_share(nowhere, there).book.told_authorities) is told


@pytest.mark.parametrize(("now", "placed"), [(LAST_DAY, True), (FIRST_DAY, False)])
def test_a_child_is_placed_with_an_authority_until_the_midnight_of_its_end(now: datetime, placed: bool) -> None:
    plan = plan_whereabouts(as_whereabouts(whereabouts(child(), SURREY)), circumstances(None, now=now))
    assert bool(plan.role_facts) is placed
    notice = plan_housing_notice(as_housing_notice(housing_notice(accommodation=IN_SURREY)), circumstances(now=now))
    assert (notice.facts["area"] == SURREY) is placed


@pytest.mark.parametrize(
    ("now", "due_at"), [(LAST_DAY, "2027-04-14T16:00:00.000000Z"), (FIRST_DAY, "2027-04-15T16:00:00.000000Z")]
)
def test_fourteen_days_are_counted_from_the_day_here(now: datetime, due_at: str) -> None:
    notice = as_housing_notice(housing_notice(agreement={"status": "given", "by": "parent"}))
    plan = plan_housing_notice(notice, circumstances(now=now))
    assert {each.due_at for each in plan.book.obligations(EntryId("0" * 32))} == {due_at}


@pytest.mark.parametrize(("now", "called"), [(LAST_DAY, 2), (FIRST_DAY, 1)])
def test_whom_to_call_is_asked_of_the_day_here(now: datetime, called: int) -> None:
    office = agency(agency="a-csc", home_authority=None, acts_for=f"authority:{SURREY}", telephone="01632 960100")
    registry = RegistryCopy(FakeLedger())
    registry.current = Registry(agencies={office.agency: office})
    dangers = Dangers(directories=directories(), registry=registry, clock=FakeClock(now))
    sent = share(child(address=IN_SURREY), concern={"level": "immediate_danger"})
    found = dangers.whom_to_call(
        Unavailable("x"), orjson.dumps(msgspec.to_builtins(sent)), sender=None, danger_in=dangers.in_share
    )
    assert len(found) == called
