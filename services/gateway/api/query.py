"""The query of a read: a member that a route does not take is refused, so that no question is answered in part."""

from collections.abc import Mapping

from fastapi import Request

from shared.errors import InvalidInput


def query_members(request: Request, *taken: str) -> Mapping[str, str]:
    """Return the members of a request's query, all of them among ``taken`` and each there once.

    Raises InvalidInput that names what is taken, and repeats nothing that was sent.
    """
    # Passed over, a misspelt `as_at` would be answered as of now: a wrong answer that looks like the right one.
    remedy = f"Taken here, each once: {', '.join(taken)}." if taken else "Send the path alone."
    sent = request.query_params
    if not set(sent) <= set(taken):
        raise InvalidInput("the query has a member that is not taken here", remedy=remedy)
    if len(sent.multi_items()) != len(sent):
        raise InvalidInput("the query has a member more than once", remedy=remedy)
    return dict(sent)
