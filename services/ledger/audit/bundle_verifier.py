"""Check an exported ledger, offline: python verify.py BUNDLE --log-key KEY [--older CHECKPOINT] [--witness-key KEY].

Needs Python 3.11 and `cryptography`. Have KEY and this program from elsewhere: whoever forges a bundle forges them.
"""

import argparse
import base64
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from functools import reduce
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT, ENTRY_FORMAT = "safeguarding-exchange/bundle/v1", "safeguarding-exchange/entry/v1"
MEMBERS = "agency causes commitments facts format id key obligations position registry rules subjects time type"
WIDTH, SALT, LARGEST_MEMBER_BYTES, MOST_FINDINGS = 256, 32, 1 << 28, 100
HEAD, OLDER = "head_mismatch", "older_checkpoint_contradicted"
DAMAGED = (LookupError, TypeError, ValueError, AttributeError, RuntimeError, OSError, EOFError, BadZipFile, zlib.error)


class Key:
    """A verifier key, name+id+base64: of a log (type 1) or of a witness (types 4 and 6). C2SP signed-note v1.0.0."""

    def __init__(self, text: str, kinds: Sequence[bytes] = (b"\1",)) -> None:
        self.name, claimed, encoded = (*text.strip().split("+", 2), "", "")[:3]
        raw = base64.b64decode(encoded)
        self.kind, self.public, self.id = raw[:1], raw[1:], sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        self.who = f"{self.name}+{claimed}"
        if self.id.hex() != claimed or self.kind not in kinds:
            raise ValueError("its id does not fit it, or it is of another kind")

    def verify(self, body: bytes, made: bytes) -> None:
        """Raise InvalidSignature or ValueError unless this key signed; ImportError where there is no ML-DSA."""
        time, rest = (b"", made) if self.kind == b"\1" else (made[:8], made[8:])
        if self.kind != b"\6":
            body = b"cosignature/v1\ntime %d\n" % int.from_bytes(time) + body if time else body
            return Ed25519PublicKey.from_public_bytes(self.public).verify(rest, body)
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

        (origin, size, root), name = body.split(b"\n")[:3], self.name.encode()
        message = b"subtree/v1\n\0" + bytes([len(name)]) + name + time + bytes([len(origin)]) + origin
        message += bytes(8) + int(size).to_bytes(8) + base64.b64decode(root)
        return MLDSA44PublicKey.from_public_bytes(self.public).verify(rest, message)


def read_note(note: bytes) -> tuple[str, int, bytes, list[tuple[str, bytes]]]:
    """Return a checkpoint's origin, size, root, and each signature's name and bytes, unverified. C2SP signed-note."""
    text, _, lines = note.rpartition(b"\n\n")
    (origin, size, root), marks = text.decode().split("\n"), (line.split(" ") for line in lines.decode().splitlines())
    signed = [(name, base64.b64decode(made, validate=True)) for _, name, made in marks]
    return origin, int(size), base64.b64decode(root, validate=True), signed


class Bundle:
    """The file's members: ``had`` were read, ``at`` is now. None is read that is larger than any may be."""

    def __init__(self, file: Path) -> None:
        self.zip, self.at, self.had = ZipFile(file), "", dict.fromkeys(("README.txt", "verify.py"), True)
        said = json.loads(self.read("manifest.json"))
        self.size, self.children = int(said["size"]), None if said["children"] is None else {*said["children"]}
        self.opened = said["opened"] and {"reason": "none was given"} | said["opened"]
        if said["format"] != FORMAT:
            raise ValueError("not a manifest of a known format")

    def read(self, name: str) -> bytes:
        self.at, self.had[name] = f"{name} of ", True
        if name not in self.zip.NameToInfo or self.zip.getinfo(name).file_size > LARGEST_MEMBER_BYTES:
            raise OSError(0, f"{name} is missing, or larger than it may be")
        return self.zip.read(name)

    def records(self, name: str, width: int) -> Iterator[bytes]:
        """Yield each record of a member; it stands after its length, big endian, in so many bytes."""
        data, at = self.read(name), 0
        while at < len(data):
            self.at, end = f"what begins at byte {at} of {name} of ", at + width + int.from_bytes(data[at : at + width])
            if end > len(data):
                raise OSError(0, "it is cut short")
            yield data[at + width : end]
            at = end


