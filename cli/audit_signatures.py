"""``exchange audit verify --signatures``: every agency's signature, opened for one audit run that is on the record."""

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from cli.audited_ledger import AuditedLedger, entries_of, stored_entries_of
from services.ledger.audit.damage import damaged
from services.ledger.audit.signatures import SignatureCheck, SignatureReport, compromises
from shared.errors import InvalidInput
from shared.identifiers import Position
from shared.ledger.audit_messages import OpenedSignature, OpenSignatures
from shared.transparency.merkle import EMPTY, grow, leaf_hash

PAGE_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Why:
    """Why a run opens signatures, as a code and in words: for a gateway, where the auditor signs it."""

    reason: str = ""
    note: str = ""


async def check_signatures(ledger: AuditedLedger, *, size: int, root: str, bodies: bool, why: Why) -> SignatureReport:
    """Return what a check of all agencies' signatures in the first ``size`` entries finds.

    Opens the signature sections and nothing else, as one opening on the record. With ``bodies`` the ledger also
    compares bodies, within itself, and the record says so. Raises what the ledger raises, and IntegrityFailure when
    its entries do not make the tree of that ``root`` (hex), or signatures come out of order: nothing was checked then.
    """
    if size < 1:
        raise InvalidInput("there is nothing in the ledger to check")
    report = SignatureReport(run=secrets.token_hex(8), bodies_compared=bodies)
    check = SignatureCheck(report, compromised=compromises(await ledger.registry_entries()))
    opened = _opened(ledger, report, last=Position(size - 1), why=why)
    ahead = await anext(opened, None)
    tree = EMPTY
    async for stored, entry in stored_entries_of(ledger):
        if entry.position >= size:
            break
        tree = grow(tree, [leaf_hash(stored.leaf)]).frontier
        own = ahead if ahead is not None and ahead.position == entry.position else None
        if own is not None:
            ahead = await anext(opened, None)
        check.take(entry, own)
    if tree.root().hex() != root:
        raise damaged(f"the entries whose signatures are to be checked are not the {size} that were checked before")
    async for entry in entries_of(ledger, after=size - 1):
        check.after(entry)
    check.end()
    return report


def signatures_text(report: SignatureReport) -> Iterator[str]:
    """Yield the report in words, saying what was not checked as well."""
    yield (
        f"Agencies' signatures, audit run {report.run} (on the record as entry {report.recorded_at_position}): "
        f"{report.good} good with the key valid then, {report.not_openable} whose content is erased."
    )
    if report.bodies_compared:
        yield (
            f"Bodies, which stay sealed: the ledger itself found {report.bodies} to be what was signed, "
            f"{len(report.not_as_signed)} not, and could not open {report.bodies_not_openable}."
        )
    else:
        yield (
            "Not checked: that the sealed bodies are what was signed. With --bodies the ledger compares them within "
            "itself; whoever has a bundle with opened content can check those in it."
        )
    yield (
        f"Receipts by recipients' systems: {report.receipts} good with the key registered for the endpoint, "
        f"{report.receipts_not_openable} whose content is erased, "
        f"{report.receipts_not_whole} kept without what was signed."
    )
    if report.erased_meanwhile:
        yield f"COULD NOT BE CHECKED: {report.erased_meanwhile}, erased since the entries were checked: check anew."
    for suspect in report.suspects:
        yield f"  {suspect.position}: SUSPECT: its key was compromised from {suspect.compromised_from} on"
    for position in report.not_as_signed:
        yield f"  {position}: BODY NOT AS SIGNED: what was recorded is not what the agency signed"
    for bad in report.bad:
        yield f"  {bad.position}: BAD SIGNATURE: {bad.detail}"


async def _opened(
    ledger: AuditedLedger, report: SignatureReport, *, last: Position, why: Why
) -> AsyncIterator[OpenedSignature]:
    after = -1
    while True:
        asked = OpenSignatures(
            report.run, Position(0), last, after, PAGE_LIMIT, report.bodies_compared, why.reason, why.note
        )
        page = await ledger.open_signatures(asked)
        report.recorded_at_position = page.recorded_at_position
        for each in page.signatures:
            if not after < each.position <= last:
                raise damaged(f"among the opened signatures, that of entry {each.position} is out of its place")
            yield each
            after = each.position
        if len(page.signatures) < PAGE_LIMIT:
            return
