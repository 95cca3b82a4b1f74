"""The witness protocol byte for byte, and what is no message of it."""

import pytest

from shared.errors import InvalidInput
from shared.identifiers import TreeSize
from shared.transparency.checkpoint import open_checkpoint
from shared.transparency.signed_note import format_signature
from shared.transparency.verifier_key import parse_verifier_key
from shared.transparency.witness_protocol import (
    LARGEST_REQUEST_BYTES,
    SIZE_MEDIA_TYPE,
    AnswerStatus,
    WitnessAnswer,
    format_answer,
    format_request,
    monitoring_path,
    parse_answer,
    parse_request,
)
from tests.machinery.vectors import vectors
from tests.unit.shared.transparency.test_signed_note import LOG, TEXT

VECTORS = vectors("tlog_vectors.json")
LOG_KEY = parse_verifier_key(VECTORS["keys"]["log_vkey"])
HASH = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@pytest.mark.parametrize("case", VECTORS["add_checkpoint_requests"], ids=lambda case: case["from_to"])
def test_requests_are_byte_for_byte_those_of_the_vectors(case: dict[str, str]) -> None:
    body = case["body"].encode()
    request = parse_request(body)
    old, new = case["from_to"].split("->")
    assert request.old_size == int(old)
    assert open_checkpoint(request.note, [LOG_KEY]).size == int(new)
    assert format_request(request) == body


@pytest.mark.parametrize(
    "head",
    [
        "",
        "old",
        "old ",
        "old 01",
        "old -1",
        "old +1",
        "old 9223372036854775808",
        "old 1 ",
        "Old 1",
        "new 1",
        "old ١",
        f"old 1\n{HASH} ",
        f"old 1\n{HASH[:-1]}",
        "old 1\nAAAA",
        "old 1\nnot base64",
        "old 1\n" + "\n".join([HASH] * 64),
        "old 1\r",
    ],
)
def test_what_is_no_request_is_refused(head: str) -> None:
    with pytest.raises(InvalidInput):
        parse_request(f"{head}\n\n".encode() + b"the checkpoint")


def test_a_request_without_an_empty_line_or_beyond_all_measure_is_refused() -> None:
    for body in (b"", b"old 1\n", b"\xff\n\n", b"old 1\n\n" + b"a" * LARGEST_REQUEST_BYTES):
        with pytest.raises(InvalidInput):
            parse_request(body)


def test_sixty_three_hashes_are_taken_and_no_more_are_sent() -> None:
    request = parse_request(("old 1\n" + "\n".join([HASH] * 63) + "\n\n").encode())
    assert len(request.proof) == 63
    with pytest.raises(InvalidInput):
        format_request(type(request)(TreeSize(1), (bytes(32),) * 64, b""))


@pytest.mark.parametrize(
    "answer",
    [
        WitnessAnswer(AnswerStatus.COSIGNED, signatures=(LOG.sign(TEXT), LOG.sign(b"b\n"))),
        WitnessAnswer(AnswerStatus.OTHER_SIZE, size=TreeSize(0)),
        WitnessAnswer(AnswerStatus.OTHER_SIZE, size=TreeSize(2**63 - 1)),
        WitnessAnswer(AnswerStatus.MALFORMED),
        WitnessAnswer(AnswerStatus.UNTRUSTED),
        WitnessAnswer(AnswerStatus.UNKNOWN_ORIGIN),
        WitnessAnswer(AnswerStatus.INCONSISTENT),
    ],
    ids=lambda answer: f"{answer.status.name}-{answer.size}",
)
def test_an_answer_reads_back_as_it_was(answer: WitnessAnswer) -> None:
    media_type, body = format_answer(answer)
    assert parse_answer(answer.status.value, media_type=media_type, body=body) == answer


def test_a_conflict_names_the_size_as_the_specification_says() -> None:
    assert format_answer(WitnessAnswer(AnswerStatus.OTHER_SIZE, size=TreeSize(12))) == (SIZE_MEDIA_TYPE, b"12\n")


def test_a_conflict_without_a_size_is_what_the_protocol_once_said_of_another_root() -> None:
    answer = parse_answer(409, media_type="text/plain", body=b"12\n")
    assert answer.status is AnswerStatus.INCONSISTENT


@pytest.mark.parametrize("body", [b"", b"12", b"012\n", b"-1\n", b"12\n\n", b" 12\n", b"9223372036854775808\n"])
def test_a_size_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_answer(409, media_type="text/x.tlog.size; charset=utf-8", body=body)


@pytest.mark.parametrize("status", [100, 204, 301, 307, 401, 429, 500, 503])
def test_a_status_that_no_witness_answers_is_refused(status: int) -> None:
    with pytest.raises(InvalidInput):
        parse_answer(status, media_type="text/plain", body=format_signature(LOG.sign(TEXT)))


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"<html>", b"\xff", format_signature(LOG.sign(TEXT)) + b"\n", b"a" * 70_000]
)
def test_signatures_that_are_none_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_answer(200, media_type="text/plain", body=body)


def test_the_monitoring_path_is_the_hash_of_the_origin() -> None:
    # printf example.com/behind-the-sofa | sha256sum
    expected = "5fd2dc0beb4ce54da5050cf6d5c75248b023abad441c3cecde3976fbe9da4fe4/checkpoint"
    assert monitoring_path("example.com/behind-the-sofa") == expected
