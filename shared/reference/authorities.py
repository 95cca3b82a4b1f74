"""The register of authorities: who runs children's social care where, on a given day."""

import csv
import importlib.resources
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.identifiers import AuthorityCode

LONGEST_CHAIN = 8


class ResolutionKind(StrEnum):
    """How a code or name led to an authority."""

    CURRENT = "current"
    DISTRICT = "district"
    SUCCEEDED = "succeeded"
    SPLIT = "split"
    NO_CODE = "no_code"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where a code or name leads on a day.

    ``authorities`` are codes in force on that day and never a district's: one when it is clear, several for a SPLIT,
    none for NO_CODE (an authority without a GSS code, such as a Northern Ireland trust or a successor that has none
    yet) and UNKNOWN, which a person must place.
    """

    kind: ResolutionKind
    authorities: tuple[AuthorityCode, ...]

    @property
    def single(self) -> AuthorityCode | None:
        """Return the one authority this leads to, or None when a person must choose."""
        return self.authorities[0] if len(self.authorities) == 1 else None


@dataclass(frozen=True, slots=True)
class Authority:
    """One authority in force."""

    code: AuthorityCode
    name: str
    nation: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """A code that is no longer used from the day after ``valid_to`` (None: long ago), and what took its place."""

    valid_to: date | None
    successors: tuple[str, ...]


UNKNOWN = Resolution(ResolutionKind.UNKNOWN, ())


class AuthorityRegister:
    """Look-ups in one version of the register. Immutable; takes values and returns values."""

    def __init__(
        self,
        *,
        authorities: Mapping[AuthorityCode, Authority],
        districts: Mapping[str, AuthorityCode],
        superseded: Mapping[str, Superseded],
        names: Mapping[str, str],
        police: Mapping[AuthorityCode, str],
        forces: Mapping[str, str],
    ) -> None:
        self._authorities = authorities
        self._districts = districts
        self._superseded = superseded
        self._names = names
        self._police = police
        self._forces = forces

    def resolve(self, code_or_name: str, *, on: date) -> Resolution:
        """Return which authority a GSS code or an exact name means on a day. Never raises.

        A district leads to its county, an abolished or recoded authority to its successors (followed as far as they
        go). What is not known is UNKNOWN: nothing is guessed from a name that is merely similar.
        """
        text = code_or_name.strip()
        code = text.upper()
        if not self._knows(code):
            named = self._names.get(_folded(text))
            if named is None:
                return UNKNOWN
            if not named:
                return Resolution(ResolutionKind.NO_CODE, ())
            code = named
        return self._follow(code, on=on)

    def name_of(self, code: str) -> str:
        """Return an authority's name, or the code itself when it has none here."""
        authority = self._authorities.get(AuthorityCode(code))
        return authority.name if authority is not None else code

    def nation_of(self, code: str) -> str:
        """Return England, Wales, Scotland or Northern Ireland; England when the code is not known."""
        authority = self._authorities.get(AuthorityCode(code))
        return authority.nation if authority is not None else "England"

    def police_of(self, code: str) -> str | None:
        """Return the code of the police force of an authority's area, or None when it is not known here."""
        return self._police.get(AuthorityCode(code))

    def force_name(self, force: str) -> str:
        """Return a police force's name, or the code itself when it has none here."""
        return self._forces.get(force, force)

    def all_codes(self) -> Iterator[str]:
        """Yield every code the register knows of, living or not."""
        yield from {*self._authorities, *self._districts, *self._superseded}

    def _knows(self, code: str) -> bool:
        return code in self._authorities or code in self._districts or code in self._superseded

    def _follow(self, code: str, *, on: date) -> Resolution:
        found: dict[AuthorityCode, None] = {}
        steps: set[ResolutionKind] = set()
        frontier = [code]
        for _ in range(LONGEST_CHAIN):
            following: list[str] = []
            for each in frontier:
                old = self._superseded.get(each)
                if old is not None and (old.valid_to is None or on > old.valid_to):
                    steps.add(ResolutionKind.SPLIT if len(old.successors) > 1 else ResolutionKind.SUCCEEDED)
                    following.extend(old.successors)
                elif each in self._districts:
                    steps.add(ResolutionKind.DISTRICT)
                    following.append(self._districts[each])
                elif AuthorityCode(each) in self._authorities:
                    found[AuthorityCode(each)] = None
            if not following:
                break
            frontier = following
        return self._resolution(tuple(found), steps)

    def _resolution(self, found: tuple[AuthorityCode, ...], steps: set[ResolutionKind]) -> Resolution:
        if not found:
            # A successor that has no code yet, or a code from before it began: a person must say.
            return Resolution(ResolutionKind.NO_CODE if steps else ResolutionKind.UNKNOWN, ())
        if len(found) > 1:
            return Resolution(ResolutionKind.SPLIT, found)
        if ResolutionKind.DISTRICT in steps:
            return Resolution(ResolutionKind.DISTRICT, found)
        return Resolution(ResolutionKind.SUCCEEDED if steps else ResolutionKind.CURRENT, found)


def load_register() -> AuthorityRegister:
    """Return the register from the project's own reference data."""
    authorities, names = _load_authorities()
    districts: dict[str, AuthorityCode] = {}
    superseded: dict[str, Superseded] = {}
    for row in read_data("authority_code_history.csv"):
        superseded[row["old_gss_code"]] = Superseded(_date(row["valid_to"]), _successors(row["successor_gss_codes"]))
        names.setdefault(_folded(row["old_name"]), row["old_gss_code"])
    for row in read_data("district_to_authority.csv"):
        districts[row["district_gss_code"]] = AuthorityCode(row["authority_gss_code"])
        names.setdefault(_folded(row["district_name"]), row["district_gss_code"])
    for row in read_data("district_history.csv"):
        superseded[row["old_district_gss"]] = Superseded(_date(row["valid_to"]), (row["successor_gss"],))
        names.setdefault(_folded(row["old_name"]), row["old_district_gss"])
    return AuthorityRegister(
        authorities=authorities,
        districts=districts,
        superseded=superseded,
        names=names,
        police={AuthorityCode(row["gss_code"]): row["force_code"] for row in read_data("authority_police.csv")},
        forces={row["force_code"]: row["name"] for row in read_data("police_forces.csv")},
    )


def read_data(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of one of the reference data's files."""
    path = importlib.resources.files("shared.reference").joinpath("data").joinpath(name)
    yield from csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))


def _load_authorities() -> tuple[dict[AuthorityCode, Authority], dict[str, str]]:
    authorities: dict[AuthorityCode, Authority] = {}
    names: dict[str, str] = {}
    for row in read_data("authorities.csv"):
        # Northern Ireland's trusts have no GSS code: their names are known, so that they are told apart from typos.
        names[_folded(row["name"])] = row["gss_code"]
        if row["gss_code"]:
            code = AuthorityCode(row["gss_code"])
            authorities[code] = Authority(code, row["name"], row["nation"])
    return authorities, names


_SUFFIXES = (
    " metropolitan borough council",
    " county council",
    " city council",
    " district council",
    " borough council",
    " unitary authority",
    " council",
)


def _folded(name: str) -> str:
    folded = " ".join(name.casefold().replace("&", "and").split())
    for suffix in _SUFFIXES:
        if folded.endswith(suffix):
            return folded.removesuffix(suffix)
    return folded.removeprefix("london borough of ")


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _successors(text: str) -> tuple[str, ...]:
    # A successor without a code stands in brackets: then there is nobody to name.
    return () if text.startswith("(") else tuple(code.strip() for code in text.split(";") if code.strip())
