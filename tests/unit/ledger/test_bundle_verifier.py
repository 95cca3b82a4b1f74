"""The program in a bundle follows a log's keys through their rotations, as the ledger's own check does."""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from services.ledger.audit import bundle_verifier
from services.ledger.audit.bundle_verifier import tile_name
from shared.transparency.signed_note import NoteSigner
from shared.transparency.tiles import tile_index_path
from shared.vocabulary import EntryType
from tests.machinery.bundles import Members, Said, bundle_members, write_bundle
from tests.machinery.cosigners import CLASSIC
from tests.machinery.rotated_log import FIRST, SECOND, STRANGER, THIRD, RotatedLog, rotated_log

COMPROMISED = "2026-11-20T00:00:00.000000Z"


class Checked:
    """The program, run on logs."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys

    def __call__(self, log: RotatedLog, trusted: NoteSigner, *, older: tuple[bytes, ...] = ()) -> tuple[Said, str]:
        """Return what the program says of a log, and the words of its findings."""
        file = write_bundle(bundle_members(log.leaves, heads=log.heads), self._folder / "bundle.zip")
        arguments = [str(file), "--log-key", trusted.verifier().verifier_key(), "--json"]
        for number, note in enumerate(older):
            kept = self._folder / f"kept-{number}"
            kept.write_bytes(note)
            arguments += ["--older", str(kept)]
        code = bundle_verifier.main(arguments)
        said = self._capsys.readouterr().out
        report = msgspec.json.decode(said, type=Said)
        assert not report.error, report.error
        assert code == (1 if not report.intact else 2 if report.unproven else 0)
        details = [each["detail"] for each in msgspec.json.decode(said)["findings"]]
        return report, "; ".join(details)


@pytest.fixture
def checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Checked:
    """The program, run in a folder of the test's own."""
    return Checked(tmp_path, capsys)


@pytest.mark.parametrize("trusted", [FIRST, SECOND, THIRD], ids=["first", "second", "newest"])
def test_any_key_that_the_log_ever_had_proves_it_and_all_its_older_checkpoints(
    checked: Checked, trusted: NoteSigner
) -> None:
    log = rotated_log()
    said, _ = checked(log, trusted, older=tuple(log.heads))
    assert (said.findings, said.size, said.heads) == ([], len(log.leaves), len(log.heads))


def test_a_stranger_s_key_proves_nothing(checked: Checked) -> None:
    said, detail = checked(rotated_log(), STRANGER)
    assert [each.kind for each in said.findings] == ["bad_signature"]
    assert "no key that you trust has vouched" in detail


def test_a_checkpoint_by_a_key_that_the_log_never_introduced_is_refused_by_name(checked: Checked) -> None:
    log = rotated_log()
    log.sign(STRANGER)
    said, detail = checked(log, THIRD)
    assert {each.kind for each in said.findings} == {"bad_signature"}
    assert f"{STRANGER.name}+{STRANGER.verifier().key_id.hex()}, a key that the log never introduced" in detail


@pytest.mark.parametrize("compromised_from", [None, COMPROMISED])
def test_a_checkpoint_by_a_key_given_up_before_is_refused_by_name(
    checked: Checked, compromised_from: str | None
) -> None:
    log = rotated_log(compromised_from=compromised_from)
    log.add(EntryType.CONTENT_OPENED)
    log.sign(FIRST)
    said, detail = checked(log, FIRST)
    assert {each.kind for each in said.findings} == {"bad_signature"}
    assert "gave up at entry 152" in detail
    assert (f"compromised from {COMPROMISED}" in detail) == (compromised_from is not None)


def test_an_older_checkpoint_by_a_key_given_up_before_it_is_refused_by_name(checked: Checked) -> None:
    log = rotated_log()
    late = log.sign(FIRST)
    log.heads.pop()
    said, _ = checked(log, THIRD, older=(late,))
    assert said.intact, "a checkpoint that a thief may have signed says nothing of the log"
    (unproven,) = said.unproven
    assert unproven.size == len(log.leaves)
    assert "gave up at entry 152" in unproven.detail


