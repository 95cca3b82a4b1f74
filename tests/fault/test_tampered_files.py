"""G4, from the files alone: whatever is falsified in what is published or exported is found, named, and placed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from random import Random

import msgspec
import pytest
import pytest_asyncio

from services.ledger.audit.findings import Report, WitnessStanding
from tests.machinery.attacks_on_bundles import ON_BUNDLES, UNREADABLE, Given
from tests.machinery.attacks_on_files import ON_FILES, Published
from tests.machinery.bundles import Said, counted, write_bundle
from tests.machinery.command_line import Command, command_in
from tests.machinery.cosigners import CLASSIC, POST_QUANTUM, WITNESS_KEYS, cosigned_by_both
from tests.machinery.sealed_log import SIZE
from tests.machinery.served_files import Served, serving
from tests.machinery.static_log import SIGNER

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEEDS = (1, 2)
CHECKED = ("audit", "verify", "--log-key", SIGNER.verifier().verifier_key(), *WITNESS_KEYS, "--json")
BOTH = [WitnessStanding(each.name, each.key_id.hex(), SIZE) for each in (CLASSIC, POST_QUANTUM)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served() -> AsyncIterator[Served]:
    """A web server that holds whatever files a test gives it."""
    async with serving() as files:
        yield files


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line, where no exchange runs."""
    return command_in(tmp_path / "nothing-here", monkeypatch, capsys)


def kept_as_files(notes: Sequence[bytes], folder: Path) -> list[str]:
    """Write the checkpoints that an auditor kept, and return the arguments that name them."""
    arguments = []
    for number, note in enumerate(notes):
        file = folder / f"kept-{number}"
        file.write_bytes(note)
        arguments += ["--checkpoint", str(file)]
    return arguments


async def published_report(
    command: Command, served: Served, files: Mapping[str, bytes], *arguments: str
) -> tuple[int, Report]:
    """Return what an audit of published files says."""
    served.clear()
    served.update(files)
    code, said = await command(*CHECKED, "--url", served.url, *arguments)
    return code, msgspec.json.decode(said, type=Report)


async def bundle_report(command: Command, given: Given, folder: Path, *arguments: str) -> tuple[int, Said]:
    """Return what an audit of an exported file says."""
    code, said = await command(*CHECKED, "--bundle", write_bundle(given.members, folder / "bundle.zip"), *arguments)
    return code, msgspec.json.decode(said, type=Said)


async def test_files_that_nobody_touched_are_intact_and_say_who_cosigned(command: Command, served: Served) -> None:
    published = Published(Random(0))
    published.files["checkpoint"] = cosigned_by_both(published.files["checkpoint"])
    code, report = await published_report(command, served, published.files)
    assert (code, report.findings, report.size, report.witnesses) == (0, [], SIZE, BOTH)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("attack", ON_FILES)
async def test_what_is_falsified_in_published_files_is_found_and_named_where_it_is(
    command: Command, served: Served, tmp_path: Path, attack: str, seed: int
) -> None:
    published = Published(Random(seed))
    expected = ON_FILES[attack](published)
    code, report = await published_report(command, served, published.files, *kept_as_files(published.kept, tmp_path))
    found = {(each.kind, each.first_position, each.last_position) for each in report.findings}
    assert code == 1
    assert expected in found, found


async def test_a_bundle_that_nobody_touched_is_intact_and_says_who_cosigned(command: Command, tmp_path: Path) -> None:
    given = Given(Random(0))
    given.members["cosigned"] = counted(cosigned_by_both(given.members["checkpoint"]))
    code, said = await bundle_report(command, given, tmp_path)
    assert (code, said.findings, said.size, said.witnesses) == (0, [], SIZE, BOTH)
    assert said.sections == 2 * (SIZE - 1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("attack", ON_BUNDLES)
async def test_what_is_falsified_in_a_bundle_is_found_and_named_where_it_is(
    command: Command, tmp_path: Path, attack: str, seed: int
) -> None:
    given = Given(Random(seed))
    expected = ON_BUNDLES[attack](given)
    code, said = await bundle_report(command, given, tmp_path, *kept_as_files(given.kept, tmp_path))
    found = {(each.kind, each.first, each.last) for each in said.findings}
    assert (code, said.error) == (1, "")
    assert expected in found, found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("attack", UNREADABLE)
async def test_a_bundle_that_cannot_be_read_to_its_end_is_not_called_checked(
    command: Command, tmp_path: Path, attack: str, seed: int
) -> None:
    given = Given(Random(seed))
    named = UNREADABLE[attack](given)
    code, said = await bundle_report(command, given, tmp_path)
    assert (code, said.intact) == (2, None)
    assert named in said.error
