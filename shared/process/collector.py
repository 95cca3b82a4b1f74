"""How often Python looks for reference cycles in a process that serves for long."""

import gc

_YOUNG, _MIDDLE, _OLD = 20_000, 20, 50


def collect_rarely() -> None:
    """Leave alone what is there at start, and look for cycles among what comes after far less often.

    What a request makes is freed by its reference counts. With the interpreter's defaults the search for cycles, in
    which there are none to find, takes about a seventh of the ledger's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
