"""Channels: where each recipient takes pushes, as the registry has it now; worked out again only when it changes."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.identifiers import Recipient
from shared.ledger.registry import EndpointFacts
from shared.ledger.registry_copy import RegistryCopy


@dataclass(frozen=True, slots=True)
class Channel:
    """An endpoint, and the host and port that a push to it goes to."""

    endpoint: EndpointFacts
    host: str


class Channels:
    """The channels of all recipients."""

    def __init__(self, registry: RegistryCopy) -> None:
        self._registry = registry
        self._made_of: Mapping[str, EndpointFacts] | None = None
        self._of: dict[Recipient, tuple[Channel, ...]] = {}
        self._at: dict[str, set[Recipient]] = {}

    def of(self, recipient: Recipient) -> tuple[Channel, ...]:
        """Return a recipient's channels, in the order in which they were registered; empty when there is none."""
        return self._now().get(recipient, ())

    def recipients(self) -> AbstractSet[Recipient]:
        """Return everybody to whom a channel leads."""
        return self._now().keys()

    def recipients_at(self, host: str) -> AbstractSet[Recipient]:
        """Return everybody with a channel to a host."""
        self._now()
        return self._at.get(host, frozenset())

    def _now(self) -> dict[Recipient, tuple[Channel, ...]]:
        endpoints = self._registry.current.endpoints
        # A registry never changes what it holds, and keeps what an entry leaves as it was.
        if endpoints is not self._made_of:
            self._made_of, self._of, self._at = endpoints, {}, {}
            for facts in endpoints.values():
                channel = Channel(facts, host_of(facts.url))
                self._of[facts.recipient] = (*self._of.get(facts.recipient, ()), channel)
                self._at.setdefault(channel.host, set()).add(facts.recipient)
        return self._of


def host_of(url: str) -> str:
    """Return the host and port that a push to a URL goes to. Whatever is no URL is a host of its own."""
    try:
        return urlsplit(url).netloc.lower() or url
    except ValueError:
        return url
