"""The day of a moment is the day in the United Kingdom, and one place says so."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
THE_PLACE = ROOT / "shared" / "reference" / "working_days.py"
SOURCES = sorted(
    path
    for folder in ("cli", "client", "conformance", "deploy", "services", "shared")
    for path in (ROOT / folder).rglob("*.py")
    if path != THE_PLACE
)


def days_taken_of_moments(source: str) -> list[int]:
    """Return the lines that take the day of a moment as its own offset has it, or as this machine does."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ((node.func.attr == "date" and not node.args) or node.func.attr == "today")
    ]


def test_the_day_of_a_moment_is_asked_for_in_one_place() -> None:
    found = {str(path.relative_to(ROOT)): days_taken_of_moments(path.read_text("utf-8")) for path in SOURCES}
    assert len(found) > 300
    assert {path: lines for path, lines in found.items() if lines} == {}, "use working_days.local_day"


def test_a_day_taken_elsewhere_is_found() -> None:
    assert days_taken_of_moments("on = clock.now().date()\nother = date.today()\nentry.date(1)\n") == [1, 2]
