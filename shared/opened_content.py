"""What was opened, as it stands in a push or in an answer."""

import orjson


def opened_content(content: bytes | None) -> object:
    """Return a record's body as JSON; as text when it does not parse, None when there is nothing to show."""
    if content is None:
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        # It was valid when it was accepted; should a stricter reader differ, the recipient still gets every character.
        return content.decode("utf-8", "replace")
