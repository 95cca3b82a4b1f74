"""Placing: which authority and police area a place, a code or a name means on the day, and what to say of it."""

from dataclasses import dataclass
from datetime import date

from services.gateway.domain.record import Place, is_somewhere, said
from shared.identifiers import AuthorityCode
from shared.reference.authorities import AuthorityRegister, Resolution, ResolutionKind
from shared.reference.postcodes import PostcodeDirectory, PostcodeKind


@dataclass(frozen=True, slots=True)
class Directories:
    """The reference data that routing looks into."""

    register: AuthorityRegister
    postcodes: PostcodeDirectory


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a place is; ``given`` says that something was said of it.

    ``authority`` is None when a person must place it.
    """

    given: bool
    authority: AuthorityCode | None
    police: str | None
    advice: tuple[str, ...]


NOWHERE = Placed(given=False, authority=None, police=None, advice=())

_RESOLUTION_ADVICE = {
    ResolutionKind.CURRENT: (),
    ResolutionKind.DISTRICT: ("district-not-authority",),
    ResolutionKind.SUCCEEDED: ("authority-superseded",),
    ResolutionKind.SPLIT: ("authority-split",),
    ResolutionKind.NO_CODE: ("authority-without-code",),
    ResolutionKind.UNKNOWN: ("authority-unknown",),
}
_POSTCODE_ADVICE = {
    PostcodeKind.LIVE: (),
    PostcodeKind.TERMINATED: ("postcode-terminated",),
    PostcodeKind.NO_AUTHORITY: ("postcode-outside",),
    PostcodeKind.UNKNOWN: ("postcode-unknown",),
    PostcodeKind.NOT_A_POSTCODE: ("postcode-malformed",),
}


def advice_on(resolution: Resolution) -> tuple[str, ...]:
    """Return what to say of how a code or name was resolved."""
    return _RESOLUTION_ADVICE[resolution.kind]


def place(where: Place | None, *, directories: Directories, on: date) -> Placed:
    """Return where a place is. The authority that the sender names overrules what the postcode suggests."""
    if where is None or not is_somewhere(where):
        return NOWHERE
    advice: tuple[str, ...] = ()
    named = said(where.authority)
    authority: AuthorityCode | None = None
    if named is not None:
        resolution = directories.register.resolve(named, on=on)
        authority, advice = resolution.single, advice_on(resolution)
    police: str | None = None
    postcode = said(where.postcode)
    if postcode is not None:
        location = directories.postcodes.locate(postcode, on=on)
        # The sample of a local installation does not hold every postcode: where an authority is named besides, an
        # unknown postcode holds nothing up.
        if authority is None or location.kind is not PostcodeKind.UNKNOWN:
            advice += _POSTCODE_ADVICE[location.kind]
        if location.resolution is ResolutionKind.SPLIT:
            advice += ("authority-split",)
        if authority is None or authority == location.authority:
            authority, police = location.authority, location.police
    if authority is not None and police is None:
        police = directories.register.police_of(authority)
    return Placed(given=True, authority=authority, police=police, advice=advice)
