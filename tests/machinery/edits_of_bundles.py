"""Changes to an exported bundle, each with the kind that must be found and the position that it must name."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.transparency.checkpoint import read_unverified_checkpoint, sign_checkpoint
from shared.transparency.merkle import leaf_hash
from shared.transparency.signed_note import NoteSigner
from shared.transparency.tiles import bundle_bytes, parse_bundle
from tests.machinery.bundles import Exported, Members, at_position, position_of

Tampering = Callable[[Exported, Members], tuple[str, int]]
"""Changes the members; returns the kind that must be found and the position it must name."""


def edit_a_leaf(exported: Exported, members: Members) -> tuple[str, int]:
    name, entries = exported.entries()
    index = at_position(entries, b"significant_harm")
    entries[index] = entries[index].replace(b"significant_harm", b"early_help_only_")
    members[name] = bundle_bytes(entries)
    return "edited_entry", position_of(entries[index])


def edit_a_leaf_and_its_hash(exported: Exported, members: Members) -> tuple[str, int]:
    kind, position = edit_a_leaf(exported, members)
    name, _ = exported.entries()
    hashes = b"".join(leaf_hash(leaf) for leaf in parse_bundle(members[name]))
    members[name.replace("tile/entries/", "tile/0/")] = hashes
    assert kind
    return "head_mismatch", position


def drop_a_leaf(exported: Exported, members: Members) -> tuple[str, int]:
    name, entries = exported.entries()
    index = at_position(entries, b"share.recorded")
    dropped = position_of(entries.pop(index))
    members[name] = bundle_bytes(entries)
    return "misplaced_entry", dropped


def swap_two_leaves(exported: Exported, members: Members) -> tuple[str, int]:
    name, entries = exported.entries()
    index = at_position(entries, b"share.recorded") - 1
    entries[index], entries[index + 1] = entries[index + 1], entries[index]
    members[name] = bundle_bytes(entries)
    return "misplaced_entry", position_of(entries[index + 1])


def write_a_leaf_in_another_form(exported: Exported, members: Members) -> tuple[str, int]:
    name, entries = exported.entries()
    position = position_of(entries[-1])
    entries[-1] = entries[-1].replace(b'"type":', b'"type": ')
    members[name] = bundle_bytes(entries)
    return "unreadable_entry", position


def sign_everything_with_another_key(exported: Exported, members: Members) -> tuple[str, int]:
    signer = NoteSigner(exported.signer.name, Ed25519PrivateKey.generate())
    checkpoint = read_unverified_checkpoint(members["checkpoint"])
    members["checkpoint"] = sign_checkpoint(checkpoint, [signer])
    return "bad_signature", 0


def sign_one_head_with_another_key(exported: Exported, members: Members) -> tuple[str, int]:
    signer = NoteSigner(exported.signer.name, Ed25519PrivateKey.generate())
    first = int.from_bytes(members["heads"][:4])
    head = read_unverified_checkpoint(members["heads"][4 : 4 + first])
    note = sign_checkpoint(head, [signer])
    members["heads"] = len(note).to_bytes(4) + note + members["heads"][4 + first :]
    return "bad_signature", 0


def leave_out_a_section(exported: Exported, members: Members) -> tuple[str, int]:
    name = [each for each in members if each.startswith("sections/")][-1]
    first = int.from_bytes(members[name][:4])
    position = int.from_bytes(members[name][4:12])
    members[name] = members[name][4 + first :]
    return "section_missing", position


def edit_a_section(_exported: Exported, members: Members) -> tuple[str, int]:
    name = [each for each in members if each.startswith("sections/")][-1]
    position = int.from_bytes(members[name][4:12])
    last = 3 + int.from_bytes(members[name][:4])
    members[name] = members[name][:last] + bytes([members[name][last] ^ 1]) + members[name][last + 1 :]
    return "section_edited", position


def open_content_without_saying_so(exported: Exported, members: Members) -> tuple[str, int]:
    _, entries = exported.entries()
    position = position_of(entries[at_position(entries, b"share.recorded")])
    members[f"opened/{position}/body"] = bytes(32) + b'{"child":null}'
    return "opened_unsaid", position


def end_the_log_early(exported: Exported, members: Members) -> tuple[str, int]:
    name, entries = exported.entries()
    gone = position_of(entries.pop())
    members[name] = bundle_bytes(entries)
    return "truncated", gone


EDITS: tuple[Tampering, ...] = (
    edit_a_leaf,
    edit_a_leaf_and_its_hash,
    drop_a_leaf,
    swap_two_leaves,
    write_a_leaf_in_another_form,
    sign_everything_with_another_key,
    sign_one_head_with_another_key,
    leave_out_a_section,
    edit_a_section,
    open_content_without_saying_so,
    end_the_log_early,
)
