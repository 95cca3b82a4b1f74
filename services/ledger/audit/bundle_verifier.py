"""Check an exported ledger, offline: python verify.py BUNDLE --log-key KEY [--older CHECKPOINT] [--witness-key KEY].

Needs Python 3.11 and `cryptography`, nothing else, and no network. The log's key must come from outside the bundle, and
so should this program: whoever could forge the one could forge the others. docs/ledger-format.md gives the format.
"""

import argparse
import base64
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT, ENTRY_FORMAT = "safeguarding-exchange/bundle/v1", "safeguarding-exchange/entry/v1"
MEMBERS = {"format", "position", "id", "type", "time", "agency", "key", "subjects", "facts", "obligations", "causes"}
MEMBERS |= {"rules", "registry", "commitments"}
WIDTH, SALT, LARGEST_MEMBER_BYTES, MOST_FINDINGS = 256, 32, 1 << 28, 100
HEAD, OLDER = "head_mismatch", "older_checkpoint_contradicted"
MISSHAPEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)
DAMAGED = (*MISSHAPEN, OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
COMMITTED = b"safeguarding-exchange/commitment/v1\n%s\n%s\n"


class Key:
    """A verifier key, name+id+base64: of a log (type 1) or of a witness (types 4 and 6). C2SP signed-note v1.0.0."""

    def __init__(self, text: str) -> None:
        self.name, claimed, encoded = (*text.strip().split("+", 2), "", "")[:3]
        raw = base64.b64decode(encoded)
        self.kind, self.public, self.id = raw[:1], raw[1:], sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if self.id.hex() != claimed or self.kind not in (b"\1", b"\4", b"\6"):
            raise ValueError("a key is name+id+base64, its id fits it, and it is of a known kind")

    def verify(self, body: bytes, made: bytes) -> None:
        """Raise InvalidSignature or ValueError unless this key signed; ImportError where there is no ML-DSA."""
        time, rest = (b"", made) if self.kind == b"\1" else (made[:8], made[8:])
        if self.kind == b"\6":
            from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

            (origin, size, root), name = body.split(b"\n")[:3], self.name.encode()
            message = b"subtree/v1\n\0" + bytes([len(name)]) + name + time + bytes([len(origin)]) + origin
            message += bytes(8) + int(size).to_bytes(8) + base64.b64decode(root)
            MLDSA44PublicKey.from_public_bytes(self.public).verify(rest, message)
        else:
            body = b"cosignature/v1\ntime %d\n" % int.from_bytes(time) + body if time else body
            Ed25519PublicKey.from_public_bytes(self.public).verify(rest, body)


class Bundle:
    """The file's members; none is read that is larger than any may be."""

    def __init__(self, file: Path) -> None:
        self.zip = zipfile.ZipFile(file)
        self.manifest: dict[str, Any] = json.loads(self.read("manifest.json"))
        if self.manifest["format"] != FORMAT:
            raise ValueError("its format version is not known to this program")

    def read(self, name: str) -> bytes:
        if self.zip.getinfo(name).file_size > LARGEST_MEMBER_BYTES:
            raise ValueError(f"the bundle's {name} is larger than it may be")
        return self.zip.read(name)

    def records(self, name: str, width: int) -> Iterator[bytes]:
        """Yield each record of a member; it stands after its length, big endian, in so many bytes."""
        data, at = self.read(name), 0
        while at < len(data):
            end = at + width + int.from_bytes(data[at : at + width])
            if end > len(data):
                raise ValueError(f"the bundle's {name} is cut short")
            yield data[at + width : end]
            at = end


def tile_name(index: int) -> str:
    """Return a tile's number as C2SP tlog-tiles writes it: 1234067 is x001/x234/067."""
    return re.sub("(...)(?=.)", r"x\1/", f"{index:0{-(-len(str(index)) // 3) * 3}d}")


class Check:
    """What is seen and found wrong: entries held against one another, against heads, and against what is sealed."""

    def __init__(self, wanted: list[str] | None, log: Key, witnesses: Sequence[Key]) -> None:
        self.size, self.heads, self.children, self.sections, self.erased, self.not_included, self.opened = [0] * 7
        self.root, self.cosigned_by, self.unchecked = "", dict[str, int](), list[str]()
        self.bodies, self.older, self.findings = 0, list[int](), list[dict[str, Any]]()
        self._wanted, self._shift, self._time, self._log, self._edge = wanted, 0, "", log.name, list[bytes]()
        self._versions, self.gone = dict[str, int](), dict[tuple[int, str], tuple[str, str]]()
        self._keys, self._trusted, self.vouched = {(key.name, key.id): key for key in (log, *witnesses)}, {log.id}, True
        self._added, self._given_up = dict[tuple[str, bytes], Key](), dict[bytes, tuple[int, str]]()

    def find(self, kind: str, detail: str, at: int, to: int | None = None) -> int:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append({"kind": kind, "first": at, "last": at if to is None else to, "detail": detail})
        return 0

    def grow(self, node: bytes) -> None:
        """Add a leaf's hash to the tree (RFC 6962), of which only the roots of complete subtrees are held."""
        index, self.size = self.size, self.size + 1
        while index & 1:
            node, index = sha256(b"\x01" + self._edge.pop() + node).digest(), index >> 1
        self._edge.append(node)

    def root_now(self) -> bytes:
        node = self._edge[-1] if self._edge else sha256(b"").digest()
        for left in reversed(self._edge[:-1]):
            node = sha256(b"\x01" + left + node).digest()
        return node

    def head(self, note: bytes, at: int, kind: str) -> int:
        """Check who signed a checkpoint and, where it ends the tree so far, the tree. Its size; 0 if it fails."""
        text, _, lines = note.rpartition(b"\n\n")
        (origin, size, root), why = text.decode().split("\n"), "is signed by no key of the log"
        signed, cosigned = set[bytes](), set[str]()
        for _, name, encoded in (line.split(" ") for line in lines.decode().splitlines()):
            held = base64.b64decode(encoded, validate=True)
            key, (until, since) = self._keys.get((name, held[:4])), self._given_up.get(held[:4], (int(size), ""))
            try:
                if name == self._log and (key is None or int(size) > until):
                    said = "never introduced" if key is None else f"gave up at entry {until}{since}"
                    why = f"is signed by {name}+{held[:4].hex()}, a key that the log {said}"
                elif key is not None:
                    key.verify(text + b"\n", held[4:])
                    signed |= {key.id} if (key.name, key.kind) == (self._log, b"\1") else set()
                    cosigned |= {name} if key.kind != b"\1" else set()
            except (ImportError, UnsupportedAlgorithm):
                self.unchecked = sorted({*self.unchecked, name})
            except (InvalidSignature, ValueError):
                return self.find(f"bad_{'co' * (name != self._log)}signature", f"one by {name} does not hold", at)
        if origin != self._log or not signed:
            return self.find("bad_signature", f"the checkpoint of {size} entries {why}", at)
        self.vouched = not signed.isdisjoint(self._trusted)
        if int(size) == self.size:
            if base64.b64decode(root) != self.root_now():
                if kind not in {each["kind"] for each in self.findings}:  # One changed place spoils every later root.
                    self.find(kind, f"entries {at} on are not those that were signed", at, self.size - 1)
                return 0
            self._keys |= self._added
            self._trusted |= {key.id for key in self._keys.values() if key.kind == b"\1" and self.vouched}
            self.cosigned_by |= dict.fromkeys(sorted(cosigned), int(size))
        return int(size)

    def check(self, at: int, leaf: bytes, sections: dict[str, bytes]) -> None:
        """Check an entry, which must be in canonical form (RFC 8785): no floats, each name once."""
        try:
            entry = json.loads(leaf, parse_float=lambda _: None, parse_constant=lambda _: None)
            written = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            if written != leaf or set(entry) != MEMBERS or entry["format"] != ENTRY_FORMAT:
                raise ValueError("not canonical")
            self._check_order(at, entry)
            self._check_sections(at, entry, sections)
        except MISSHAPEN:
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
        if entry["type"] in ("ledger.opened", "log_key.added", "log_key.retired"):
            key, since = Key(entry["facts"]["vkey"]), entry["facts"].get("compromised_from")
            if entry["type"] == "log_key.retired":
                self._given_up[key.id] = at, f", compromised from {since} on" if since else ""
            elif key.id in self._given_up:
                self.find("registry_broken", f"entry {at} adds a log key that was given up before", at)
            elif (key.kind, key.name) == (b"\1", self._log):
                (self._added if at else self._keys)[key.name, key.id] = key  # What is added counts once it is signed.

    def _check_sections(self, at: int, entry: dict[str, Any], sections: dict[str, bytes]) -> None:
        refs = [subject["ref"] for subject in entry["subjects"]]
        if self._wanted is not None and not set(self._wanted).intersection(refs):
            self.not_included += len(entry["commitments"])
        else:
            for name, commitment in entry["commitments"].items():
                self.sections += 1
                content = sections.pop(name, None)
                if content is None:
                    child = [*refs, entry["facts"].get("sealed_under")][0]
                    self.gone[at, name] = f"child:{child}", f"entry:{entry['id']}"
                elif sha256(content).hexdigest() != commitment["ciphertext_sha256"]:
                    self.find("section_edited", f"entry {at} has a sealed {name} it did not commit to", at)
        plain = dict[str, bytes]()
        for name, opened in ((each[7:], sections.pop(each)) for each in list(sections) if each.startswith("opened:")):
            self.opened += 1
            bound = COMMITTED % (entry["id"].encode(), name.encode()) + opened
            if sha256(bound).hexdigest() == entry["commitments"].get(name, {}).get("sha256"):
                plain[name] = opened[SALT:]
            else:
                self.find("opened_edited", f"entry {at} did not commit to what is said to be its {name}", at)
        if entry["key"] and {"body", "signature"} <= set(plain):
            said = "".join(re.findall('"content-digest": (.*)', json.loads(plain["signature"])["base"]))
            self.bodies += 1
            if not any(base64.b64encode(make(plain["body"]).digest()).decode() in said for make in (sha256, sha512)):
                self.find("body_not_as_signed", f"the body of entry {at} is not the one its agency signed", at)
        for name in sections:
            self.find("section_foreign", f"entry {at} never committed to the sealed {name} beside it", at)
        if entry["type"] == "erasure.recorded":
            target, before = entry["facts"]["target"], len(self.gone)
            erased = f"{target['scope']}:{target[target['scope']]}"
            self.gone = {place: names for place, names in self.gone.items() if erased not in names}
            self.erased += before - len(self.gone)


def verify(bundle: Bundle, log: Key, witnesses: Sequence[Key], older: Sequence[bytes]) -> Check:
    """Return what a full check of a bundle finds. Raises ValueError when it cannot be read to its end."""
    check, last, size = Check(bundle.manifest["children"], log, witnesses), 0, int(bundle.manifest["size"])
    opened, heads = dict[int, dict[str, bytes]](), dict[int, list[tuple[bytes, str]]]()
    for name in (each for each in bundle.zip.namelist() if each.startswith("opened/")):
        opened.setdefault(int(name.split("/")[1]), {})[f"opened:{name.split('/')[2]}"] = bundle.read(name)
    if opened and bundle.manifest["opened"] is None:
        check.find("opened_unsaid", "content stands open here, and the manifest does not say so", min(opened))
    signed = [(note, HEAD) for member in ("heads", "cosigned") for note in bundle.records(member, 4)]
    for note, kind in signed + [(note, OLDER) for note in older]:
        heads.setdefault(int(note.split(b"\n")[1]), []).append((note, kind))
    for index in range(-(-size // WIDTH)):
        width = min(WIDTH, size - index * WIDTH)
        name = tile_name(index) + ("" if width == WIDTH else f".p/{width}")
        hashes, beside = bundle.read(f"tile/0/{name}"), dict[int, dict[str, bytes]]()
        for each in bundle.records(f"sections/{tile_name(index)}", 4):
            at, ends = int.from_bytes(each[:8]), 9 + each[8]
            beside.setdefault(at, {})[each[9:ends].decode("ascii", "replace")] = each[ends:]
        for leaf in bundle.records(f"tile/entries/{name}", 2):
            at, hashed = check.size, sha256(b"\x00" + leaf).digest()
            if hashed != hashes[at % WIDTH * 32 :][:32]:
                kind = "edited_entry" if len(hashes) == 32 * width else "torn_tile"
                check.find(kind, f"the bytes of entry {at} are not those that were recorded", at)
            check.grow(hashed)
            check.check(at, leaf, beside.pop(at, {}) | opened.get(at, {}))
            for note, kind in heads.get(at + 1, []):
                check.head(note, last if kind == HEAD else 0, kind)
            last = at + 1 if at + 1 in heads else last
        for at in beside:
            check.find("section_foreign", f"something is sealed beside entry {at}, which is not there", at)
    largest = max([size, *(check.head(note, last, HEAD) for n in heads if n > check.size for note, _ in heads[n])])
    if check.size < largest:
        check.find("truncated", f"{largest} entries were vouched for, {check.size} are here", check.size, largest - 1)
    if check.head(bundle.read("checkpoint"), 0, HEAD) not in (0, check.size):
        check.find(HEAD, "these are not the entries of the bundle's checkpoint", last, max(last, size - 1))
    if not check.vouched:
        check.find("bad_signature", "no key that you trust has vouched for the one that signed this", 0, size - 1)
    for at, name in check.gone:
        check.find("section_missing", f"entry {at} lacks its sealed {name}, and no erasure says why", at)
    check.root, check.heads, check.children = check.root_now().hex(), len(heads), len(check._versions)
    check.older = sorted({int(note.split(b"\n")[1]) for note in older})
    return check


def explain(check: Check, manifest: dict[str, Any]) -> Iterator[str]:
    """Yield the report in words for a reader who has never seen a ledger."""
    yield f"Entries: {check.size}; signed checkpoints: {check.heads}; children: {check.children}; root: {check.root}."
    yield f"Checked: {check.sections} sealed sections, {check.erased} of them erased; {check.bodies} opened bodies."
    opened, chosen = manifest["opened"], manifest["children"]
    if chosen is not None:
        yield f"Only {len(chosen)} chosen child{'ren' * (len(chosen) != 1)}'s are here; {check.not_included} are not."
    yield f"OPENED CONTENT is in this bundle, because: {opened['reason']}." if opened else "No content is opened here."
    yield f"Cosigned by: {', '.join(f'{k} ({n} entries)' for k, n in check.cosigned_by.items()) or 'no key you gave'}."
    yield from (f"Cosignatures NOT CHECKED, as `cryptography` has no ML-DSA here: {name}." for name in check.unchecked)
    yield f"Held against kept checkpoints of: {', '.join(map(str, check.older)) or 'none, so one re-signed passes'}."
    yield "NOT INTACT, from here on:" if check.findings else "INTACT: nothing was altered, dropped, added or reordered."
    for first, last, kind, detail in sorted((f["first"], f["last"], f["kind"], f["detail"]) for f in check.findings):
        yield f"  {first}{f' to {last}' if last != first else ''}: {kind}: {detail}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the bundle that the command line names; 0 if intact, 1 if not, 2 if it cannot be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--log-key", required=True, help="a verifier key of the log, kept from outside this bundle")
    parser.add_argument("--witness-key", action="append", default=[], help="a witness's verifier key; repeatable")
    parser.add_argument("--older", type=Path, action="append", default=[], help="a checkpoint you kept; repeatable")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    given = parser.parse_args(arguments)
    try:
        bundle, witnesses = Bundle(given.bundle), [Key(text) for text in given.witness_key]
        check = verify(bundle, Key(given.log_key), witnesses, [path.read_bytes() for path in given.older])
    except DAMAGED as error:
        why = f"{given.bundle}, or what was given beside it, cannot be read ({error}): have it sent anew"
        print(json.dumps({"intact": False, "error": why}) if given.json else f"NOT CHECKED: {why}")
        return 2
    said = {name: value for name, value in vars(check).items() if not name.startswith("_") and name != "gone"}
    said |= {"intact": not check.findings, "opened_content": bundle.manifest["opened"]}
    print(json.dumps(said) if given.json else "\n".join(explain(check, bundle.manifest)))
    return 1 if check.findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
