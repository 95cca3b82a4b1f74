"""The kinds of name that the exchange gives to things, one type each so that none passes for another."""

import re
from typing import NewType

from shared.errors import InvalidInput

Position = NewType("Position", int)
"""Where an entry stands in the ledger: 0, 1, 2 … without gaps."""

TreeSize = NewType("TreeSize", int)
"""How many entries a Merkle tree covers; the last position plus one."""

EntryId = NewType("EntryId", str)
"""32 lower-case hexadecimal characters, random: the name of one ledger entry."""

ChildRef = NewType("ChildRef", str)
"""32 lower-case hexadecimal characters, random: the pseudonymous reference of one child."""

ObligationId = NewType("ObligationId", str)
"""``<entry id>-<ordinal>``: stable, so that carrying an obligation out twice has one effect."""

AgencyId = NewType("AgencyId", str)
"""Lower-case letters, digits and hyphens, 2 to 64 characters, chosen by the operator at registration."""

AuthorityCode = NewType("AuthorityCode", str)
"""GSS code of a local authority with children's-services responsibility. Never a district's."""

KeyThumbprint = NewType("KeyThumbprint", str)
"""RFC 7638 thumbprint of a public key, base64url without padding: the ``keyid`` of its signatures."""

Recipient = NewType("Recipient", str)
"""Who an obligation is to: ``authority:<GSS>``, ``police:<force GSS>``, ``agency:<agency id>`` or ``queue:<name>``."""

_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_HEX_32 = re.compile(r"[0-9a-f]{32}\Z")
_AGENCY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}[a-z0-9]\Z")
_OBLIGATION = re.compile(r"[0-9a-f]{32}-[0-9]{1,3}\Z")
_RECIPIENT = re.compile(r"(authority:[A-Z][0-9]{8}|police:[A-Z][0-9]{8}|agency:[a-z0-9-]{2,64}|queue:[a-z-]{2,32})\Z")


def parse_entry_id(text: str) -> EntryId:
    """Return ``text`` as an entry id. Raises InvalidInput when it is not one."""
    if not _HEX_32.match(text):
        raise InvalidInput("not an entry id: 32 lower-case hexadecimal characters are expected")
    return EntryId(text)


def parse_child_ref(text: str) -> ChildRef:
    """Return ``text`` as a child's reference. Raises InvalidInput when it is not one."""
    if not _HEX_32.match(text):
        raise InvalidInput("not a child reference: 32 lower-case hexadecimal characters are expected")
    return ChildRef(text)


def parse_obligation_id(text: str) -> ObligationId:
    """Return ``text`` as an obligation id. Raises InvalidInput when it is not one."""
    if not _OBLIGATION.match(text):
        raise InvalidInput("not a notification id: an entry id, a hyphen and a number are expected")
    return ObligationId(text)


def parse_agency_id(text: str) -> AgencyId:
    """Return ``text`` as an agency id. Raises InvalidInput when it is not one."""
    if not _AGENCY.match(text):
        raise InvalidInput("not an agency id: 2 to 64 lower-case letters, digits and hyphens are expected")
    return AgencyId(text)


def parse_recipient(text: str) -> Recipient:
    """Return ``text`` as a recipient. Raises InvalidInput when it is not one."""
    if not _RECIPIENT.match(text):
        raise InvalidInput("not a recipient: authority:, police:, agency: or queue: and a name are expected")
    return Recipient(text)


def is_code(text: str) -> bool:
    """Return whether ``text`` is a code as entries hold it in clear, such as a reason, or the account of a person."""
    return _CODE.match(text) is not None


def parse_account(text: str) -> str:
    """Return ``text`` as the account of a person at the exchange. Raises InvalidInput when it is not one."""
    if not is_code(text):
        raise InvalidInput(
            "not an account: lower-case letters, digits, dots, underscores and hyphens are expected",
            remedy="Use the person's account, not their name: entries hold no names in clear.",
        )
    return text


def obligation_id(entry: EntryId, *, ordinal: int) -> ObligationId:
    """Return the id of the ``ordinal``-th obligation (from 0) of an entry."""
    return ObligationId(f"{entry}-{ordinal}")


def entry_of(obligation: ObligationId) -> EntryId:
    """Return the id of the entry that an obligation arose from."""
    return EntryId(obligation.partition("-")[0])


def authority_recipient(code: AuthorityCode) -> Recipient:
    """Return the recipient that is children's social care of an authority."""
    return Recipient(f"authority:{code}")


def is_queue(recipient: Recipient) -> bool:
    """Return whether a recipient is a queue of people at the exchange, to whom no channel leads."""
    return recipient.startswith("queue:")


def agency_recipient(agency: AgencyId) -> Recipient:
    """Return the recipient that is an agency itself."""
    return Recipient(f"agency:{agency}")
