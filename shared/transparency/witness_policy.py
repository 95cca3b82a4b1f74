"""Which witnesses are asked, and how many of them must have cosigned: the policy files that Tessera and torchwood read.

    witness w1 council.example/witness+1a2b3c4d+BAAA…  https://council.example/witness
    witness w2 auditor.example/witness+5e6f7a8b+BAAA…  https://auditor.example/witness
    group   outsiders any w1 w2
    quorum  outsiders

A group needs ``any``, ``all`` or a number of its members, which are witnesses or groups above it. After ``#``
stands a comment.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.errors import InvalidInput
from shared.transparency.cosignature import CosignatureVerifier, MlDsaCosignatureVerifier
from shared.transparency.signed_note import NoteSignature
from shared.transparency.verifier_key import parse_verifier_key

MOST_WITNESSES = 60
"""As many as leave room for the log's own signatures in a note."""

CosignerKey = CosignatureVerifier | MlDsaCosignatureVerifier

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Witness:
    """One key of a witness, and the prefix it is asked at. A witness with two keys stands in the policy twice."""

    name: str
    key: CosignerKey
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """So many of these members make it."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """Witnesses and groups by name, and the name that must be satisfied; None when nobody need cosign."""

    witnesses: Mapping[str, Witness]
    groups: Mapping[str, Group]
    quorum: str | None

    def is_met(self, verified: Iterable[NoteSignature]) -> bool:
        """Return whether cosignatures that were verified satisfy the policy. Unverified ones must not be given."""
        signed = {(each.name, each.key_id) for each in verified}
        return self.quorum is None or self._is_satisfied(self.quorum, signed)

    def _is_satisfied(self, name: str, signed: set[tuple[str, bytes]]) -> bool:
        witness = self.witnesses.get(name)
        if witness is not None:
            return (witness.key.name, witness.key.key_id) in signed
        group = self.groups[name]
        return sum(self._is_satisfied(member, signed) for member in group.members) >= group.threshold


def parse_policy(text: str) -> WitnessPolicy:
    """Return the policy that a file's text holds. Raises InvalidInput naming the first line that is wrong."""
    witnesses: dict[str, Witness] = {}
    groups: dict[str, Group] = {}
    quorum: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        match line.partition("#")[0].split():
            case []:
                continue
            case ["witness", name, key, url] if _is_new(name, witnesses, groups):
                witnesses[name] = Witness(name, _cosigner_key(key, line=number), _prefix(url, line=number))
            case ["group", name, threshold, *members] if members and _is_new(name, witnesses, groups):
                groups[name] = _group(threshold, members, known={*witnesses, *groups}, line=number)
            case ["quorum", name] if not quorum and (name == _NONE or name in witnesses or name in groups):
                quorum.append(name)
            case _:
                raise InvalidInput(f"line {number} of the witness policy is not understood")
    keys = {(each.key.name, each.key.key_id) for each in witnesses.values()}
    if len(keys) != len(witnesses) or len(witnesses) > MOST_WITNESSES:
        raise InvalidInput(f"a witness policy names each key once, and at most {MOST_WITNESSES}")
    if not quorum:
        raise InvalidInput("a witness policy ends with its quorum: a witness, a group, or none")
    return WitnessPolicy(witnesses, groups, None if quorum[0] == _NONE else quorum[0])


def _is_new(name: str, witnesses: Mapping[str, Witness], groups: Mapping[str, Group]) -> bool:
    return bool(_NAME.match(name)) and name != _NONE and name not in witnesses and name not in groups


def _cosigner_key(text: str, *, line: int) -> CosignerKey:
    try:
        key = parse_verifier_key(text)
    except InvalidInput as error:
        raise InvalidInput(f"line {line} of the witness policy: {error.detail}") from error
    if not isinstance(key, CosignatureVerifier | MlDsaCosignatureVerifier):
        raise InvalidInput(f"line {line} of the witness policy: the key is not one that cosigns")
    return key


def _prefix(url: str, *, line: int) -> str:
    try:
        parts = urlsplit(url)
        if (
            parts.scheme in ("http", "https")
            and parts.hostname
            and not (parts.query or parts.fragment or parts.username)
        ):
            return url.rstrip("/")
    except ValueError as error:
        raise InvalidInput(f"line {line} of the witness policy: not a URL") from error
    raise InvalidInput(f"line {line} of the witness policy: a witness's URL is a plain http:// or https:// prefix")


def _group(threshold: str, members: list[str], *, known: set[str], line: int) -> Group:
    if len(set(members)) != len(members) or not set(members) <= known:
        raise InvalidInput(f"line {line} of the witness policy: a group's members are named once, and above it")
    named = {"any": 1, "all": len(members)}.get(threshold)
    wanted = named if named is not None else int(threshold) if re.match(r"[0-9]{1,3}\Z", threshold) else 0
    if not 1 <= wanted <= len(members):
        raise InvalidInput(f"line {line} of the witness policy: a group needs any, all, or a number of its members")
    return Group(wanted, tuple(members))
