"""What a checkpoint may say, and whose word makes it one."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.errors import InvalidInput
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import (
    LARGEST_SIZE,
    Checkpoint,
    open_checkpoint,
    parse_checkpoint,
    read_unverified_checkpoint,
    sign_checkpoint,
)
from shared.transparency.cosignature import cosign
from shared.transparency.merkle import verify_consistency
from shared.transparency.signed_note import NoteSigner, NoteUnsigned, format_note
from shared.transparency.verifier_key import parse_verifier_key
from tests.machinery.vectors import vectors

VECTORS = vectors("tlog_vectors.json")
KEYS = VECTORS["keys"]
LOG_KEY, WITNESS = parse_verifier_key(KEYS["log_vkey"]), parse_verifier_key(KEYS["witness_vkey"])
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots_by_size"]]
ROOT = "zKFBYlvIc/ozoRO3X2QSi2imSzGOjXugytcvV2oyaiY="


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log.example\n2\n",
        f"log.example\n2\n{ROOT}",
        f"log.example\n2\n{ROOT}\n\n",
        f"log.example\n2\n{ROOT}\nextension\n",
        f"log.example\n02\n{ROOT}\n",
        f"log.example\n00\n{ROOT}\n",
        f"log.example\n-2\n{ROOT}\n",
        f"log.example\n+2\n{ROOT}\n",
        f"log.example\n2 \n{ROOT}\n",
        f"log.example\n\n{ROOT}\n",
        f"log.example\n\u0662\n{ROOT}\n",
        f"log.example\n{2**63}\n{ROOT}\n",
        f"log.example\n{'9' * 5000}\n{ROOT}\n",
        f"log.example\n2\n{ROOT[:-1]}\n",
        f"log.example\n2\n{ROOT} \n",
        f"log.example\n2\n{ROOT.replace('aiY=', 'aiZ=')}\n",
        f"log.example\n2\n{base64.b64encode(bytes(31)).decode()}\n",
        f"log.example\n2\n{'_' * 43}=\n",
        f"log.example\n2\n\u00e9{ROOT[1:]}\n",
        f"\n2\n{ROOT}\n",
        f"log example\n2\n{ROOT}\n",
        f"log\u2028example\n2\n{ROOT}\n",
        f"log+example\n2\n{ROOT}\n",
        f"log.example/\n2\n{ROOT}\n",
        f"https://log.example\n2\n{ROOT}\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_checkpoint(text.encode())


def test_the_largest_size_is_read() -> None:
    assert parse_checkpoint(f"log.example\n{LARGEST_SIZE}\n{ROOT}\n".encode()).size == LARGEST_SIZE


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("log.example/", TreeSize(1), bytes(32)),
        Checkpoint("log example", TreeSize(1), bytes(32)),
        Checkpoint("", TreeSize(1), bytes(32)),
        Checkpoint("log.example", TreeSize(-1), bytes(32)),
        Checkpoint("log.example", TreeSize(2**63), bytes(32)),
        Checkpoint("log.example", TreeSize(1), bytes(31)),
    ],
)
def test_nothing_is_signed_that_no_reader_would_accept(checkpoint: Checkpoint) -> None:
    signer = NoteSigner("log.example", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    with pytest.raises(InvalidInput):
        sign_checkpoint(checkpoint, [signer])


@pytest.mark.parametrize("case", VECTORS["checkpoints"], ids=lambda case: str(case["size"]))
def test_a_cosigned_checkpoint_opens_with_the_logs_key_and_not_with_the_witness_alone(case: dict[str, str]) -> None:
    note = case["cosigned_note"].encode()
    expected = parse_checkpoint(case["text"].encode())
    assert open_checkpoint(note, [LOG_KEY]) == open_checkpoint(note, [LOG_KEY, WITNESS]) == expected
    assert read_unverified_checkpoint(note) == expected
    with pytest.raises(NoteUnsigned):
        open_checkpoint(note, [WITNESS])


def test_a_log_cannot_speak_for_another_through_a_witness_that_they_share() -> None:
    stranger = NoteSigner("stranger.example", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
    body = Checkpoint("stranger.example", TreeSize(1), bytes(32)).body()
    witness_key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEYS["witness_seed"]))
    cosignature = cosign(body, name=KEYS["witness_name"], private_key=witness_key, time_s=1)
    with pytest.raises(NoteUnsigned):
        open_checkpoint(format_note(body, [stranger.sign(body), cosignature]), [LOG_KEY, WITNESS])


@pytest.mark.parametrize("case", VECTORS["add_checkpoint_requests"], ids=lambda case: case["from_to"])
def test_what_a_witness_is_sent_proves_that_the_log_only_grew(case: dict[str, str]) -> None:
    head, _, note = case["body"].partition("\n\n")
    old, *path = head.split("\n")
    old_size = int(old.removeprefix("old "))
    checkpoint = open_checkpoint(note.encode(), [LOG_KEY])
    assert checkpoint.root == ROOTS[checkpoint.size]
    assert case["from_to"] == f"{old_size}->{checkpoint.size}"
    if old_size == 0:
        assert path == []
        return
    verify_consistency(
        old_size=old_size,
        new_size=checkpoint.size,
        old_root=ROOTS[old_size],
        new_root=checkpoint.root,
        path=[base64.b64decode(line) for line in path],
    )
