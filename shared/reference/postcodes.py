"""The postcode directory: which authority and police area a postcode lies in."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from shared.errors import InvalidInput
from shared.identifiers import AuthorityCode
from shared.reference.authorities import AuthorityRegister, Resolution, ResolutionKind, read_data

_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}\Z")
# The year in these names moves with every edition: match the pattern, never the position.
_AUTHORITY_COLUMN = re.compile(r"(lad\d\dcd|oslaua|laua|ladcd)\Z")
_POLICE_COLUMN = re.compile(r"(pfa|pfa\d\dcd)\Z")
_POLICE_AREA = re.compile(r"[EW][0-9]{8}\Z")
_PSEUDO_AREA = re.compile(r"([A-Z]99999999)?\Z")


class PostcodeKind(StrEnum):
    """What is known of a postcode."""

    LIVE = "live"
    TERMINATED = "terminated"
    NO_AUTHORITY = "no_authority"
    UNKNOWN = "unknown"
    NOT_A_POSTCODE = "not_a_postcode"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a postcode lies on a day. A candidate only: postcodes can straddle a boundary, so a sender may overrule it.

    ``authority`` is None when a person must place it; ``candidates`` then are whom a split leaves.
    """

    kind: PostcodeKind
    authority: AuthorityCode | None = None
    candidates: tuple[AuthorityCode, ...] = ()
    police: str | None = None
    resolution: ResolutionKind | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    area: str
    police: str | None
    terminated: bool


class PostcodeDirectory:
    """Look-ups in one edition of the National Statistics Postcode Lookup. Immutable."""

    def __init__(self, rows: Mapping[str, _Row], *, register: AuthorityRegister) -> None:
        self._rows = rows
        self._register = register

    def locate(self, text: str, *, on: date) -> Location:
        """Return where a postcode lies, whatever its spacing and case. Never raises.

        The edition's area code is taken through the code history to the authority in force on that day.
        """
        postcode = "".join(text.upper().split())
        if not _POSTCODE.match(postcode):
            return Location(PostcodeKind.NOT_A_POSTCODE)
        row = self._rows.get(postcode)
        if row is None:
            # ZZ99 stands for no fixed abode and places abroad in health systems: no area is meant.
            return Location(PostcodeKind.NO_AUTHORITY if postcode.startswith("ZZ99") else PostcodeKind.UNKNOWN)
        if _PSEUDO_AREA.match(row.area):
            return Location(PostcodeKind.NO_AUTHORITY)
        resolution: Resolution = self._register.resolve(row.area, on=on)
        kind = PostcodeKind.TERMINATED if row.terminated else PostcodeKind.LIVE
        if not resolution.authorities:
            kind = PostcodeKind.NO_AUTHORITY
        return Location(kind, resolution.single, resolution.authorities, row.police, resolution.kind)


def load_postcodes(register: AuthorityRegister, *, file: Path | None = None) -> PostcodeDirectory:
    """Return the directory from a whole NSPL or ONSPD file, or from the project's own sample.

    Raises InvalidInput when the file's columns cannot be told apart with certainty.
    """
    if file is None:
        return PostcodeDirectory(_rows(read_data("postcodes.csv")), register=register)
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            return PostcodeDirectory(_rows(csv.DictReader(opened)), register=register)
    except OSError as error:
        raise InvalidInput(f"the postcode file {file.name} cannot be read: {error.strerror}") from error


def _rows(source: Iterable[Mapping[str, str]]) -> dict[str, _Row]:
    rows: dict[str, _Row] = {}
    columns: tuple[str, str] | None = None
    for row in source:
        if columns is None:
            columns = (_one_column(row, _AUTHORITY_COLUMN), _one_column(row, _POLICE_COLUMN))
        area, police = columns
        force = row[police]
        postcode = "".join(row["pcds"].split())
        rows[postcode] = _Row(
            row[area],
            force if _POLICE_AREA.match(force) and not _PSEUDO_AREA.match(force) else None,
            bool(row["doterm"]),
        )
    return rows


def _one_column(row: Mapping[str, str], pattern: re.Pattern[str]) -> str:
    found = [name for name in row if pattern.match(name)]
    if len(found) != 1 or not {"pcds", "doterm"} <= set(row):
        raise InvalidInput("the postcode file's columns cannot be told apart: use an NSPL or ONSPD file as published")
    return found[0]
