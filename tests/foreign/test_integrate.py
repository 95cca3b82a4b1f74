"""docs/integrate.md, typed as a newcomer would: each of its commands works as it stands. It installs the client."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from tests.machinery.exchange import TestExchange

pytestmark = [pytest.mark.foreign, pytest.mark.asyncio(loop_scope="session")]

REPOSITORY = Path(__file__).parents[2]
_COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


async def test_every_command_of_the_guide_works_and_ends_in_an_accepted_share(
    exchange: TestExchange, tmp_path: Path
) -> None:
    for name in ("docs", "client", "examples", "shared", "LICENSE", ".venv"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    commands = "".join(_COMMANDS.findall((REPOSITORY / "docs" / "integrate.md").read_text("utf-8")))
    assert commands.count("\n") > 10
    typed = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        commands,
        cwd=tmp_path,
        env={**os.environ, "EXCHANGE_HOME": str(exchange.local.layout.home)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await typed.communicate())[0].decode()
    assert typed.returncode == 0, said
    accepted = [entry for entry in await exchange.entries() if entry.agency == "my-school"]
    assert [str(entry.type) for entry in accepted].count("share.recorded") == 5, said
