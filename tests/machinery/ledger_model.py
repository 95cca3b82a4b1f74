"""What a ledger must do, one request after the other, in plain dictionaries and lists."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """A request in the model's words. Names come from small sets, so that they collide.

    ``child`` is None, ``"new"``, or the place of a child among those made so far; ``version_off`` is by how much the
    caller's idea of that child's version is wrong, or None when it has none.
    """

    key: int
    body: int
    nonce: int | None = None
    signer: int | None = None
    child: int | str | None = None
    version_off: int | None = None
    identifier: int | None = None


@dataclass
class LedgerModel:
    """The ledger's rules. ``children`` are versions by place; ``owners`` the place that an identifier names."""

    size: int = 0
    answers: dict[int, tuple[int, int]] = field(default_factory=dict)
    nonces: set[tuple[int, int]] = field(default_factory=set)
    revoked: set[int] = field(default_factory=set)
    children: list[int] = field(default_factory=list)
    owners: dict[int, int] = field(default_factory=dict)

    def take(self, one: Asked, *, expected_version: int | None) -> str:
        """Return what becomes of a request: a repeat, a refusal, or the position of its entry."""
        nonce = (one.signer, one.nonce) if one.signer is not None and one.nonce is not None else None
        if one.key in self.answers and self.answers[one.key][1] == one.body:
            return f"repeat {self.answers[one.key][0]}"
        if nonce in self.nonces:
            return "nonce-replayed"
        if one.key in self.answers:
            self._append(nonce)
            return "idempotency-key-reused"
        if one.signer in self.revoked:
            return "key-revoked"
        place = self._place(one)
        if place is not None:
            if expected_version is not None and place < len(self.children) and self.children[place] != expected_version:
                return "version-conflict"
            if one.child == "new" and one.identifier in self.owners:
                return "version-conflict"
            self._about(place, one.identifier)
        self.answers[one.key] = (self._append(nonce), one.body)
        return f"entry {self.size - 1}"

    def _place(self, one: Asked) -> int | None:
        if one.child == "new":
            return len(self.children)
        return one.child if isinstance(one.child, int) else None

    def _about(self, place: int, identifier: int | None) -> None:
        if place == len(self.children):
            self.children.append(0)
        self.children[place] += 1
        if identifier is not None:
            self.owners.setdefault(identifier, place)

    def _append(self, nonce: tuple[int, int] | None) -> int:
        if nonce is not None:
            self.nonces.add(nonce)
        self.size += 1
        return self.size - 1
