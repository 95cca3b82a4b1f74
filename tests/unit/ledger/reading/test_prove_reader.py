"""The ledger believes a reader's own fresh signature for this very question, and nobody else's word."""

import pytest
from msgspec.structs import replace

from services.ledger.domain.sequencing import NonceReplayed
from services.ledger.reading.record_look import Look
from shared.errors import ExchangeError
from shared.identifiers import AgencyId, Recipient
from shared.ledger.reading_messages import SignedRead
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.cases import CHILD, SCHOOL
from tests.machinery.readers import Appends, Registered, signed_read

TARGET = f"/v1/children/{CHILD}/chronology?limit=5"


async def test_a_fresh_signature_for_this_very_question_proves_its_reader() -> None:
    for signed in (signed_read(TARGET), signed_read("/v1/children/searches", body=b'{"child": {}}')):
        reader = await Registered().prover().prove(signed)
        assert (reader.agency, reader.names) == (SCHOOL, frozenset({Recipient("agency:a-school")}))


@pytest.mark.parametrize(
    "signed",
    [
        replace(signed_read(TARGET), target=f"/v1/children/{'d' * 32}/chronology?limit=5"),
        replace(signed_read(TARGET), target=TARGET.replace("5", "500")),
        replace(signed_read(TARGET), target=TARGET.partition("?")[0]),
        replace(signed_read(TARGET), method="DELETE"),
        replace(signed_read(TARGET), nonce="m" * 20),
        replace(signed_read(TARGET), agency=AgencyId("a-clinic")),
        replace(signed_read(TARGET), body=b"{}"),
        replace(signed_read("/v1/children/searches", body=b'{"child": {}}'), body=b'{"child": null}'),
        replace(signed_read(TARGET), evidence=b"{}"),
        replace(signed_read(TARGET), key=generate_signing_key().public.thumbprint),
        signed_read(TARGET, key=generate_signing_key()),
    ],
    ids=["child", "limit", "query", "method", "nonce", "agency", "body", "other-body", "nothing", "key", "stranger"],
)
async def test_a_signature_for_anything_else_proves_nothing(signed: SignedRead) -> None:
    with pytest.raises(ExchangeError) as refused:
        await Registered().prover().prove(signed)
    assert refused.value.code != "unavailable"


async def test_an_old_signature_proves_nothing() -> None:
    registered = Registered()
    registered.clock.pass_s(350)
    await registered.prover().prove(signed_read(TARGET))
    registered.clock.pass_s(60)
    with pytest.raises(ExchangeError) as refused:
        await registered.prover().prove(signed_read(TARGET))
    assert refused.value.code == "signature-invalid"


async def test_one_signed_request_is_one_look() -> None:
    appends = Appends()
    look = Look(EntryType.CHRONOLOGY_READ, CHILD, (), {"purpose": "chronology"}, signed_read(TARGET))
    await appends.recorder().record(look)
    with pytest.raises(NonceReplayed):
        await appends.recorder().record(look)
