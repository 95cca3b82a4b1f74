"""Room for pushes: how many may be under way in all, to one host and to one endpoint: none holds up another."""

from collections import Counter, defaultdict
from collections.abc import Collection
from itertools import count

from services.notifier.channels import Channel

IN_ALL = 128
TO_ONE_HOST = 12
TO_ONE_ENDPOINT = 8
TO_THE_SILENT = 1
"""How many may be under way to those endpoints of a host, all together, that did not answer the last time."""


class Room:
    """Counts the pushes under way. Endpoints that did not answer the last time share one push at a time of their host.

    The other endpoints of that host keep the rest of its room: that one system hangs says nothing of its neighbours.
    """

    def __init__(self) -> None:
        self._in_all = 0
        self._at: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._silent: dict[str, int] = {}
        self._in_vain = count(1)

    def left(self, channel: Channel) -> int:
        """Return how many more pushes may be under way on a channel now."""
        endpoint, at_host = channel.endpoint.endpoint, self._at.get(channel.host, Counter())
        left = min(self.left_in_all(), TO_ONE_HOST - at_host.total(), TO_ONE_ENDPOINT - at_host[endpoint])
        if endpoint in self._silent:
            to_silent = sum(number for each, number in at_host.items() if each in self._silent)
            left = min(left, TO_THE_SILENT - to_silent)
        return max(0, left)

    def left_in_all(self) -> int:
        """Return how many more pushes may be under way now, on all channels together."""
        return IN_ALL - self._in_all

    def hosts(self) -> Collection[str]:
        """Return the hosts to which a push is under way."""
        return self._at.keys()

    def last_in_vain(self, channel: Channel) -> int:
        """Return a number that is higher the later an endpoint was last tried in vain; 0 for one that is not silent."""
        return self._silent.get(channel.endpoint.endpoint, 0)

    def planned(self) -> "Room":
        """Return the room as it is now, to be filled without filling this one."""
        plan = Room()
        plan._in_all, plan._silent = self._in_all, self._silent
        plan._at.update({host: Counter(at_host) for host, at_host in self._at.items()})
        return plan

    def enter(self, channel: Channel) -> None:
        """Count a push on a channel as under way."""
        self._in_all += 1
        self._at[channel.host][channel.endpoint.endpoint] += 1

    def leave(self, channel: Channel) -> None:
        """Count a push on a channel as ended."""
        self._in_all -= 1
        at_host = self._at[channel.host]
        at_host[channel.endpoint.endpoint] -= 1
        if not at_host.total():
            del self._at[channel.host]

    def note(self, channel: Channel, *, answered: bool) -> None:
        """Remember whether an endpoint answered, whatever it said."""
        if answered:
            self._silent.pop(channel.endpoint.endpoint, None)
        else:
            self._silent[channel.endpoint.endpoint] = next(self._in_vain)