def tile_name(index: int) -> str:
    """Return a tile's number as C2SP tlog-tiles writes it: 1234067 is x001/x234/067."""
    return re.sub("(...)(?=.)", r"x\1/", f"{index:0{-(-len(str(index)) // 3) * 3}d}")


class Check:
    """What is found: in entries (RFC 8785: no floats, a name once), heads, sealed content, and the tree (RFC 6962)."""

    def __init__(self, bundle: Bundle, log: Key, witnesses: Sequence[Key]) -> None:
        self.size, self.heads, self.children, self.sections, self.erased, self.not_included, self.opened = [0] * 7
        self.root, self.unchecked, self.cosigned_by = "", list[str](), dict.fromkeys((key.who for key in witnesses), 0)
        self.bodies, self.older, self.unproven, self.findings = 0, list[int](), list[Any](), list[Any]()
        self._bundle, self._shift, self._time, self._log, self._edge = bundle, 0, "", log.name, list[bytes]()
        self._versions, self._gone = dict[str, int](), dict[tuple[int, str], tuple[str, str]]()
        self._keys, self._trusted, self.vouched = {(key.name, key.id): key for key in (log, *witnesses)}, {log.id}, True
        self._added, self._given_up = dict[tuple[str, bytes], Key](), dict[bytes, tuple[int, str]]()

    def find(self, kind: str, detail: str, at: int, to: int | None = None) -> int:
        # One changed place spoils every later root.
        if len(self.findings) < MOST_FINDINGS and (kind != HEAD or kind not in {f["kind"] for f in self.findings}):
            self.findings.append({"kind": kind, "first": at, "last": at if to is None else to, "detail": detail})
        return 0

    def grow(self, node: bytes) -> None:
        index, self.size = self.size, self.size + 1
        while index & 1:
            node, index = sha256(b"\x01" + self._edge.pop() + node).digest(), index >> 1
        self._edge.append(node)
        self._roots |= {self.size: self.root_now()} if self.size in self._roots else {}

    def root_now(self) -> bytes:
        return reduce(lambda it, by: sha256(b"\x01" + by + it).digest(), reversed(self._edge or [sha256().digest()]))

    def head(self, note: bytes, at: int, kind: str) -> int:
        """Check who signed a checkpoint and, where the tree was once that large, the tree. Its size; 0 if it fails."""
        (origin, size, root, signatures), text = read_note(note), note.rpartition(b"\n\n")[0] + b"\n"
        wrong, why, signed, cosigned = "bad_signature", "is signed by no key of the log", set[bytes](), set[str]()
        for name, held in signatures:
            key, (until, since) = self._keys.get((name, held[:4])), self._given_up.get(held[:4], (size, ""))
            try:
                if name == self._log and (key is None or size > until):
                    said = "never introduced" if key is None else f"gave up at entry {until}{since}"
                    why = f"is signed by {name}+{held[:4].hex()}, a key that the log {said}"
                elif key is not None:
                    key.verify(text, held[4:])
                    signed |= {key.id} if (key.name, key.kind) == (self._log, b"\1") else set()
                    cosigned |= {key.who} if key.kind != b"\1" else set()
            except (ImportError, UnsupportedAlgorithm):
                self.unchecked = sorted({*self.unchecked, name})
            except (InvalidSignature, ValueError):
                wrong, why, origin = f"bad_{'co' * (name != self._log)}signature", f"has a false one by {name}", ""
                break
        if origin != self._log or not signed:
            self.unproven += [] if kind == HEAD else [{"size": size, "detail": f"it {why}"}]
            return self.find(wrong, f"the checkpoint of {size} entries {why}", at) if kind == HEAD else 0
        self.vouched = not signed.isdisjoint(self._trusted)
        if size <= self.size:
            if root != self._roots.get(size, root):
                return self.find(kind, f"entries {at} on are not those that were signed", at, size - 1)
            self._keys |= self._added
            self._trusted |= {key.id for key in self._keys.values() if key.kind == b"\1" and self.vouched}
            self.cosigned_by |= {who: max(size, self.cosigned_by[who]) for who in cosigned}
        return size

    def check(self, at: int, leaf: bytes, sections: dict[str, bytes]) -> None:
        try:
            entry = json.loads(leaf, parse_float=lambda _: None, parse_constant=lambda _: None)
            written = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            if written != leaf or " ".join(sorted(entry)) != MEMBERS or entry["format"] != ENTRY_FORMAT:
                raise ValueError("not canonical")
            self._check_sections(at, entry, sections)
            if entry["position"] - at not in (0, self._shift):
                self.find("misplaced_entry", f"entry {at} says that it is entry {entry['position']}", at)
            if entry["time"] < self._time:
                self.find("time_runs_backwards", f"entry {at} is dated before the one before", at)
            self._shift, self._time = entry["position"] - at, max(self._time, entry["time"])
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
                elif key.name == self._log:  # What is added counts once it is signed.
                    (self._added if at else self._keys)[key.name, key.id] = key
        except DAMAGED:
            self.find("unreadable_entry", f"entry {at} is no entry of a known format in canonical form", at)

    def _check_sections(self, at: int, entry: dict[str, Any], sections: dict[str, bytes]) -> None:
        refs, chosen = [subject["ref"] for subject in entry["subjects"]], self._bundle.children
        here = entry["commitments"] if chosen is None or not set(refs).isdisjoint(chosen) else {}
        self.sections += len(here)
        self.not_included += len(entry["commitments"]) - len(here)
        for name, commitment in here.items():
            if (content := sections.pop(name, None)) is None:
                self._gone[at, name] = f"child:{(*refs, entry['facts'].get('sealed_under'))[0]}", f"entry:{entry['id']}"
            elif sha256(content).hexdigest() != commitment["ciphertext_sha256"]:
                self.find("section_edited", f"entry {at} has a sealed {name} it did not commit to", at)
        plain = dict[str, bytes]()
        for name, salted in self._opened.get(at, {}).items():
            self.opened += 1
            bound = b"safeguarding-exchange/commitment/v1\n%s\n%s\n" % (entry["id"].encode(), name.encode()) + salted
            if sha256(bound).hexdigest() == entry["commitments"].get(name, {}).get("sha256"):
                plain[name] = salted[SALT:]
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
            target = entry["facts"]["target"]
            erased = f"{target['scope']}:{target[target['scope']]}"
            gone = [place for place, names in self._gone.items() if erased in names]
            self.erased += sum(self._gone.pop(place) is not None for place in gone)

    def run(self, older: Sequence[bytes]) -> None:
        """Check everything. Raises one of DAMAGED when the bundle cannot be read to its end."""
        bundle, size, last, sizes = self._bundle, self._bundle.size, 0, {read_note(note)[1] for note in older}
        self._opened, heads = dict[int, dict[str, bytes]](), dict[int, list[bytes]]()
        for name in bundle.zip.namelist():
            if (place := re.fullmatch("opened/(0|[1-9][0-9]{,18})/([^/]+)", name)) and int(place[1]) < size:
                self._opened.setdefault(int(place[1]), {})[place[2]] = bundle.read(name)
        if self._opened and not bundle.opened:
            self.find("opened_unsaid", "content stands open here, and the manifest does not say so", min(self._opened))
        for note in (each for member in ("heads", "cosigned") for each in bundle.records(member, 4)):
            heads.setdefault(read_note(note)[1], []).append(note)
        self._roots = dict.fromkeys([size, *heads, *sizes], self.root_now())
        for index, width in ((n, min(WIDTH, size - n * WIDTH)) for n in range(-(-size // WIDTH))):
            name = tile_name(index) + ("" if width == WIDTH else f".p/{width}")
            hashes, beside = bundle.read(f"tile/0/{name}"), dict[int, dict[str, bytes]]()
            for each in bundle.records(f"sections/{tile_name(index)}", 4):
                at, ends, section = int.from_bytes(each[:8]), 9 + each[8], each[9 : 9 + each[8]].decode("latin1")
                beside.setdefault(at, {})[section] = b"" if section in beside.get(at, {}) else each[ends:]
            for leaf in bundle.records(f"tile/entries/{name}", 2):
                at, hashed = self.size, sha256(b"\x00" + leaf).digest()
                if hashed != hashes[at % WIDTH * 32 :][:32] or len(hashes) > 32 * width:
                    kind = "edited_entry" if len(hashes) == 32 * width else "torn_tile"
                    self.find(kind, f"the bytes of entry {at} are not those that were recorded", at)
                self.grow(hashed)
                self.check(at, leaf, beside.pop(at, {}))
                for note in heads.get(at + 1, []):
                    self.head(note, last, HEAD)
                last = at + 1 if at + 1 in heads else last
            for at in beside:
                self.find("section_foreign", f"something is sealed beside entry {at}, which is not there", at)
        told = [size, *(self.head(note, last, HEAD) for n in heads if n > self.size for note in heads[n])]
        if self.head(bundle.read("checkpoint"), 0, HEAD) not in (0, self.size):
            self.find(HEAD, "these are not the entries of the bundle's checkpoint", last, max(last, size - 1))
        if not self.vouched:
            self.find("bad_signature", "no key that you trust has vouched for the one that signed this", 0, size - 1)
        if self.size < (most := max(told + [self.head(note, 0, OLDER) for note in older])):
            self.find("truncated", f"{most} entries were vouched for, {self.size} are here", self.size, most - 1)
        for at, name in self._gone:
            self.find("section_missing", f"entry {at} lacks its sealed {name}, and no erasure says why", at)
        for name in (each for each in bundle.zip.namelist() if not bundle.had.pop(each, False)):
            self.find("member_foreign", f"{name[:99]!a} is no part of a bundle, or is in it twice", size)
        self.root, self.heads, self.children = self.root_now().hex(), len(heads), len(self._versions)
        self.older = sorted(sizes - {each["size"] for each in self.unproven})

    def explain(self) -> Iterator[str]:
        """Yield the report in words for a reader who has never seen a ledger."""
        yield f"Entries: {self.size}; signed checkpoints: {self.heads}; children: {self.children}; root: {self.root}."
        yield f"Checked: {self.sections} sealed sections, {self.erased} of them erased; {self.bodies} opened bodies."
        told, chosen, by = self._bundle.opened, self._bundle.children, self.cosigned_by.items()
        if chosen is not None:
            yield f"Only {len(chosen)} chosen child{'ren' * (len(chosen) != 1)}'s are in; {self.not_included} are not."
        yield f"OPENED CONTENT is in this bundle, because: {told['reason']}." if told else "No content is opened here."
        yield from (f"Cosigned by {who}: the first {n} entries." if n else f"NOT COSIGNED by {who}." for who, n in by)
        yield from (f"Cosignatures NOT CHECKED, as `cryptography` has no ML-DSA here: {n}." for n in self.unchecked)
        yield f"Held against kept checkpoints of: {', '.join(map(str, self.older)) or 'none, so one re-signed passes'}."
        yield from (f"COULD NOT BE HELD against that of {u['size']} entries: {u['detail']}." for u in self.unproven)
        yield "NOT INTACT, from here on:" if self.findings else "INTACT: nothing was altered, dropped, added or moved."
        for first, last, kind, detail in sorted((f["first"], f["last"], f["kind"], f["detail"]) for f in self.findings):
            yield f"  {first}{f' to {last}' if last != first else ''}: {kind}: {detail}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the bundle that the command line names; 0 if intact, 1 if not, 2 if not all could be checked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--log-key", required=True, help="a verifier key of the log, kept from outside this bundle")
    parser.add_argument("--witness-key", action="append", default=[], help="a witness's verifier key; repeatable")
    parser.add_argument("--older", type=Path, action="append", default=[], help="a checkpoint you kept; repeatable")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    given = parser.parse_args(arguments)
    bundle, what = None, given.log_key
    try:
        log, witnesses = Key(what), [Key(what := text, (b"\4", b"\6")) for text in given.witness_key]
        older = [note for path in given.older if read_note(note := (what := path).read_bytes())]
        bundle = Bundle(what := given.bundle)
        (check := Check(bundle, log, witnesses)).run(older)
    except DAMAGED as error:
        why = getattr(error, "strerror", None) or "it is of no form that this program knows"
        why = f"{bundle.at if bundle else ''}{what} cannot be read ({why}): check what you gave, or have it anew, whole"
        print(json.dumps({"intact": None, "error": why}) if given.json else f"NOT CHECKED: {why}.")
        return 2
    said = {name: value for name, value in vars(check).items() if name[0] != "_"} | {"intact": not check.findings}
    said |= {"opened_content": bundle.opened}
    print(json.dumps(said) if given.json else "\n".join(check.explain()))
    return 1 if check.findings else 2 if check.unproven or not all(check.cosigned_by.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
