"""The operator's door: what is on its way, how far it has come, and by which road it arrived."""

from services.notifier.adapters.postgres_store import PostgresStore
from shared.clock import rfc3339
from shared.notifier import AttemptsQuery, AttemptView, NotificationQuery, NotificationView
from shared.process.message_app import MessageApp, Route, decode


class OperatorApi:
    """Answers from the notifier's own tables. Shows references and codes; there is no content to show."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    def routes(self) -> dict[str, Route]:
        """Return every path with what it leads to."""
        return {"/notifications": self._notifications, "/attempts": self._attempts, "/counts": self._counts}

    async def _notifications(self, body: bytes, _caller: str) -> object:
        asked = decode(body, NotificationQuery)
        return [
            NotificationView(
                obligation=each.obligation,
                entry=each.entry,
                entry_type=each.entry_type,
                position=each.position,
                recipient=each.recipient,
                state=each.state,
                due_at=rfc3339(each.due_at),
                attempts=each.attempts,
                queued=each.queued,
                came_by=each.came_by,
                topic=each.topic,
                partition=each.partition,
                offset=each.offset,
            )
            for each in await self._store.notifications(child=asked.child, entry=asked.entry)
        ]

    async def _attempts(self, body: bytes, _caller: str) -> object:
        asked = decode(body, AttemptsQuery)
        return [AttemptView(*each) for each in await self._store.attempts(asked.obligation)]

    async def _counts(self, _body: bytes, _caller: str) -> object:
        return await self._store.counts()


def make_app(store: PostgresStore) -> MessageApp:
    """Return the application behind the operator's door; whoever can open the door is the operator."""
    return MessageApp(OperatorApi(store).routes(), permit=lambda _path, _caller: None)
