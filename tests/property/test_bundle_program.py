"""Whatever is in an exported file, its program says what it found or what it could not read, and never breaks off."""

from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ledger.audit import bundle_verifier
from tests.machinery.attacks_on_bundles import Given
from tests.machinery.bundles import Members, Said, write_bundle
from tests.machinery.static_log import SIGNER

WHOLE = Given(Random(0)).members
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["reason", "a"]), inner, max_size=2),
    max_leaves=4,
)
OPENED = st.builds("{}/{}/{}".format, st.sampled_from(["opened", "Opened"]), st.integers(-1, 700), st.text(max_size=9))
NAMES = st.sampled_from([*WHOLE, "opened/1/body", "opened/x", "opened/1", "opened/9999/signature"]) | OPENED


@dataclass(frozen=True)
class Change:
    """A change to one member: ``cut`` leaves so much of it, and ``put`` stands where ``at`` is."""

    name: str
    way: str
    at: int
    put: bytes

    def apply(self, members: Members) -> None:
        content = members.get(self.name, b"")
        at = self.at % (len(content) + 1)
        match self.way:
            case "lost":
                members.pop(self.name, None)
            case "other":
                members[self.name] = self.put
            case "cut":
                members[self.name] = content[:at]
            case _:
                members[self.name] = content[:at] + self.put + content[at + len(self.put) :]


# What writes zip files ends a name at a zero character, and writes none that is empty.
ANY_NAME = st.text(min_size=1, max_size=30).filter(lambda name: not name.startswith("\0"))
CHANGES = st.builds(
    Change, NAMES, st.sampled_from(["lost", "other", "cut", "changed"]), st.integers(0, 1 << 20), st.binary(max_size=40)
)
SAID = st.dictionaries(st.sampled_from(["format", "size", "children", "opened"]), VALUES, max_size=1)


@settings(deadline=None)  # A whole bundle is written and checked twice.
@given(st.lists(CHANGES, max_size=3), SAID)
def test_it_ends_with_a_report_or_with_what_cannot_be_read(
    changes: list[Change], said_of_it: dict[str, object]
) -> None:
    members = dict(WHOLE)
    if said_of_it:
        manifest = msgspec.json.decode(members["manifest.json"])
        members["manifest.json"] = msgspec.json.encode({**manifest, **said_of_it})
    for change in changes:
        change.apply(members)
    with TemporaryDirectory() as folder:
        file = write_bundle(members, Path(folder) / "bundle.zip")
        given_to_it = [str(file), "--log-key", SIGNER.verifier().verifier_key()]
        for form in ([], ["--json"]):
            printed = StringIO()
            with redirect_stdout(printed):
                code = bundle_verifier.main([*given_to_it, *form])
    said = msgspec.json.decode(printed.getvalue(), type=Said)
    assert (code, said.error == "") == ({True: 0, False: 1, None: 2}[said.intact], said.intact is not None)


@settings(deadline=None)
@given(ANY_NAME | OPENED | NAMES, st.binary(max_size=40))
def test_whatever_is_added_to_it_is_found_be_it_under_a_name_that_is_there_already(name: str, content: bytes) -> None:
    with TemporaryDirectory() as folder:
        file = write_bundle(WHOLE, Path(folder) / "bundle.zip", before=[(name, content)])
        printed = StringIO()
        with redirect_stdout(printed):
            code = bundle_verifier.main([str(file), "--log-key", SIGNER.verifier().verifier_key(), "--json"])
    said = msgspec.json.decode(printed.getvalue(), type=Said)
    assert (code, said.intact) == (1, False)
