"""``exchange rules`` says what is in force on a day, for a nation, and explains each code, with nothing running."""

import json

import pytest

from tests.machinery.command_line import Command

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_is_in_force_depends_on_the_day_and_the_nation(command: Command) -> None:
    async def codes(*arguments: str) -> set[str]:
        code, said = await command("rules", "list", "--json", *arguments)
        assert code == 0, said
        return {rule["id"] for rule in json.loads(said)["in_force"]}

    assert "duty-to-share-england" not in await codes("--on", "2026-09-29", "--nation", "England")
    assert "duty-to-share-england" in await codes("--on", "2026-09-30", "--nation", "England")
    assert "duty-to-share-england" not in await codes("--on", "2026-09-30", "--nation", "Wales")
    assert "basis-not-yet-law" in await codes("--on", "2026-02-04")


async def test_a_code_is_explained_with_every_version_of_it(command: Command) -> None:
    code, said = await command("rules", "explain", "challenge-not-my-role")
    assert code == 0, said
    assert "until 2026-09-29" in said
    assert "from 2026-09-30" in said
    assert "Children Act 2004 s.16LA" in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("explain", "no-such-code"), "no rule of that id"),
        (("list", "--on", "yesterday"), "not a day"),
        (("list", "--nation", "Atlantis"), "not one of the nations"),
    ],
)
async def test_a_mistake_is_one_line_and_what_to_do(
    command: Command, arguments: tuple[str, ...], complaint: str
) -> None:
    code, said = await command("rules", *arguments)
    assert code == 1
    assert complaint in said
    assert "Traceback" not in said
