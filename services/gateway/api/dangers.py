"""Whether a body speaks of an immediate danger, and whom its sender must call when it cannot be taken now."""

from collections.abc import Callable

import structlog

from services.gateway.api.problems import is_no_fault_of_the_request
from services.gateway.api.reading import RecordDecoder
from services.gateway.domain import sharing
from services.gateway.domain.amendment import ShareCorrectionRecord
from services.gateway.domain.danger import (
    EMERGENCY,
    Telephone,
    authorities_of,
    corrected_to,
    is_danger,
    whom_to_call,
)
from services.gateway.domain.placing import Directories
from services.gateway.domain.record import ShareRecord
from services.gateway.limit_requests import RateLimited
from shared.clock import Clock
from shared.errors import ExchangeError
from shared.ledger.registry import AgencyFacts
from shared.ledger.registry_copy import RegistryCopy
from shared.process.logs import fault
from shared.reference.working_days import local_day

log = structlog.get_logger()

DangerIn = Callable[[bytes], ShareRecord | None]
"""Finds the share of an immediate danger in a body; None when it speaks of none, or cannot be read."""


def no_danger(_body: bytes) -> ShareRecord | None:
    """Return that a body of this kind speaks of no immediate danger."""
    return None


class Dangers:
    """Finds immediate dangers, and looks up whom to call."""

    def __init__(self, *, directories: Directories, registry: RegistryCopy, clock: Clock) -> None:
        self._directories = directories
        self._registry = registry
        self._clock = clock
        self._shares = RecordDecoder(ShareRecord)
        self._corrections = RecordDecoder(ShareCorrectionRecord)

    def in_share(self, body: bytes) -> ShareRecord | None:
        """Return the share that a body is if it is acted on as an immediate danger."""
        try:
            record = self._shares.decode(body)
            sharing.check_readable(record)
        except ExchangeError:
            # It will be refused by the name of what is wrong with it.
            return None
        return record if is_danger(record) else None

    def in_correction(self, body: bytes) -> ShareRecord | None:
        """Return what a correction makes of a share if that is an immediate danger."""
        try:
            record = corrected_to(self._corrections.decode(body))
        except ExchangeError:
            return None
        return record if record is not None and is_danger(record) else None

    def whom_to_call(
        self, error: ExchangeError, body: bytes | None, *, sender: AgencyFacts | None, danger_in: DangerIn
    ) -> tuple[Telephone, ...]:
        """Return whom a sender must call because of what the exchange could not take; nobody when it is no danger.

        Only what is no fault of the request counts: whatever else is refused says how to mend it. Where the body names
        no place, the sender's own authority is called. When this fails as well, it is 999 that is called.
        """
        if body is None or not is_no_fault_of_the_request(error):
            return ()
        try:
            return self._offices(error, body, sender=sender, danger_in=danger_in)
        except Exception as failure:
            # What failed before may fail here again, and it may be a danger all the same.
            log.error("whom_to_call_not_found", **fault(failure))
            return (EMERGENCY,)

    def _offices(
        self, error: ExchangeError, body: bytes, *, sender: AgencyFacts | None, danger_in: DangerIn
    ) -> tuple[Telephone, ...]:
        record = danger_in(body)
        if record is None:
            return ()
        if isinstance(error, RateLimited):
            sender = error.agency
        authorities = authorities_of(record, directories=self._directories, on=local_day(self._clock.now()))
        if not authorities and sender is not None and sender.home_authority is not None:
            authorities = (sender.home_authority,)
        return whom_to_call(authorities, registry=self._registry.current, directories=self._directories)
