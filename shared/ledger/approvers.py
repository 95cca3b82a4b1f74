"""Whose keys sign approvals of erasures, rebuilt by folding their entries, and the texts that such keys sign."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec

from shared.entries import Entry, encode_entry
from shared.errors import InvalidInput
from shared.identifiers import EntryId, KeyThumbprint, Position
from shared.ledger.facts import read_facts
from shared.signatures.errors import SignatureInvalid
from shared.signatures.keys import PublicKey, SigningKey, public_key_from_jwk
from shared.transparency.merkle import leaf_hash

_APPROVAL = "safeguarding-exchange/erasure-approval/v1"
_VOUCHING = "safeguarding-exchange/approver-vouching/v1"
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{86}\Z")


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signature over one of the texts below: 64 bytes in base64url without padding, and by which key."""

    key: KeyThumbprint
    signature: str

    def text(self) -> str:
        """Return both in one line, as commands give and take it."""
        return f"{self.key}.{self.signature}"


class ApproverKeyFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``approver.key_added``: an account signs approvals with this key from here on.

    ``by`` is the account of who registered it; ``vouchers`` are signatures by approvers who were there before.
    ``recovered`` says that it was let in by a setting of the ledger instead, because too few were left to vouch.
    """

    account: str
    thumbprint: KeyThumbprint
    jwk: dict[str, str]
    by: str
    vouchers: tuple[Signed, ...] = ()
    recovered: bool = False


class ApproverKeyRevokedFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of ``approver.key_revoked``: the key approves and vouches no more, and is never had back."""

    thumbprint: KeyThumbprint
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class ApproverKey:
    """A key, the account that it signs for, and who vouched for it or that nobody needed to.

    ``revoked_at`` is when it was given up.
    """

    account: str
    jwk: Mapping[str, str]
    position: Position
    vouched_by: tuple[str, ...]
    recovered: bool = False
    revoked_at: str | None = None

    def public(self) -> PublicKey:
        """Return the public key."""
        return public_key_from_jwk(self.jwk)


@dataclass(frozen=True, slots=True)
class Approvers:
    """What the entries so far say of approvers' keys. Immutable: ``with_added`` and ``with_revoked`` return the next.

    Whoever once signs approvals always does: from the first key on no approval counts without a signature, whatever
    becomes of the keys. ``as_of`` is the leaf hash of the last entry among them, empty before the first.
    """

    keys: Mapping[KeyThumbprint, ApproverKey] = field(default_factory=dict)
    as_of: bytes = b""

    @property
    def must_sign(self) -> bool:
        """Whether approvals are signed."""
        return bool(self.keys)

    def in_force(self, thumbprint: str) -> ApproverKey | None:
        """Return a key that may sign now, or None."""
        key = self.keys.get(KeyThumbprint(thumbprint))
        return key if key is not None and key.revoked_at is None else None

    def accounts(self) -> frozenset[str]:
        """Return the accounts that can sign now."""
        return frozenset(key.account for key in self.keys.values() if key.revoked_at is None)

    def ever(self) -> frozenset[str]:
        """Return the accounts that can sign now or once could."""
        return frozenset(key.account for key in self.keys.values())

    def with_added(self, entry: Entry) -> "Approvers":
        """Return the state after ``approver.key_added``. Raises IntegrityFailure when its facts do not fit it."""
        facts = read_facts(entry, ApproverKeyFacts)
        known = (self.keys.get(each.key) for each in facts.vouchers)
        vouched_by = tuple(key.account for key in known if key is not None)
        added = ApproverKey(facts.account, facts.jwk, entry.position, vouched_by, facts.recovered)
        return Approvers({**self.keys, facts.thumbprint: added}, leaf_hash(encode_entry(entry)))

    def with_revoked(self, entry: Entry) -> "Approvers":
        """Return the state after ``approver.key_revoked``. Raises IntegrityFailure when its facts do not fit it."""
        thumbprint = read_facts(entry, ApproverKeyRevokedFacts).thumbprint
        key = self.keys.get(thumbprint)
        if key is None or key.revoked_at is not None:
            return self
        revoked = replace(key, revoked_at=entry.time)
        return Approvers({**self.keys, thumbprint: revoked}, leaf_hash(encode_entry(entry)))


def approval_text(proposal: EntryId, *, entry_hash: bytes, by: str) -> bytes:
    """Return what an approver signs: four lines, each with its newline.

    ``entry_hash`` is the leaf hash (RFC 6962) of the entry that proposes: so the signature is for that target, ground,
    reason and proposer, and fits nothing else.
    """
    return f"{_APPROVAL}\nproposal: {proposal}\nentry: {entry_hash.hex()}\nby: {by}\n".encode("ascii")


def vouching_text(account: str, thumbprint: KeyThumbprint, *, as_of: bytes) -> bytes:
    """Return what an approver signs to vouch that a key is an account's: four lines, each with its newline.

    ``as_of`` is that of the approvers it is to join: the word is for that log, and until anybody else joins or leaves.
    """
    return f"{_VOUCHING}\naccount: {account}\nkey: {thumbprint}\nas of: {as_of.hex()}\n".encode("ascii")


def sign_text(text: bytes, *, key: SigningKey) -> Signed:
    """Return a key's signature over one of these texts."""
    return Signed(key.public.thumbprint, urlsafe_b64encode(key.sign(text)).rstrip(b"=").decode("ascii"))


def verify_signed(signed: Signed, text: bytes, *, key: PublicKey) -> None:
    """Return when the signature is that key's over the text; raise SignatureInvalid if not."""
    if not _SIGNATURE.match(signed.signature):
        raise SignatureInvalid("not 64 bytes in base64url without padding")
    key.verify(urlsafe_b64decode(signed.signature + "=="), text)


def parse_signed(text: str) -> Signed:
    """Return a signature from the line that ``Signed.text`` makes. Raises InvalidInput when it is none."""
    thumbprint, _, signature = text.strip().partition(".")
    if not thumbprint or not _SIGNATURE.match(signature):
        raise InvalidInput(
            "not a signature", remedy="Give the whole line that `exchange erasure sign` or `approver vouch` printed."
        )
    return Signed(KeyThumbprint(thumbprint), signature)
