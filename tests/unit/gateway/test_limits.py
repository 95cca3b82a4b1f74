"""A sender gets its quota, steadily; an immediate danger passes by a bounded lane of its own."""

from dataclasses import dataclass, field

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.api.answers import Answering
from services.gateway.api.dangers import Dangers, no_danger
from services.gateway.api.problems import problem_body
from services.gateway.domain.rate_limit import WINDOW_S, Bucket, Quota, take
from services.gateway.limit_requests import Allowance, RateLimited, RequestLimits
from shared.canonical_json import Json
from shared.errors import InvalidInput, Unavailable
from shared.identifiers import Recipient
from shared.ledger.registry import AgencyFacts, Registry
from shared.ledger.registry_copy import RegistryCopy
from shared.signatures.keys import generate_signing_key
from tests.machinery.circumstances import agency, directories
from tests.machinery.fakes import FakeClock, FakeLedger
from tests.machinery.people import child, share


@dataclass
class Monotonic:
    """Seconds that pass only when told to."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Limits:
    """Three requests a minute, two dangers, five reads."""

    seconds: Monotonic = field(default_factory=Monotonic)

    def __post_init__(self) -> None:
        self.limits = RequestLimits(
            per_minute=3, reads_per_minute=5, immediate_danger_per_minute=2, monotonic_s=self.seconds
        )

    def passed(self, count: int, *, danger: bool = False, of: AgencyFacts | None = None) -> int:
        """Return how many of so many requests at once pass."""
        passed = 0
        for _ in range(count):
            try:
                self.limits.take(of or agency(), is_danger=lambda: danger)
            except RateLimited:
                continue
            passed += 1
        return passed


def test_a_quota_passes_at_once_and_then_as_it_fills() -> None:
    limits = Limits()
    assert limits.passed(5) == 3
    limits.seconds.now_s += 20
    assert limits.passed(5) == 1
    limits.seconds.now_s += 3600
    assert limits.passed(5) == 3


def test_an_agencys_own_limit_and_its_own_bucket_are_its_own() -> None:
    limits = Limits()
    assert limits.passed(9) == 3
    other = agency(agency="another-agency")
    assert limits.passed(9, of=other) == 3
    registered = AgencyFacts(other.agency, "N", "s11_body", "England", None, requests_per_minute=5)
    assert Limits().passed(9, of=registered) == 5


def test_reading_uses_up_nothing_of_what_records() -> None:
    limits = Limits()
    for _ in range(5):
        limits.limits.take_read(agency())
    with pytest.raises(RateLimited):
        limits.limits.take_read(agency())
    assert limits.passed(3) == 3


def test_an_immediate_danger_passes_when_the_quota_is_used_up_and_a_flood_of_them_does_not() -> None:
    limits = Limits()
    assert limits.passed(5) == 3
    assert limits.passed(100, danger=True) == 2
    limits.seconds.now_s += WINDOW_S
    # While there is quota, a danger takes nothing of its own lane.
    assert limits.passed(3, danger=True) == 3
    assert limits.passed(100, danger=True) == 2


def test_whether_it_is_a_danger_is_asked_only_when_the_quota_is_used_up() -> None:
    limits, asked = Limits(), []

    def is_danger() -> bool:
        asked.append(True)
        return True

    for _ in range(4):
        limits.limits.take(agency(), is_danger=is_danger)
    assert len(asked) == 1


def test_what_is_left_is_said_in_the_fields_of_the_draft() -> None:
    limits = Limits()
    allowance = limits.limits.take(agency(), is_danger=lambda: True)
    assert allowance.headers() == {"ratelimit-policy": '"requests";q=3;w=60', "ratelimit": '"requests";r=2;t=20'}
    limits.passed(2)
    allowance = limits.limits.take(agency(), is_danger=lambda: True)
    assert allowance.headers() == {
        "ratelimit-policy": '"requests";q=3;w=60, "immediate-danger";q=2;w=60',
        "ratelimit": '"requests";r=0;t=60, "immediate-danger";r=1;t=30',
    }
    with pytest.raises(RateLimited) as refused:
        limits.limits.take(agency(), is_danger=lambda: False)
    assert (refused.value.retry_after_s, refused.value.violated) == (20, ("requests",))
    assert Allowance().headers() == {}


@given(
    requests=st.integers(1, 1000),
    waits=st.lists(st.floats(0.0, 200.0), min_size=1, max_size=200),
)
def test_no_more_than_twice_the_quota_passes_in_any_minute_and_waiting_as_told_is_enough(
    requests: int, waits: list[float]
) -> None:
    """A full bucket and what fills meanwhile: the bound that a bucket gives."""
    quota, bucket, now_s = Quota("q", requests), None, 0.0
    passed: list[float] = []
    for wait_s in waits:
        now_s += wait_s
        taking = take(quota, bucket, now_s=now_s)
        bucket = taking.bucket
        assert 0.0 <= bucket.left <= requests
        if taking.taken:
            passed.append(now_s)
        else:
            assert take(quota, bucket, now_s=now_s + taking.retry_after_s).taken
    for moment in passed:
        assert sum(moment <= each < moment + WINDOW_S for each in passed) <= 2 * requests


def test_a_clock_that_goes_back_gives_and_takes_nothing() -> None:
    quota = Quota("q", 10)
    assert take(quota, Bucket(4.0, 100.0), now_s=50.0).bucket.left == 3.0


CSC = {
    "agency": "csc-darlington",
    "acts_for": "authority:E06000005",
    "telephone": "01632 960100",
    "out_of_hours_telephone": "01632 960199",
}


class KnownRegistry(RegistryCopy):
    """A copy of a registry with Darlington's children's social care in it."""

    def __init__(self) -> None:
        super().__init__(FakeLedger())
        facts = agency(**CSC)
        self.current = Registry(agencies={facts.agency: facts})


DANGERS = Dangers(directories=directories(), registry=KnownRegistry(), clock=FakeClock())


def body(level: str | None, *, authority: str | None = "E06000005", **members: Json) -> bytes:
    who = child(address={"authority": authority} if authority else {})
    return orjson.dumps({**share(who), "recipients": [], "concern": {"level": level, **members}})


@pytest.mark.parametrize(
    ("sent", "danger"),
    [
        (body("immediate_danger"), True),
        (body("significant_harm"), False),
        (body("significant_harm", immediate_danger=True), True),
        # What nobody can read is taken for the most urgent thing that it could mean.
        (body("a code of next year"), True),
        (body(None), True),
        (b"{}", False),
        (b"not json", False),
    ],
)
def test_a_share_is_a_danger_when_it_is_acted_on_as_one(sent: bytes, danger: bool) -> None:
    assert (DANGERS.in_share(sent) is not None) is danger


def test_a_correction_that_raises_a_share_to_a_danger_is_one() -> None:
    raised = {"members": {"concern": {"level": "immediate_danger"}}}
    assert DANGERS.in_correction(orjson.dumps(raised)) is not None
    for other in ({"members": {"rationale": "x"}}, {"members": {"concern": {"level": "early_help"}}}, {}):
        assert DANGERS.in_correction(orjson.dumps(other)) is None


def call(sent: bytes, error: Exception, *, sender: AgencyFacts | None = None) -> list[tuple[str, str | None]]:
    assert isinstance(error, Unavailable | InvalidInput)
    found = DANGERS.whom_to_call(error, sent, sender=sender, danger_in=DANGERS.in_share)
    return [(each.who, each.out_of_hours_telephone) for each in found]


EMERGENCY = ("Emergency services", None)
DARLINGTON_NIGHT = ("Darlington children's social care", "01632 960199")


def test_a_danger_that_cannot_be_taken_names_whom_to_call_whatever_the_reason() -> None:
    limited = RateLimited(agency(), Allowance())
    for error in (limited, Unavailable("the ledger cannot write")):
        assert call(body("immediate_danger"), error) == [EMERGENCY, DARLINGTON_NIGHT]
        assert call(body("early_help"), error) == []
    assert call(body("immediate_danger"), InvalidInput("another fault, which it says how to mend")) == []
    # Nobody's number is registered for Durham; for nowhere at all the sender's own authority is called.
    assert call(body("immediate_danger", authority="E06000047"), limited) == [EMERGENCY]
    assert call(body("immediate_danger", authority=None), limited) == [EMERGENCY, DARLINGTON_NIGHT]
    assert call(body("immediate_danger", authority=None), Unavailable("x")) == [EMERGENCY]
    assert call(body("immediate_danger", authority=None), Unavailable("x"), sender=agency()) == [
        EMERGENCY,
        DARLINGTON_NIGHT,
    ]
    assert DANGERS.whom_to_call(limited, body("immediate_danger"), sender=None, danger_in=no_danger) == ()
    assert DANGERS.whom_to_call(limited, None, sender=None, danger_in=DANGERS.in_share) == ()


def test_a_refusal_says_whom_to_call_in_its_remedy_and_when_to_come_again_in_its_headers() -> None:
    limits = Limits()
    limits.passed(3)
    with pytest.raises(RateLimited) as refused:
        limits.limits.take(agency(), is_danger=lambda: False)
    numbers = DANGERS.whom_to_call(refused.value, body("immediate_danger"), sender=None, danger_in=DANGERS.in_share)
    problem = orjson.loads(problem_body(refused.value, call=numbers))
    assert problem["violated-policies"] == ["requests"]
    assert [each["who"] for each in problem["call"]] == ["Emergency services", "Darlington children's social care"]
    assert "Emergency services: 999" in problem["remedy"]
    assert "01632 960100, out of hours 01632 960199" in problem["remedy"]
    response = Answering(key=generate_signing_key(), clock=FakeClock()).problem(
        refused.value, request=None, call=numbers
    )
    assert (response.status_code, response.headers["retry-after"]) == (429, "20")
    assert response.headers["ratelimit"] == '"requests";r=0;t=60'


def test_only_who_acts_for_an_authority_is_called() -> None:
    assert Registry().acting_for(Recipient("authority:E06000005")) == ()
    assert [each.agency for each in KnownRegistry().current.acting_for(Recipient("authority:E06000005"))] == [
        "csc-darlington"
    ]
