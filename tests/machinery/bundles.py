"""An exported ledger in tests: its members, and the program that came with it run on them, changed or not."""

import json
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from services.ledger.audit.export import FORMAT
from services.ledger.audit.findings import Unproven, WitnessStanding
from shared.identifiers import ChildRef
from shared.transparency.checkpoint import read_unverified_checkpoint
from shared.transparency.signed_note import NoteSigner
from shared.transparency.tiles import TILE_WIDTH, parse_bundle, tile_index_path
from tests.machinery.static_log import static_log

Members = dict[str, bytes]


class Finding(msgspec.Struct, frozen=True):
    """One finding as verify.py prints it."""

    kind: str
    first: int
    last: int


class Said(msgspec.Struct, frozen=True):
    """What verify.py prints; ``exchange audit verify --bundle`` has ``witnesses`` for ``cosigned_by``."""

    intact: bool | None
    findings: list[Finding] = []
    size: int = 0
    sections: int = 0
    not_included: int = 0
    opened: int = 0
    heads: int = 0
    bodies: int = 0
    unproven: list[Unproven] = []
    cosigned_by: dict[str, int] = {}
    witnesses: list[WitnessStanding] = []
    unchecked: list[str] = []
    error: str = ""


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported ledger: its members in order, the log's key, and the ledger's own signer for the worst attacks."""

    members: Mapping[str, bytes]
    log_key: str
    signer: NoteSigner
    folder: Path
    child: ChildRef

    def entries(self) -> tuple[str, list[bytes]]:
        """Return the name of the last entry bundle and its entries."""
        name = [each for each in self.members if each.startswith("tile/entries/")][-1]
        return name, parse_bundle(self.members[name])

    def check(self, members: Mapping[str, bytes], *arguments: str, lacking: str = "") -> tuple[int, Said]:
        """Write the members as a bundle and run the program that was exported on it, alone.

        ``lacking`` is a module that the Python it runs in is not to find.
        """
        file, program = write_bundle(members, self.folder / "bundle.zip"), self.folder / "verify.py"
        hiding = f"import sys\nsys.modules[{lacking!r}] = None\n" if lacking else ""
        program.write_bytes(hiding.encode() + self.members["verify.py"])
        command = [sys.executable, "-I", str(program), str(file), "--log-key", self.log_key, "--json", *arguments]
        done = subprocess.run(command, capture_output=True, cwd=self.folder, check=False)
        assert done.stderr == b"", done.stderr
        return done.returncode, msgspec.json.decode(done.stdout, type=Said)


def bundle_members(
    leaves: Sequence[bytes], *, heads: Sequence[bytes], sections: Sequence[tuple[int, str, bytes]] = ()
) -> Members:
    """Return a bundle of a log that no ledger holds; ``sections`` are position, name and sealed bytes, in order."""
    origin = read_unverified_checkpoint(heads[-1]).origin
    manifest = {"format": FORMAT, "origin": origin, "size": len(leaves), "children": None, "opened": None}
    members = {
        "manifest.json": msgspec.json.encode(manifest),
        "checkpoint": heads[-1],
        "heads": b"".join(map(counted, heads)),
        "cosigned": b"",
    }
    files = static_log(leaves)
    members |= {path: data for path, data in files.items() if path.startswith(("tile/0/", "tile/entries/"))}
    for index in range(-(-len(leaves) // TILE_WIDTH)):
        members[f"sections/{tile_index_path(index)}"] = b"".join(
            counted(position.to_bytes(8) + bytes([len(name)]) + name.encode() + content)
            for position, name, content in sections
            if position // TILE_WIDTH == index
        )
    return members


def counted(content: bytes) -> bytes:
    """Return a record of a bundle: its length, then its bytes."""
    return len(content).to_bytes(4) + content


def records(data: bytes) -> list[bytes]:
    """Return the records of a bundle's member."""
    found, at = [], 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4])
        found.append(data[at + 4 : end])
        at = end
    return found


def write_bundle(members: Mapping[str, bytes], file: Path, *, before: Sequence[tuple[str, bytes]] = ()) -> Path:
    """Write members as a bundle; those ``before`` stand first in it, under whatever name."""
    with zipfile.ZipFile(file, "w") as bundle, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicate name")
        for name, data in (*before, *members.items()):
            bundle.writestr(name, data)
    return file


def at_position(entries: list[bytes], marker: bytes) -> int:
    """Return where the last entry that holds a marker stands in its bundle."""
    return max(index for index, leaf in enumerate(entries) if marker in leaf)


def position_of(leaf: bytes) -> int:
    """Return the position that an entry says it has."""
    position = json.loads(leaf)["position"]
    assert isinstance(position, int)
    return position
