"""Whose signature approves an erasure, and who is let in among the approvers: two keys for either, never a name alone.

``services.ledger.domain.stewarding`` asks this of each entry, at the writer and again in an audit.
"""

from collections.abc import Collection, Iterable

from shared.errors import Conflict, InvalidInput, NotFound, NotPermitted
from shared.ledger.approvers import (
    ApproverKeyFacts,
    ApproverKeyRevokedFacts,
    Approvers,
    Signed,
    approval_text,
    verify_signed,
    vouching_text,
)
from shared.ledger.messages import AppendRequest
from shared.ledger.stewardship import APPROVALS_NEEDED, ApprovalFacts, Proposal
from shared.signatures.errors import SignatureInvalid
from shared.signatures.keys import public_key_from_jwk
from shared.vocabulary import EntryType


class ApprovalUnproven(NotPermitted):
    """Nothing shows that the approver signed this proposal."""

    code = "approval-unproven"


class NotVouchedFor(NotPermitted):
    """Too few of those who approve have vouched that the key is the account's."""

    code = "not-vouched-for"


class ApproverKeyKnown(Conflict):
    """The key is, or was, an approver's: a key has one owner for ever, and is not had back once revoked."""

    code = "approver-key-known"


def check_approver_added(facts: ApproverKeyFacts, approvers: Approvers) -> None:
    """Return when a key may sign approvals for an account from now on; raise if not.

    The first has nobody to vouch for it, the next approver the first; from then on it is two, also when keys were
    revoked since, unless it is said to be ``recovered``. Raises InvalidInput for what is no key or for two words of
    one account, ApproverKeyKnown, NotVouchedFor.
    """
    if public_key_from_jwk(facts.jwk).thumbprint != facts.thumbprint:
        raise InvalidInput("the thumbprint is another key's")
    if facts.thumbprint in approvers.keys:
        raise ApproverKeyKnown("that key is registered already, or was", remedy="Make a new key: exchange keygen")
    text = vouching_text(facts.account, facts.thumbprint, as_of=approvers.as_of)
    vouching = _accounts_of(facts.vouchers, text, approvers)
    if len(vouching) < len(facts.vouchers):
        raise InvalidInput("an approver vouches twice", remedy="Give the lines of two approvers.")
    needed = min(APPROVALS_NEEDED, len(approvers.ever()))
    if len(vouching) < needed and not facts.recovered:
        raise NotVouchedFor(
            f"{len(vouching)} of {needed} approvers have vouched for this key",
            remedy="Each signs for it: exchange approver vouch. Then give each line with --vouched. "
            "Where too few are left who can: see docs/operations.md, Approvers' keys.",
        )


def check_recovery(request: AppendRequest, *, may_recover: Collection[str]) -> None:
    """Return unless a request says that a key is recovered which whoever starts the ledger did not name.

    Asked at the door, and not in an audit, which cannot know how the ledger was started. Raises NotVouchedFor.
    """
    if request.type is not EntryType.APPROVER_KEY_ADDED or request.facts.get("recovered", False) is False:
        return
    if request.facts.get("thumbprint") not in may_recover:
        raise NotVouchedFor(
            "the ledger was not started to let that key in",
            remedy="Whoever runs the ledger names it in LEDGER_APPROVER_KEYS_RECOVERED and starts the ledger again.",
        )


def check_approver_revoked(facts: ApproverKeyRevokedFacts, approvers: Approvers) -> None:
    """Return when a key may be revoked. No signature is asked for: a stolen key must be stopped at once."""
    if approvers.in_force(facts.thumbprint) is None:
        raise NotFound("no approver signs with a key of that thumbprint", remedy="See: exchange approver list")


def check_signature(facts: ApprovalFacts, proposal: Proposal, approvers: Approvers) -> None:
    """Return when an approval is signed as it must be; raise ApprovalUnproven if not."""
    if not approvers.must_sign:
        if facts.signed is not None:
            raise ApprovalUnproven("no approver's key is registered to check that signature with")
        return
    if facts.signed is None:
        raise ApprovalUnproven(
            "approvals are signed here", remedy="The approver signs: exchange erasure sign. Then give it with --signed."
        )
    text = approval_text(proposal.id, entry_hash=proposal.entry_hash, by=facts.by)
    if _accounts_of([facts.signed], text, approvers) != {facts.by}:
        raise ApprovalUnproven(f"the key that signed this is not {facts.by}'s", remedy="See: exchange approver list")


def _accounts_of(signatures: Iterable[Signed], text: bytes, approvers: Approvers) -> set[str]:
    """Return whose keys signed a text. Raises ApprovalUnproven when one is no approver's, or its signature is wrong."""
    accounts = set()
    for each in signatures:
        key = approvers.in_force(each.key)
        if key is None:
            raise ApprovalUnproven("no approver signs with that key", remedy="See: exchange approver list")
        try:
            verify_signed(each, text, key=key.public())
        except SignatureInvalid as error:
            raise ApprovalUnproven(
                "the signature is not over this, or not by that key", remedy="Sign what `exchange erasure show` shows."
            ) from error
        accounts.add(key.account)
    return accounts
