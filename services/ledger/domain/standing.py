"""Where a ledger process stands: writing, standing by, or finding out."""

from enum import StrEnum

from shared.errors import Unavailable


class Standing(StrEnum):
    """What a ledger process is at this moment."""

    STARTING = "starting"
    STANDBY = "standby"
    WRITING = "writing"


class StandingBy(Unavailable):
    """This process only stands by: another one is the writer, and answers."""

    code = "standing-by"

    def __init__(self) -> None:
        super().__init__("this ledger is standing by; another one is writing", remedy="Retry elsewhere.")


class NotWriting(Unavailable):
    """This process cannot write now, and why, in a few words. Nothing was done for the request."""

    code = "not-writing"

    def __init__(self, why: str) -> None:
        super().__init__(f"the ledger cannot write now: {why}", remedy="Send the same request again in a few seconds.")


def check_answers(standing: Standing) -> None:
    """Raise StandingBy when calls belong to another process: what this one knows is behind what that one released."""
    if standing is Standing.STANDBY:
        raise StandingBy
