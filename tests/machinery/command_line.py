"""What a test runs the command line by."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

Command: TypeAlias = Callable[..., Awaitable[tuple[int, str]]]
"""Takes the arguments after ``exchange``; gives the exit code and all that was said."""
