"""A gateway in the wrong hands records another body than the agency signed: whoever holds the two together finds it."""

import asyncio
import os
import secrets
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
import pytest_asyncio

from shared.identifiers import AgencyId, ChildRef, EntryId
from shared.ledger.messages import Answer, AppendRequest, Idempotency, NamedChild, Section
from shared.signatures.keys import SigningKey, generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.answers import child_ref
from tests.machinery.bundles import Exported
from tests.machinery.command_line import Command, command_on
from tests.machinery.evidence import evidence_of
from tests.machinery.exchange import SCHOOL, TestExchange, running_exchange
from tests.machinery.people import share
from tests.machinery.static_log import SIGNER

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAID = b'{"seen":"a burn"}'
WRITTEN = b'{"seen":"nothing"}'


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own() -> AsyncIterator[TestExchange]:
    """An exchange of its own: what is recorded in it cannot be mended."""
    async with running_exchange() as exchange:
        yield exchange


@pytest.fixture
def command(own: TestExchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command line on that exchange."""
    return command_on(own, monkeypatch, capsys)


def recorded(key: SigningKey, body: bytes, *, about: ChildRef) -> AppendRequest:
    """Return what a gateway would have recorded: a signature over SAID, and a body beside it."""
    name = secrets.token_hex(8)
    return AppendRequest(
        entry_id=EntryId(os.urandom(16).hex()),
        type=EntryType.SHARE_RECORDED,
        idempotency=Idempotency(f"agency:{SCHOOL.id}", name, name.encode()),
        answer=Answer(201, {}),
        agency=AgencyId(SCHOOL.id),
        key=key.public.thumbprint,
        nonce=secrets.token_hex(16),
        child=NamedChild(about, None),
        sections=(Section("body", body), Section("signature", orjson.dumps(evidence_of(key, body=SAID)))),
    )


async def test_a_body_that_is_not_what_its_agency_signed_is_named_by_the_ledger_and_by_a_bundle(
    own: TestExchange, command: Command, tmp_path: Path
) -> None:
    key = generate_signing_key()
    async with own.operator() as operator:
        await operator.add_key(SCHOOL.id, key.public)
    async with own.client(SCHOOL) as client:
        about = child_ref(await client.share(share()))
    async with own.ledger("gateway") as gateway:
        honest = await gateway.append(recorded(key, SAID, about=about))
        forged = await gateway.append(recorded(key, WRITTEN, about=about))
    await own.all_signed_for()

    code, said = await command("audit", "verify", "--json")
    assert code == 0, "its own hashes all fit: without the signature there is nothing to see"
    code, said = await command("audit", "verify", "--signatures", "--bodies", "--json")
    report = orjson.loads(said)["signatures"]
    assert (code, report["bad"], report["not_as_signed"]) == (1, [], [forged.position])
    assert report["bodies"] >= 2
    opening = (await own.entries())[report["recorded_at_position"]]
    assert (opening.facts["section"], opening.facts["compared"]) == ("signature", "body")
    code, said = await command("audit", "verify", "--signatures", "--bodies")
    assert code == 1
    assert f"{forged.position}: BODY NOT AS SIGNED" in said

    file = tmp_path / "opened.zip"
    why = ("--reason", "inspection", "--note", "Inspection 12, line 4.", "--by", "p.ellis")
    code, said = await command("audit", "export", file, "--open", "--child", about, *why)
    assert code == 0, said
    with zipfile.ZipFile(file) as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist()}
    exported = Exported(members, own.local.log_verifier_key(), SIGNER, tmp_path, about)
    code, checked = await asyncio.to_thread(exported.check, members)
    found = [(each.kind, each.first, each.last) for each in checked.findings]
    assert (code, found) == (1, [("body_not_as_signed", forged.position, forged.position)])
    assert checked.bodies >= 3
    assert honest.position < forged.position
