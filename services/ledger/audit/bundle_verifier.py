"""Check an exported ledger, offline: python verify.py BUNDLE --log-key KEY [--older CHECKPOINT] [--witness-key KEY].

Needs Python 3.11 and `cryptography`, nothing else, and no network. The log's key must come from outside the bundle, and
so should this program: whoever could forge the one could forge the others. docs/ledger-format.md gives the format.
"""

import argparse
import base64
import json
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT, ENTRY_FORMAT = "safeguarding-exchange/bundle/v1", "safeguarding-exchange/entry/v1"
MEMBERS = {"format", "position", "id", "type", "time", "agency", "key", "subjects", "facts", "obligations", "causes"}
MEMBERS |= {"rules", "registry", "commitments"}
WIDTH, LARGEST_MEMBER_BYTES, MOST_FINDINGS = 256, 1 << 28, 100
MISSHAPEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)
DAMAGED = (*MISSHAPEN, OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
COMMITTED = b"safeguarding-exchange/commitment/v1\n%s\n%s\n"


class Bad(Exception):
    """Something is not what it must be; the text says what."""


class Key:
    """A verifier key, name+id+base64: of a log (type 1) or of a witness (types 4 and 6). C2SP signed-note v1.0.0."""

    def __init__(self, text: str) -> None:
        try:
            self.name, claimed, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
            self.kind, self.public, self.id = raw[0], raw[1:], sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        except (ValueError, IndexError):
            raise Bad("a key is name+id+base64") from None
        if self.id.hex() != claimed or self.kind not in (1, 4, 6):
            raise Bad("a key's id does not fit it, or it is of an unknown kind")

    def verify(self, body: bytes, made: bytes) -> None:
        """Raise InvalidSignature or ValueError unless this key signed the body."""
        time, rest = made[:8], made[8:]
        if self.kind == 1:
            Ed25519PublicKey.from_public_bytes(self.public).verify(made, body)
        elif self.kind == 4:
            body = b"cosignature/v1\ntime %d\n" % int.from_bytes(time) + body
            Ed25519PublicKey.from_public_bytes(self.public).verify(rest, body)
        else:
            from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

            (origin, size, root), name = body.split(b"\n")[:3], self.name.encode()
            message = b"subtree/v1\n\0" + bytes([len(name)]) + name + time + bytes([len(origin)]) + origin
            message += bytes(8) + int(size).to_bytes(8) + base64.b64decode(root)
            MLDSA44PublicKey.from_public_bytes(self.public).verify(rest, message)


def open_checkpoint(note: bytes, log: Key, witnesses: Sequence[Key] = ()) -> tuple[int, bytes, set[str]]:
    """Return size, root and who cosigned. Raises Bad unless the log signed, and if a known key's signature is bad."""
    text, _, lines = note.rpartition(b"\n\n")
    body, signed = text + b"\n", set[Key]()
    for line in lines.decode("utf-8", "replace").splitlines():
        try:
            dash, name, encoded = line.split(" ")
            held = base64.b64decode(encoded, validate=True)
            for key in (log, *witnesses):
                if dash == "\u2014" and (key.name, key.id) == (name, held[:4]):
                    key.verify(body, held[4:])
                    signed.add(key)
        except (InvalidSignature, ValueError):
            raise Bad("bears a signature that does not hold") from None
    fields = body.decode("utf-8", "replace").split("\n")
    if log not in signed or len(fields) != 4 or fields[0] != log.name:
        raise Bad("is not signed by the log's key")
    return int(fields[1]), base64.b64decode(fields[2]), {key.name for key in signed - {log}}


class Tree:
    """A Merkle tree of RFC 6962 grown leaf by leaf, holding only the roots of its complete subtrees."""

    def __init__(self) -> None:
        self.size, self.edge = 0, list[bytes]()

    def add(self, node: bytes) -> None:
        index, self.size = self.size, self.size + 1
        while index & 1:
            node, index = sha256(b"\x01" + self.edge.pop() + node).digest(), index >> 1
        self.edge.append(node)

    def root(self) -> bytes:
        node = self.edge[-1] if self.edge else sha256(b"").digest()
        for left in reversed(self.edge[:-1]):
            node = sha256(b"\x01" + left + node).digest()
        return node


class Bundle:
    """The file's members; none is read that is larger than any may be."""

    def __init__(self, file: Path) -> None:
        self.zip = zipfile.ZipFile(file)
        self.manifest: dict[str, Any] = json.loads(self.read("manifest.json"))
        self.size = int(self.manifest["size"])
        if self.manifest["format"] != FORMAT:
            raise Bad("its format version is not known to this program")

    def read(self, name: str) -> bytes:
        if self.zip.getinfo(name).file_size > LARGEST_MEMBER_BYTES:
            raise Bad(f"the bundle's {name} is larger than it may be")
        return self.zip.read(name)

    def records(self, name: str, width: int) -> Iterator[bytes]:
        """Yield each record of a member; it stands after its length, big endian, in so many bytes."""
        data, at = self.read(name), 0
        while at < len(data):
            end = at + width + int.from_bytes(data[at : at + width])
            if end > len(data):
                raise Bad(f"the bundle's {name} is cut short")
            yield data[at + width : end]
            at = end


def tile_name(index: int) -> str:
    """Return a tile's number as C2SP tlog-tiles writes it: 1234067 is x001/x234/067."""
    name = f"{index % 1000:03d}"
    while index := index // 1000:
        name = f"x{index % 1000:03d}/{name}"
    return name


def parse_entry(leaf: bytes) -> dict[str, Any]:
    """Return an entry. Raises Bad unless the bytes are one in canonical form (RFC 8785): no floats, each name once."""
    entry = json.loads(leaf, parse_float=lambda _: None, parse_constant=lambda _: None)
    written = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if written != leaf or set(entry) != MEMBERS or entry["format"] != ENTRY_FORMAT:
        raise Bad("not canonical")
    return dict(entry)


class Check:
    """What is seen and found wrong: entries held against one another and against what is sealed beside them."""

    def __init__(self, wanted: list[str] | None) -> None:
        self.size, self.heads, self.children, self.sections, self.erased, self.not_included, self.opened = [0] * 7
        self.root, self.cosigned_by, self.findings = "", list[str](), list[dict[str, Any]]()
        self._wanted, self._shift, self._time = wanted, 0, ""
        self._versions, self.gone = dict[str, int](), dict[tuple[int, str], tuple[str, str]]()

    def find(self, kind: str, detail: str, at: int, to: int | None = None) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append({"kind": kind, "first": at, "last": at if to is None else to, "detail": detail})

    def check(self, at: int, leaf: bytes, sections: dict[str, bytes]) -> None:
        try:
            entry = parse_entry(leaf)
            self._check_order(at, entry)
            self._check_sections(at, entry, sections)
        except (Bad, *MISSHAPEN):
            self.find("unreadable_entry", f"entry {at} is no entry of a known format in canonical form", at)

    def _check_order(self, at: int, entry: dict[str, Any]) -> None:
        shift, self._shift = self._shift, entry["position"] - at
        if self._shift not in (0, shift):
            self.find("misplaced_entry", f"entry {at} says that it is entry {entry['position']}", at)
        if entry["time"] < self._time:
            self.find("time_runs_backwards", f"entry {at} is dated before the one before", at)
        self._time = max(self._time, entry["time"])
        for ref, version in ((subject["ref"], subject["version"]) for subject in entry["subjects"]):
            if version != (due := self._versions.get(ref, 0) + 1):
                self.find("child_history_broken", f"entry {at} is number {version} about its child, not {due}", at)
            self._versions[ref] = version
        self.children = len(self._versions)

    def _check_sections(self, at: int, entry: dict[str, Any], sections: dict[str, bytes]) -> None:
        refs = [subject["ref"] for subject in entry["subjects"]]
        if self._wanted is not None and not set(self._wanted).intersection(refs):
            self.not_included += len(entry["commitments"])
        else:
            for name, commitment in entry["commitments"].items():
                self.sections += 1
                content = sections.pop(name, None)
                if content is None:
                    child = refs[0] if refs else entry["facts"].get("sealed_under")
                    self.gone[at, name] = f"child:{child}", f"entry:{entry['id']}"
                elif sha256(content).hexdigest() != commitment["ciphertext_sha256"]:
                    self.find("section_edited", f"entry {at} has a sealed {name} it did not commit to", at)
        for name, opened in ((each, sections.pop(each)) for each in list(sections) if each.startswith("opened:")):
            self.opened += 1
            bound = COMMITTED % (entry["id"].encode(), name[7:].encode()) + opened
            if sha256(bound).hexdigest() != entry["commitments"].get(name[7:], {}).get("sha256"):
                self.find("opened_edited", f"entry {at} did not commit to what is said to be its {name[7:]}", at)
        for name in sections:
            self.find("section_foreign", f"entry {at} never committed to the sealed {name} beside it", at)
        if entry["type"] == "erasure.recorded":
            target, before = entry["facts"]["target"], len(self.gone)
            erased = f"{target['scope']}:{target[target['scope']]}"
            self.gone = {place: names for place, names in self.gone.items() if erased not in names}
            self.erased += before - len(self.gone)


def verify(bundle: Bundle, log: Key, witnesses: Sequence[Key], older: dict[int, bytes]) -> Check:
    """Return what a full check of a bundle finds. Raises Bad when it cannot be read to its end."""
    check, tree, heads, last, size = Check(bundle.manifest["children"]), Tree(), dict[int, bytes](), 0, bundle.size
    opened = dict[int, dict[str, bytes]]()
    for name in (each for each in bundle.zip.namelist() if each.startswith("opened/")):
        opened.setdefault(int(name.split("/")[1]), {})[f"opened:{name.split('/')[2]}"] = bundle.read(name)
    if opened and bundle.manifest["opened"] is None:
        check.find("opened_unsaid", "content stands open here, and the manifest does not say so", min(opened))
    for note in bundle.records("heads", 4):
        try:
            last, root, _ = open_checkpoint(note, log)
            heads[last] = root
        except Bad as bad:
            check.find("bad_signature", f"the signed head after entry {last} {bad}", last)
    check.heads, signed_up_to, last = len(heads), last, 0
    for index in range(-(-size // WIDTH)):
        width = min(WIDTH, size - index * WIDTH)
        name = tile_name(index) + ("" if width == WIDTH else f".p/{width}")
        hashes, beside = bundle.read(f"tile/0/{name}"), dict[int, dict[str, bytes]]()
        for each in bundle.records(f"sections/{tile_name(index)}", 4):
            at, ends = int.from_bytes(each[:8]), 9 + each[8]
            beside.setdefault(at, {})[each[9:ends].decode("ascii", "replace")] = each[ends:]
        for leaf in bundle.records(f"tile/entries/{name}", 2):
            at, hashed = tree.size, sha256(b"\x00" + leaf).digest()
            if hashed != hashes[at % WIDTH * 32 :][:32]:
                check.find("edited_entry", f"the bytes of entry {at} are not those that were recorded", at)
            tree.add(hashed)
            check.check(at, leaf, beside.pop(at, {}) | opened.get(at, {}))
            if tree.size in older and tree.root() != older[tree.size]:
                check.find("older_checkpoint_contradicted", "an older checkpoint vouches for other entries", 0, at)
            if tree.size in heads:
                if tree.root() != heads[tree.size]:
                    check.find("head_mismatch", f"entries {last} to {at} are not those that were signed", last, at)
                    heads = {}  # One changed place makes every later root wrong: the first interval is what it tells.
                last = tree.size
        for at in beside:
            check.find("section_foreign", f"something is sealed beside entry {at}, which is not there", at)
    if tree.size < (largest := max([size, signed_up_to, *older])):
        check.find("truncated", f"{largest} entries were vouched for, {tree.size} are here", tree.size, largest - 1)
    try:
        signed_size, root, cosigned = open_checkpoint(bundle.read("checkpoint"), log, witnesses)
        if (signed_size, root) != (tree.size, tree.root()):
            check.find("head_mismatch", "these are not the entries of the bundle's checkpoint", last, size - 1)
        check.cosigned_by = sorted(cosigned)
    except Bad as bad:
        check.find("bad_signature", f"the bundle's checkpoint {bad}", 0, max(0, tree.size - 1))
    for (at, name), _ in check.gone.items():
        check.find("section_missing", f"entry {at} lacks its sealed {name}, and no erasure says why", at)
    check.root, check.size = tree.root().hex(), tree.size
    return check


def explain(check: Check, manifest: dict[str, Any], older: dict[int, bytes]) -> Iterator[str]:
    """Yield the report in words for a reader who has never seen a ledger."""
    yield f"{check.size} entries, {check.heads} signed checkpoints, {check.children} children; root {check.root}."
    yield f"{check.sections} sealed sections checked, {check.erased} of them erased on the record."
    if manifest["children"] is not None:
        yield f"Only {len(manifest['children'])} chosen children's are here; {check.not_included} others are not."
    opened = manifest["opened"]
    yield f"OPENED CONTENT is in this bundle, because: {opened['reason']}." if opened else "No content is opened here."
    yield f"Cosigned by: {', '.join(check.cosigned_by) or 'nobody whose key you gave'}."
    none = "none was given: a history rewritten and signed anew with the log's own key would pass"
    yield f"Held against checkpoints kept from earlier, of size: {', '.join(map(str, sorted(older))) or none}."
    intact = "INTACT: nothing was altered, dropped, added or reordered."
    yield "NOT INTACT. The first bad position comes first:" if check.findings else intact
    for each in sorted(check.findings, key=lambda each: (each["first"], each["last"])):
        yield f"  {each['first']} to {each['last']}: {each['kind']}: {each['detail']}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the bundle that the command line names; 0 if intact, 1 if not or if it cannot be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--log-key", required=True, help="the log's verifier key, kept from outside this bundle")
    parser.add_argument("--witness-key", action="append", default=[], help="a witness's verifier key; repeatable")
    parser.add_argument("--older", type=Path, action="append", default=[], help="a checkpoint you kept; repeatable")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    given = parser.parse_args(arguments)
    try:
        log, bundle = Key(given.log_key), Bundle(given.bundle)
        older = dict(open_checkpoint(path.read_bytes(), log)[:2] for path in given.older)
        check = verify(bundle, log, [Key(text) for text in given.witness_key], older)
    except (Bad, *DAMAGED) as error:
        print(json.dumps({"intact": False, "error": str(error)}) if given.json else f"NOT CHECKED: {error}")
        return 1
    said = {name: value for name, value in vars(check).items() if not name.startswith("_") and name != "gone"}
    said |= {"intact": not check.findings, "opened_content": bundle.manifest["opened"], "older": sorted(older)}
    print(json.dumps(said) if given.json else "\n".join(explain(check, bundle.manifest, older)))
    return 1 if check.findings else 0


if __name__ == "__main__":
    sys.exit(main())
