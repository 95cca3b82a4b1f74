"""What is examined is documented, and nothing that breaks a MUST passes for meeting it."""

import re
import sys
from pathlib import Path

import pytest

from conformance.answering_server import AGENCY, serving, sign_answer
from conformance.client_musts import CLIENT_MUSTS, ClientCommand, examine_client
from conformance.gateway_musts import GATEWAY_MUSTS, examine_gateway
from conformance.musts import report

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOCUMENT = Path(__file__).parents[3] / "docs" / "conformance.md"

BELIEVES_ANYTHING = """
import sys, urllib.request
with open(sys.argv[2], "rb") as record:
    urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/v1/shares", data=record.read(), method="POST"))
"""


async def test_every_must_is_documented_word_for_word_and_nothing_else_is() -> None:
    written = re.findall(r"^\| ([GC]-\d\d) \| (.*) \| (.*) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    known = [(must.number, must.text, must.source) for must in (*GATEWAY_MUSTS, *CLIENT_MUSTS)]
    assert written == known
    assert len({number for number, _, _ in known}) == len(known)


async def test_a_client_that_signs_nothing_and_believes_anything_meets_next_to_nothing() -> None:
    words = (sys.executable, "-c", BELIEVES_ANYTHING, "{url}", "{record}")
    verdicts = await examine_client(ClientCommand(words))
    assert {each.must.number for each in verdicts if each.met} <= {"C-06"}
    assert "NOT MET" in "\n".join(report(verdicts))


async def test_a_deployment_that_takes_anything_meets_next_to_nothing() -> None:
    with serving(sign_answer) as served:
        verdicts = await examine_gateway(served.url, key=AGENCY)
    assert {each.must.number for each in verdicts if each.met} <= {"G-01", "G-02", "G-03", "G-18"}
    assert "of 20 are met" in list(report(verdicts))[-1]
