"""An exported ledger in tests: its members, and the program that came with it run on them, changed or not."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from shared.identifiers import ChildRef
from shared.transparency.signed_note import NoteSigner
from shared.transparency.tiles import parse_bundle

Members = dict[str, bytes]


class Finding(msgspec.Struct, frozen=True):
    """One finding as verify.py prints it."""

    kind: str
    first: int
    last: int


class Said(msgspec.Struct, frozen=True):
    """What verify.py prints."""

    intact: bool
    findings: list[Finding] = []
    size: int = 0
    sections: int = 0
    not_included: int = 0
    opened: int = 0
    heads: int = 0
    bodies: int = 0
    cosigned_by: dict[str, int] = {}
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
        file, program = self.folder / "bundle.zip", self.folder / "verify.py"
        with zipfile.ZipFile(file, "w") as bundle:
            for name, data in members.items():
                bundle.writestr(name, data)
        hiding = f"import sys\nsys.modules[{lacking!r}] = None\n" if lacking else ""
        program.write_bytes(hiding.encode() + self.members["verify.py"])
        command = [sys.executable, "-I", str(program), str(file), "--log-key", self.log_key, "--json", *arguments]
        done = subprocess.run(command, capture_output=True, cwd=self.folder, check=False)
        assert done.stderr == b"", done.stderr
        return done.returncode, msgspec.json.decode(done.stdout, type=Said)


def at_position(entries: list[bytes], marker: bytes) -> int:
    """Return where the last entry that holds a marker stands in its bundle."""
    return max(index for index, leaf in enumerate(entries) if marker in leaf)


def position_of(leaf: bytes) -> int:
    """Return the position that an entry says it has."""
    position = json.loads(leaf)["position"]
    assert isinstance(position, int)
    return position
