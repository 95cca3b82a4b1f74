"""An audit that could not be done says so: it passes nothing that it did not check, and accuses no log by it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import orjson
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.clock import SystemClock, parse_rfc3339
from shared.transparency.cosignature import CosignatureVerifier
from shared.transparency.signed_note import NoteSigner
from tests.machinery.attacks_on_bundles import Given
from tests.machinery.attacks_on_files import Published
from tests.machinery.bundles import write_bundle
from tests.machinery.command_line import Command, command_in
from tests.machinery.cosigners import CLASSIC, cosignature
from tests.machinery.sealed_log import SIZE
from tests.machinery.served_files import Served, serving
from tests.machinery.static_log import SIGNER, checkpoint_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOG_KEY = SIGNER.verifier().verifier_key()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served() -> AsyncIterator[Served]:
    """A log that nobody touched, published."""
    async with serving() as files:
        files.update(Published(Random(0)).files)
        yield files


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line, where no exchange runs."""
    return command_in(tmp_path / "nothing-here", monkeypatch, capsys)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The same log in one file."""
    return write_bundle(Given(Random(0)).members, tmp_path / "bundle.zip")


async def test_files_from_elsewhere_are_checked_with_the_auditors_key_alone_and_the_report_names_it(
    command: Command, served: Served, bundle: Path
) -> None:
    for source in (("--url", served.url), ("--bundle", bundle)):
        for no_key in ((), ("--log-key", ""), ("--log-key", " ")):
            code, said = await command("audit", "verify", *source, *no_key)
            assert (code, "noted it earlier from /v1/keys" in said) == (2, True), said
            assert "altered" not in said
        code, said = await command("audit", "verify", *source, "--log-key", LOG_KEY)
        assert (code, f"Checked with the log key {LOG_KEY}, which you gave." in said) == (0, True), said
        code, said = await command("audit", "verify", *source, "--log-key", LOG_KEY, "--json")
        assert orjson.loads(said)["log_key"] == {"key": LOG_KEY, "from": "you"}


async def test_an_empty_value_is_not_taken_for_none(command: Command) -> None:
    for empty in ("--log-key", "--url", "--database-url"):
        code, said = await command("audit", "verify", empty, "")
        assert (code, f"{empty} is empty" in said) == (2, True), said


async def test_two_things_to_check_at_once_are_refused(command: Command, served: Served, bundle: Path) -> None:
    both = ("--url", served.url, "--bundle", bundle)
    for sources in (both, (*both[:2], "--database-url", "x"), (*both[2:], "--password-file", "x")):
        code, said = await command("audit", "verify", *sources, "--log-key", LOG_KEY)
        assert (code, "name different things to check" in said) == (2, True), said


async def test_a_checkpoint_to_go_on_from_is_held_against_files_too(
    command: Command, served: Served, bundle: Path, tmp_path: Path
) -> None:
    kept, other = tmp_path / "kept", tmp_path / "other"
    kept.write_bytes(checkpoint_of(Published(Random(0)).log.leaves[:5]))
    other.write_bytes(checkpoint_of([b"another history"] * 5))
    for source in (("--url", served.url), ("--bundle", bundle)):
        code, said = await command("audit", "verify", *source, "--log-key", LOG_KEY, "--since", kept)
        assert (code, re.search("Held against .*checkpoints.* of:? 5", said) is not None) == (0, True), said
        code, said = await command("audit", "verify", *source, "--log-key", LOG_KEY, "--since", other)
        assert (code, "older_checkpoint_contradicted" in said) == (1, True), said


@pytest.mark.parametrize(
    ("note", "because"),
    [
        (b"", "is not a checkpoint (a note"),
        (b"\xff", "is not a checkpoint (a note is UTF-8)"),
        (b"no empty line\n", "is not a checkpoint (a note has an empty line before its signatures)"),
        (checkpoint_of([b"x"]).replace(b"\n1\n", b"\n2\n"), "is not a checkpoint that this log signed"),
        (checkpoint_of([b"x"]).replace(SIGNER.name.encode(), b"other.example"), "is not a checkpoint that this log"),
    ],
    ids=["empty", "not text", "not a note", "its size edited", "of another log"],
)
async def test_a_checkpoint_that_this_log_did_not_sign_accuses_nobody(
    command: Command, served: Served, bundle: Path, tmp_path: Path, note: bytes, because: str
) -> None:
    kept = tmp_path / "cpx"
    kept.write_bytes(note)
    for source in (("--url", served.url), ("--bundle", bundle)):
        code, said = await command("audit", "verify", *source, "--log-key", LOG_KEY, "--checkpoint", kept)
        assert (code, f"{kept} {because}" in said) == (2, True), said
        assert "INTACT" not in said


async def test_a_checkpoint_by_a_strangers_key_in_the_logs_name_is_held_against_nothing(
    command: Command, served: Served, bundle: Path, tmp_path: Path
) -> None:
    kept, stranger = tmp_path / "kept", NoteSigner(SIGNER.name, Ed25519PrivateKey.generate())
    note = checkpoint_of([b"another history"] * 5, signer=stranger)
    kept.write_bytes(note + cosignature(note, by=CLASSIC))
    key = f"{SIGNER.name}+{stranger.verifier().key_id.hex()}"
    for source in (("--url", served.url), ("--bundle", bundle)):
        there = ("audit", "verify", *source, "--log-key", LOG_KEY, "--witness-key", CLASSIC.verifier_key())
        for option in ("--since", "--checkpoint"):
            code, said = await command(*there, option, kept)
            assert (code, "COULD NOT BE HELD against" in said, key in said) == (2, True, True), said
            assert "NOT INTACT" not in said
            assert f"NOT COSIGNED by {CLASSIC.name}" in said, (
                "a witness's word on a stranger's log says nothing of this one"
            )
        report = orjson.loads((await command(*there, "--since", kept, "--json"))[1])
        assert (report["intact"], report["findings"], report["unproven"][0]["size"]) == (True, [], 5)
        assert "cosigned_by" not in report
        assert [each["cosigned"] for each in report["witnesses"]] == [None]


async def test_where_nothing_is_published_nothing_was_checked(command: Command, served: Served) -> None:
    code, said = await command("audit", "verify", "--url", f"{served.url}/elsewhere", "--log-key", LOG_KEY, "--json")
    answer = orjson.loads(said)
    assert (code, answer["intact"], answer["error"]) == (2, None, "the log's files lack checkpoint")
    assert "give --key too" in answer["remedy"]
    served["page/checkpoint"] = b"<html>Not found</html>"
    code, said = await command("audit", "verify", "--url", f"{served.url}/page", "--log-key", LOG_KEY)
    assert (code, "INTACT" in said) == (2, False), said


async def test_an_intact_log_is_0_and_one_that_was_cut_short_is_1(
    command: Command, served: Served, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(checkpoint_of([*Published(Random(0)).log.leaves, b"one more"]))
    there = ("audit", "verify", "--url", served.url, "--log-key", LOG_KEY)
    assert (await command(*there))[0] == 0
    code, said = await command(*there, "--checkpoint", kept)
    assert (code, f"vouches for {SIZE + 1} entries" in said) == (1, True), said


async def test_a_witness_that_cosigned_nothing_confirms_nothing_and_the_audit_says_so(
    command: Command, served: Served, bundle: Path, tmp_path: Path
) -> None:
    for source in (("--url", served.url), ("--bundle", bundle)):
        there = ("audit", "verify", *source, "--log-key", LOG_KEY, "--witness-key", CLASSIC.verifier_key())
        code, said = await command(*there)
        assert (code, f"NOT COSIGNED by {CLASSIC.name}+{CLASSIC.key_id.hex()}" in said) == (2, True), said
        assert "Nothing was altered" not in said
        code, said = await command(*there, "--json")
        assert (code, orjson.loads(said)["witnesses"][0]["cosigned"]) == (2, None)
        kept, note = tmp_path / "kept", checkpoint_of(Published(Random(0)).log.leaves[:5])
        kept.write_bytes(note + cosignature(note, by=CLASSIC))
        code, said = await command(*there, "--checkpoint", kept)
        assert (code, f"Cosigned by {CLASSIC.name}+{CLASSIC.key_id.hex()}: the first 5 entries." in said) == (0, True)
        # Another key of the same witness does not stand in for it.
        other = CosignatureVerifier(CLASSIC.name, bytes(32)).verifier_key()
        code, said = await command(*there, "--checkpoint", kept, "--witness-key", other)
        assert (code, said.count("NOT COSIGNED")) == (2, 1), said


async def test_the_logs_own_key_is_no_witnesss(command: Command, served: Served) -> None:
    code, said = await command("audit", "verify", "--url", served.url, "--log-key", LOG_KEY, "--witness-key", LOG_KEY)
    assert (code, "is no witness's key" in said) == (2, True), said


async def test_a_report_says_when_what_and_by_what_was_checked_and_what_was_not(
    command: Command, served: Served
) -> None:
    there = ("audit", "verify", "--url", served.url, "--log-key", LOG_KEY)
    code, said = await command(*there)
    assert code == 0, said
    assert f"Log {SIGNER.name}, checked at 20" in said
    assert "Not checked, as these files do not hold them: sealed sections, answers with their receipts." in said
    assert "No checkpoint of yours was given" in said
    report = orjson.loads((await command(*there, "--json"))[1])
    assert (report["origin"], report["not_checked"][0]) == (SIGNER.name, "sealed sections")
    assert report["held_against"] == {"yours": [], "this_machine": []}
    assert report["checked_by"].startswith("exchange ")
    assert parse_rfc3339(report["checked_at"]) <= SystemClock().now()
