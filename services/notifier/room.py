"""Room for pushes: how many may be under way at once, in all and to one host, so that no host holds up another."""

from collections import Counter
from urllib.parse import urlsplit

IN_ALL = 128
TO_ONE_HOST = 8
TO_A_SILENT_HOST = 1


class Room:
    """Counts the pushes under way. A host that did not answer the last time is tried by one push at a time."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        self._silent: set[str] = set()

    def left(self, host: str) -> int:
        """Return how many more pushes may be under way to a host now."""
        most = TO_A_SILENT_HOST if host in self._silent else TO_ONE_HOST
        return max(0, min(most - self._under_way[host], self.left_in_all()))

    def left_in_all(self) -> int:
        """Return how many more pushes may be under way now, to all hosts together."""
        return IN_ALL - self._under_way.total()

    def enter(self, host: str) -> None:
        """Count a push to a host as under way."""
        self._under_way[host] += 1

    def leave(self, host: str) -> None:
        """Count a push to a host as ended."""
        self._under_way[host] -= 1
        if not self._under_way[host]:
            del self._under_way[host]

    def note(self, host: str, *, answered: bool) -> None:
        """Remember whether a host answered, whatever it said."""
        if answered:
            self._silent.discard(host)
        else:
            self._silent.add(host)


def host_of(url: str) -> str:
    """Return the host and port that a push to a URL goes to. Whatever is no URL is a host of its own."""
    try:
        return urlsplit(url).netloc.lower() or url
    except ValueError:
        return url
