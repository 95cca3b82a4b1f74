"""A decision is judged by the law of its own day, in UK local time, and by its sender's nation."""

from datetime import UTC, date, datetime

import pytest

from services.gateway.domain.law import TimeGiven, law_of_the_day
from services.gateway.domain.sharing import plan_share
from services.gateway.domain.withholding import plan_withholding
from tests.machinery.circumstances import NOW, agency, as_share, as_withholding, circumstances
from tests.machinery.people import share, withholding


@pytest.mark.parametrize(
    ("decided_at", "on", "regime"),
    [
        ("2026-09-29T17:50:00+01:00", date(2026, 9, 29), "permissive"),
        ("2026-09-29T23:59:59+01:00", date(2026, 9, 29), "permissive"),
        ("2026-09-30T00:00:00+01:00", date(2026, 9, 30), "duty"),
        ("2026-09-29T22:59:59Z", date(2026, 9, 29), "permissive"),
        ("2026-09-29T23:00:00Z", date(2026, 9, 30), "duty"),
        ("2026-09-30T08:05:00+01:00", date(2026, 9, 30), "duty"),
    ],
)
def test_the_twenty_ninth_of_september_is_permissive_and_the_thirtieth_a_duty(
    decided_at: str, on: date, regime: str
) -> None:
    plan = plan_share(as_share(share(decided_at=decided_at)), circumstances(decided_at))
    assert plan.facts["law_as_at"] == on.isoformat()
    assert plan.facts["regime"] == regime
    assert plan.facts["law_of"] == "decision"
    assert plan.book.told_authorities == ("E06000005",)


@pytest.mark.parametrize(
    ("decided_at", "given"),
    [
        (None, TimeGiven.MISSING),
        ("  ", TimeGiven.MISSING),
        ("NOT_KNOWN", TimeGiven.MISSING),
        ("last Tuesday", TimeGiven.UNREADABLE),
        ("2026-11-24T10:50:00", TimeGiven.UNREADABLE),
        ("0001-01-01T00:00:00+14:00", TimeGiven.UNREADABLE),
        ("9999-12-31T23:59:59-12:00", TimeGiven.UNREADABLE),
        ("2026-11-25T12:01:00Z", TimeGiven.FUTURE),
        ("9999-12-31T23:59:59Z", TimeGiven.FUTURE),
    ],
)
def test_a_time_that_cannot_be_used_falls_back_to_today_and_is_said(decided_at: str | None, given: TimeGiven) -> None:
    assert law_of_the_day(decided_at, now=NOW).given is given
    plan = plan_share(as_share(share(decided_at=decided_at)), circumstances(decided_at))
    assert plan.facts["law_as_at"] == "2026-11-25"
    assert plan.facts["law_of"] == "today"
    assert "judged-by-law-of-today" in plan.advice
    assert ("time-unreadable" in plan.advice) == (given is TimeGiven.UNREADABLE)
    assert ("decided-in-future" in plan.advice) == (given is TimeGiven.FUTURE)


def test_a_clock_half_a_minute_ahead_is_not_the_future_and_the_earliest_time_is_a_day() -> None:
    assert law_of_the_day("2026-11-25T12:00:30Z", now=NOW).given is TimeGiven.USABLE
    assert law_of_the_day("0001-01-01T00:00:00Z", now=NOW).given in (TimeGiven.USABLE, TimeGiven.UNREADABLE)


def test_today_is_the_day_in_the_united_kingdom() -> None:
    late = datetime(2026, 9, 29, 23, 30, tzinfo=UTC)
    assert law_of_the_day(None, now=late).on == date(2026, 9, 30)


@pytest.mark.parametrize(
    ("nation", "duty_class", "decided_at", "regime"),
    [
        ("England", "s11_body", "2026-10-01T09:00:00Z", "duty"),
        ("England", "contracted_provider", "2026-10-01T09:00:00Z", "duty"),
        ("England", "voluntary_other", "2026-10-01T09:00:00Z", "permissive"),
        ("Wales", "s11_body", "2026-09-01T09:00:00Z", "duty"),
        ("Wales", "voluntary_other", "2026-10-01T09:00:00Z", "permissive"),
        ("Scotland", "s11_body", "2026-10-01T09:00:00Z", "permissive"),
        ("Northern Ireland", "s11_body", "2026-10-01T09:00:00Z", "permissive"),
    ],
)
def test_the_regime_is_the_senders_own(nation: str, duty_class: str, decided_at: str, regime: str) -> None:
    sender = agency(nation=nation, duty_class=duty_class)
    plan = plan_share(as_share(share()), circumstances(decided_at, of=sender))
    assert plan.facts["regime"] == regime
    assert ("scotland-own-procedures" in plan.advice) == (nation == "Scotland")
    assert ("northern-ireland-gateway" in plan.advice) == (nation == "Northern Ireland")
    assert ("wales-tell-where-it-happened" in plan.advice) == (nation == "Wales")


def test_a_misconception_is_answered_with_the_duty_of_the_day() -> None:
    record = as_withholding(withholding(reasons=["no_consent"]))
    before = plan_withholding(record, circumstances("2026-09-29T12:00:00Z"))
    after = plan_withholding(record, circumstances("2026-09-30T12:00:00Z"))
    assert "duty-to-share-england" not in before.advice
    assert "duty-to-share-england" in after.advice
    assert before.challenges == after.challenges == ["challenge-no-consent"]
