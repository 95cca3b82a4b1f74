"""The client as an agency has it: its wheel in an environment with its three dependencies and nothing of ours else."""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
import pytest_asyncio
from packaging.requirements import Requirement

from shared.canonical_json import Json
from tests.machinery.exchange import SCHOOL, TestExchange
from tests.machinery.people import child, housing_notice, share, whereabouts, withholding

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parent.parent.parent.parent
DIRECT = {"aiohttp", "cryptography", "orjson"}


async def run(*command: object) -> tuple[int, str]:
    """Run a command; return its exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def must(*command: object) -> str:
    """Run a command that must succeed; return what it said."""
    code, said = await run(*command)
    assert code == 0, said
    return said


def with_all_they_need(distributions: list[Distribution]) -> dict[str, Distribution]:
    """Return distributions by name, and all that they require here."""
    found: dict[str, Distribution] = {}
    waiting = list(distributions)
    while waiting:
        each = waiting.pop()
        if each.name in found:
            continue
        found[each.name] = each
        wanted = [Requirement(line) for line in each.requires or []]
        waiting += [
            distribution(one.name) for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})
        ]
    return found


def tops(each: Distribution) -> Iterator[Path]:
    """Give the files and folders at the top of an environment that belong to a distribution."""
    names = {file.parts[0] for file in each.files or [] if file.parts[0] not in ("..", "__pycache__")}
    return (Path(str(each.locate_file(name))) for name in sorted(names))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of such an environment; nothing is fetched over a network to make it."""
    home = tmp_path_factory.mktemp("agency")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    await must(*pip, "wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", home, ROOT / "client")
    await must(sys.executable, "-m", "venv", "--without-pip", home / "venv")
    interpreter = home / "venv" / "bin" / "python"
    [wheel] = home.glob("*.whl")
    await must(*pip, "--python", interpreter, "install", "--no-index", "--no-deps", wheel)
    [installed] = home.glob("venv/lib/*/site-packages")
    [metadata] = installed.glob("*.dist-info")
    itself = Distribution.at(metadata)
    assert {Requirement(line).name for line in itself.requires or []} == DIRECT
    for name, each in with_all_they_need([itself]).items():
        if name != itself.name:
            for top in tops(each):
                (installed / top.name).symlink_to(top)
    return interpreter


async def test_nothing_of_ours_is_there_but_the_client(python: Path) -> None:
    for absent in ("services", "shared", "client", "cli", "pydantic", "fastapi", "msgspec"):
        code, said = await run(python, "-I", "-c", f"import {absent}")
        assert code == 1
        assert f"No module named '{absent}'" in said


async def test_its_modules_are_the_trees_but_for_their_imports(python: Path) -> None:
    [package] = python.parent.parent.glob("lib/*/site-packages/exchange_client")
    modules = [path.relative_to(package) for path in package.rglob("*.py")]
    assert len(modules) > 30
    for module in modules:
        source = ROOT / module if module.parts[0] == "shared" else ROOT / "client" / module
        text = (package / module).read_text("utf-8")
        text = re.sub(r"^(\s*from )exchange_client\.(?=shared[. ])", r"\1", text, flags=re.MULTILINE)
        text = re.sub(r"^(\s*from )exchange_client(?=[. ])", r"\1client", text, flags=re.MULTILINE)
        assert text == source.read_text("utf-8")


RECORDS: dict[str, dict[str, Json]] = {
    "share": share(),
    "withhold": withholding(),
    "whereabouts": whereabouts(child(), "E06000005"),
    "housing-notice": housing_notice(),
}


@pytest.mark.parametrize("command", RECORDS)
async def test_from_a_key_to_an_accepted_record_and_its_proof_offline(
    exchange: TestExchange, python: Path, tmp_path: Path, command: str
) -> None:
    url, run_client = exchange.local.gateway_url, (python, "-I", "-m", "exchange_client")
    key, record, keys, answer = (tmp_path / name for name in ("key.pem", "record.json", "keys.json", "answer.json"))
    record.write_text(json.dumps(RECORDS[command]))
    await must(*run_client, "keygen", key)
    await must(*run_client, "keys", keys, "--url", url)
    sending = (*run_client, command, record, "--url", url, "--keys", keys, "--keep", answer)
    code, said = await run(*sending, "--key", key)
    assert (code, "unknown-key" in said, answer.exists()) == (1, True, False)
    said = await must(*sending, "--key", exchange.parties.key_file(SCHOOL))
    assert "verified offline" in said
    assert json.loads(answer.read_bytes())["id"] in {entry.id for entry in await exchange.entries()}
    verified = await must(*run_client, "verify", answer, "--keys", keys)
    assert "verified" in verified
    assert "proven by it is receipt.entry" in verified


async def test_a_program_of_an_agencys_own_shares_without_asyncio(
    exchange: TestExchange, python: Path, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import json, sys\n"
        "from pathlib import Path\n"
        "from exchange_client import BlockingExchangeClient, load_signing_key, verify_receipt\n"
        "key = load_signing_key(Path(sys.argv[2]).read_bytes())\n"
        "with BlockingExchangeClient(sys.argv[1], key=key) as exchange:\n"
        "    answer = exchange.share(json.loads(sys.argv[3]))\n"
        "    print(verify_receipt(answer.body, exchange.keys()).size)\n"
    )
    key = exchange.parties.key_file(SCHOOL)
    said = await must(python, "-I", program, exchange.local.gateway_url, key, json.dumps(share()))
    assert int(said) > 0
