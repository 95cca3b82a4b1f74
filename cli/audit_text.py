"""The report of ``exchange audit verify`` in words: what was checked, with what, what was not, and what is wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from cli.audit_trust import Held, TrustedKey
from services.ledger.audit.findings import Finding, Report, WitnessStanding
from shared.clock import rfc3339


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When a log was checked, with which key and against whose checkpoints; the same for every source."""

    at: datetime
    key: TrustedKey
    held: Held

    def in_words(self) -> Iterator[str]:
        """Yield it in words."""
        yield f"Log {self.key.origin()}, checked at {rfc3339(self.at)} by exchange {version('safeguarding-exchange')}."
        yield self.key.in_words()

    def as_json(self) -> dict[str, object]:
        """Return it for a program."""
        return {
            "origin": self.key.origin(),
            "checked_at": rfc3339(self.at),
            "checked_by": f"exchange {version('safeguarding-exchange')}",
            "log_key": self.key.as_json(),
            "held_against": self.held.as_json(),
        }


def report_text(report: Report, held: Held) -> Iterator[str]:
    """Yield what a check found."""
    yield _extent(report)
    if report.not_checked:
        yield f"Not checked, as these files do not hold them: {', '.join(report.not_checked)}."
    for lost in report.lost:
        yield (
            f"{counted(lost.sections, 'sealed section')} can't be opened any more: their key-encryption key was "
            f"destroyed on {lost.key.destroyed_at[:10]} (entry {lost.key.position})."
        )
    if report.since:
        yield (
            f"Of the first {counted(report.since, 'entry', 'entries')} only the root was compared: a checkpoint "
            "vouches for them."
        )
    yield f"Root: {report.root}"
    yield from held.in_words(unproven={each.size for each in report.unproven})
    for unproven in report.unproven:
        yield (
            f"COULD NOT BE HELD against the kept checkpoint of {counted(unproven.size, 'entry', 'entries')}: "
            f"{unproven.detail}. "
            "Either it is none of this log's, or the log hides a key that it had: ask whoever gave it to you."
        )
    yield from witnesses_text(report.witnesses)
    first = report.first()
    if first is not None:
        yield f"NOT INTACT. First bad position: {first.first_position} ({first.detail})."
        for finding in report.findings:
            yield f"  {_where(finding)}: {finding.kind}: {finding.detail}"
    elif report.whole:
        yield "Nothing was altered, dropped, added or reordered."
    else:
        yield "Nothing else was found wrong. NOT ALL that you asked for could be checked: see above."


def witnesses_text(witnesses: Sequence[WitnessStanding]) -> Iterator[str]:
    """Yield how far each witness vouches whose key was given."""
    for each in witnesses:
        if each.cosigned is not None:
            yield f"Cosigned by {each.name}+{each.key_id}: the first {counted(each.cosigned, 'entry', 'entries')}."
        else:
            yield (
                f"NOT COSIGNED by {each.name}+{each.key_id}: it stands on none of the checkpoints here. Give the "
                "published file `checkpoint` with --checkpoint; if it stands on that neither, ask the witness."
            )


def counted(number: int, one: str, more: str = "") -> str:
    """Return a number of things as people say it."""
    return f"{number} {one if number == 1 else more or one + 's'}"


def _extent(report: Report) -> str:
    parts = [counted(report.size, "entry", "entries"), counted(report.heads, "signed checkpoint")]
    if not report.not_checked:
        parts.append(f"{counted(report.sections, 'sealed section')} ({report.erased} of them erased on the record)")
        parts.append(f"{counted(report.answers, 'answer')} with their receipts")
    return ", ".join([*parts, counted(report.children, "child", "children")]) + "."


def _where(finding: Finding) -> str:
    first, last = finding.first_position, finding.last_position
    return f"{first}" if first == last else f"{first} to {last}"