def test_an_older_checkpoint_by_a_strangers_key_is_held_against_nothing(checked: Checked) -> None:
    other = RotatedLog([], [])
    other.add(EntryType.LEDGER_OPENED, {"vkey": STRANGER.verifier().verifier_key()})
    said, _ = checked(rotated_log(), FIRST, older=(other.sign(STRANGER),))
    (unproven,) = said.unproven
    assert (said.findings, said.intact, unproven.size) == ([], True, 1)
    assert "a key that the log never introduced" in unproven.detail


def test_an_older_checkpoint_by_a_key_that_came_later_still_contradicts(checked: Checked) -> None:
    """Whoever has the log's newest key can sign another beginning of it."""
    other = RotatedLog([], [])
    other.add(EntryType.LEDGER_OPENED, {"vkey": FIRST.verifier().verifier_key(), "other": "yes"})
    said, _ = checked(rotated_log(), FIRST, older=(other.sign(THIRD),))
    assert [each.kind for each in said.findings] == ["older_checkpoint_contradicted"]


def test_a_key_that_vouches_for_itself_is_not_believed(checked: Checked) -> None:
    log = RotatedLog([], [])
    log.add(EntryType.LEDGER_OPENED, {"vkey": FIRST.verifier().verifier_key()})
    log.sign(FIRST)
    log.add(EntryType.LOG_KEY_ADDED, {"vkey": STRANGER.verifier().verifier_key()})
    vouched = log.sign(STRANGER).decode()
    log.add(EntryType.LOG_KEY_RETIRED, {"vkey": FIRST.verifier().verifier_key(), "vouched_by": vouched})
    log.sign(STRANGER)
    said, detail = checked(log, FIRST)
    assert {each.kind for each in said.findings} == {"bad_signature"}
    assert "never introduced" in detail


def test_a_key_that_was_given_up_and_is_announced_again_is_a_finding_and_signs_nothing(checked: Checked) -> None:
    log = rotated_log(compromised_from=COMPROMISED)
    again = log.add(EntryType.LOG_KEY_ADDED, {"vkey": FIRST.verifier().verifier_key()})
    log.sign(THIRD, FIRST)
    said, detail = checked(log, THIRD)
    assert [(each.kind, each.first) for each in said.findings] == [("registry_broken", again)]
    assert "adds a log key that was given up before" in detail
    log.add(EntryType.CONTENT_OPENED)
    log.sign(FIRST)
    said, _ = checked(log, THIRD)
    assert {each.kind for each in said.findings} == {"registry_broken", "bad_signature"}


def test_an_older_checkpoint_of_another_history_of_that_size_is_a_contradiction(checked: Checked) -> None:
    other = RotatedLog([], [])
    other.add(EntryType.LEDGER_OPENED, {"vkey": FIRST.verifier().verifier_key(), "other": "yes"})
    said, _ = checked(rotated_log(), FIRST, older=(other.sign(FIRST),))
    assert [(each.kind, each.first, each.last) for each in said.findings] == [("older_checkpoint_contradicted", 0, 0)]


@pytest.mark.parametrize("index", [0, 9, 999, 1000, 67_000, 1_234_067])
def test_tiles_are_numbered_as_everywhere_else(index: int) -> None:
    assert tile_name(index) == tile_index_path(index)


def zipped(name: str, data: bytes) -> Callable[[Members], None]:
    """Return what puts a member in place of another."""
    return lambda members: members.update({name: data})


OF_NO_FORM = "bundle.zip cannot be read (it is of no form"


