"""Services that find each other over mutual TLS, as on several machines: a certificate says what its holder may ask."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.loopback_port import free_port
from shared.errors import NotFound, Unavailable
from shared.ledger.client import LedgerClient
from shared.process.address import TlsAddress, TlsFiles
from shared.process.remote import Remote, Unreachable
from shared.transparency.checkpoint import open_checkpoint
from shared.transparency.verifier_key import parse_verifier_key
from tests.machinery.answers import told
from tests.machinery.authorities import HOST, Authority, Certified
from tests.machinery.command_line import command_in
from tests.machinery.exchange import DARLINGTON, TestExchange, patiently, running_exchange
from tests.machinery.people import share

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLERS = ("gateway", "notifier", "auditor")


@dataclass(frozen=True)
class Machines:
    """An exchange whose ledger is reached over TLS, and the certificates of all who come."""

    exchange: TestExchange
    ports: Mapping[str, int]
    ledgers: Authority
    callers: Mapping[str, Certified]

    def ledger(self, door: str, *, comes: Certified, trusting: Path | None = None) -> LedgerClient:
        """Return a client that comes to a caller's door with somebody's certificate."""
        tls = TlsFiles(comes.certificate, comes.private_key, trusting or self.ledgers.file)
        return LedgerClient(Remote(TlsAddress(HOST, self.ports[door]), timeout_s=10, tls=tls))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def machines(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Machines]:
    """An exchange as on several machines. The operator's command line runs beside the ledger."""
    folder = tmp_path_factory.mktemp("certificates")
    first = free_port(in_a_row=len(CALLERS))
    ports = {caller: first + place for place, caller in enumerate(CALLERS)}
    ledgers = Authority(folder, "ledger")
    authorities = {caller: Authority(folder, caller) for caller in CALLERS}
    certified = {caller: authority.certify() for caller, authority in authorities.items()}
    own = ledgers.certify()
    settings = {
        "LEDGER_TLS_CERTIFICATE_FILE": str(own.certificate),
        "LEDGER_TLS_PRIVATE_KEY_FILE": str(own.private_key),
    }
    for caller, authority in authorities.items():
        settings[f"LEDGER_{caller.upper()}_DOOR"] = f"tls://{HOST}:{ports[caller]}"
        settings[f"LEDGER_{caller.upper()}_PEER_AUTHORITY_FILE"] = str(authority.file)
    for caller in ("gateway", "notifier"):
        settings[f"{caller.upper()}_LEDGER_ADDRESS"] = f"tls://{HOST}:{ports[caller]}"
        settings[f"{caller.upper()}_TLS_CERTIFICATE_FILE"] = str(certified[caller].certificate)
        settings[f"{caller.upper()}_TLS_PRIVATE_KEY_FILE"] = str(certified[caller].private_key)
        settings[f"{caller.upper()}_TLS_PEER_AUTHORITY_FILE"] = str(ledgers.file)
    async with running_exchange(**settings) as exchange:
        yield Machines(exchange, ports, ledgers, certified)


async def test_a_concern_goes_over_mutual_tls_to_the_ledger_and_from_it_to_social_care(machines: Machines) -> None:
    async with machines.exchange.client() as client:
        shared = await client.share(share())
    assert "authority:E06000005" in told(shared)

    async def pushed() -> bool | None:
        events = await machines.exchange.parties.pushed_to(DARLINGTON)
        return True if any(event.data.entry["id"] == shared.content["id"] for event in events) else None

    assert await patiently(pushed)
    report = await machines.exchange.audit()
    assert report.intact, report.findings


async def test_an_auditor_reads_entries_and_published_files_over_mutual_tls(machines: Machines) -> None:
    async with machines.exchange.client() as client:
        position = int(str((await client.share(share())).content["position"]))
    verifier = parse_verifier_key(machines.exchange.local.log_verifier_key())
    ledger = machines.ledger("auditor", comes=machines.callers["auditor"])
    try:
        assert (await ledger.tree_head()).size > position

        async def published() -> int | None:
            try:
                checkpoint = open_checkpoint(await ledger.tile("checkpoint"), [verifier])
            except NotFound:
                return None
            return checkpoint.size if checkpoint.size > position else None

        assert await patiently(published)
    finally:
        await ledger.close()


@pytest.mark.parametrize("door", CALLERS)
@pytest.mark.parametrize("comes", [*CALLERS, "stranger"])
async def test_a_door_opens_to_its_own_caller_alone(machines: Machines, tmp_path: Path, door: str, comes: str) -> None:
    certified = machines.callers[comes] if comes in machines.callers else Authority(tmp_path, "stranger").certify()
    ledger = machines.ledger(door, comes=certified)
    try:
        if comes == door:
            assert (await ledger.tree_head()).size > 0
        else:
            # In TLS 1.3 a client hears only after its handshake that its certificate is not taken.
            with pytest.raises(Unavailable):
                await ledger.tree_head()
    finally:
        await ledger.close()


async def test_who_comes_trusts_no_ledger_of_another_authority(machines: Machines, tmp_path: Path) -> None:
    other = Authority(tmp_path, "impostor")
    ledger = machines.ledger("auditor", comes=machines.callers["auditor"], trusting=other.file)
    try:
        with pytest.raises(Unreachable):
            await ledger.tree_head()
    finally:
        await ledger.close()


async def test_an_auditor_s_command_line_comes_over_mutual_tls(
    machines: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with machines.exchange.client() as client:
        shared = await client.share(share())
    comes = machines.callers["auditor"]
    monkeypatch.setenv("EXCHANGE_LEDGER_ADDRESS", f"tls://{HOST}:{machines.ports['auditor']}")
    monkeypatch.setenv("EXCHANGE_TLS_CERTIFICATE_FILE", str(comes.certificate))
    monkeypatch.setenv("EXCHANGE_TLS_PRIVATE_KEY_FILE", str(comes.private_key))
    monkeypatch.setenv("EXCHANGE_TLS_PEER_AUTHORITY_FILE", str(machines.ledgers.file))
    code, said = await command_in(tmp_path, monkeypatch, capsys)("audit", "replay", "--type", "share.recorded")
    assert code == 0, said
    assert str(shared.content["id"]) in said