def changed_manifest(**values: object) -> Callable[[Members], None]:
    """Return what says something else in the manifest."""

    def change(members: Members) -> None:
        members["manifest.json"] = msgspec.json.encode({**msgspec.json.decode(members["manifest.json"]), **values})

    return change


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda members: members.pop("manifest.json"), "manifest.json"),
        (lambda members: members.pop("tile/0/000"), "tile/0/000 of "),
        (zipped("manifest.json", b"{"), OF_NO_FORM),
        (zipped("manifest.json", b"[]"), OF_NO_FORM),
        (
            zipped("manifest.json", b'{"format":"another/v9","size":1,"children":null,"opened":null}'),
            OF_NO_FORM,
        ),
        (
            zipped("manifest.json", b'{"size":1,"children":null,"opened":{}}'),
            OF_NO_FORM,
        ),
        (changed_manifest(children=1.5), OF_NO_FORM),
        (changed_manifest(children=[["a"]]), OF_NO_FORM),
        (changed_manifest(opened=True), OF_NO_FORM),
        (changed_manifest(opened=["reason"]), OF_NO_FORM),
        (changed_manifest(size="many"), OF_NO_FORM),
        (zipped("heads", b"\0\0\0\4abc"), "what begins at byte 0 of heads of "),
        (zipped("heads", b"\0\0\0\3abc"), "what begins at byte 0 of heads of "),
        (zipped("checkpoint", b"\xff"), "checkpoint of "),
        (zipped("sections/000", b"\0\0\0\3abc"), "what begins at byte 0 of sections/000 of "),
    ],
)
def test_what_cannot_be_read_is_named_in_plain_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Members], object], named: str
) -> None:
    log = rotated_log()
    members = bundle_members(log.leaves, heads=log.heads)
    spoil(members)
    file = write_bundle(members, tmp_path / "bundle.zip")
    said = not_checked(capsys, file)
    assert str(file) in said
    assert named in said


def not_checked(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Run the program where it can check nothing; return what it says, none of it a library's words."""
    words = [*map(str, arguments)]
    words += [] if "--log-key" in words else ["--log-key", FIRST.verifier().verifier_key()]
    assert bundle_verifier.main(words) == 2
    said = capsys.readouterr().out
    assert said.startswith("NOT CHECKED: ")
    assert said.endswith(": check what you gave, or have it anew, whole.\n")
    assert not re.search("Error|Errno|expected|unpack|codec|[Pp]adding|not a zip|no item|index|subscript", said), said
    assert bundle_verifier.main([*words, "--json"]) == 2
    assert msgspec.json.decode(capsys.readouterr().out, type=Said).intact is None
    return said


def test_what_is_given_beside_the_bundle_is_named_when_it_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = rotated_log()
    bundle = write_bundle(bundle_members(log.leaves, heads=log.heads), tmp_path / "bundle.zip")
    nowhere, text, cut = tmp_path / "nowhere", tmp_path / "text", tmp_path / "cut"
    text.write_bytes(b"hello")
    cut.write_bytes(log.heads[0][:-6])
    assert f"{nowhere} cannot be read (No such file" in not_checked(capsys, nowhere)
    assert f"{tmp_path} cannot be read (Is a directory" in not_checked(capsys, tmp_path)
    assert f"{text} cannot be read (it is of no form" in not_checked(capsys, text)
    for kept in (nowhere, text, cut):
        assert f"{kept} cannot be read" in not_checked(capsys, bundle, "--older", kept)
    log_key, witness = FIRST.verifier().verifier_key(), CLASSIC.verifier_key()
    for wrong in ("", "abc", log_key[:-3], witness):
        assert f": {wrong} cannot be read" in not_checked(capsys, bundle, "--log-key", wrong)
    for wrong in ("abc", log_key):
        assert f": {wrong} cannot be read" in not_checked(capsys, bundle, "--witness-key", wrong)


def test_a_zip_file_that_is_damaged_is_named_in_plain_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = rotated_log()
    file = write_bundle(bundle_members(log.leaves, heads=log.heads), tmp_path / "bundle.zip")
    whole = file.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole.replace(log.leaves[3], log.leaves[3].swapcase())):
        file.write_bytes(damaged)
        assert str(file) in not_checked(capsys, file)
