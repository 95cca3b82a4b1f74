"""Where each recipient takes pushes, as the registry has it now."""

import msgspec
import pytest

from services.notifier.channels import Channels, host_of
from shared.identifiers import Recipient
from shared.ledger.registry import EndpointFacts
from shared.ledger.registry_copy import RegistryCopy
from shared.signatures.keys import generate_signing_key
from shared.vocabulary import EntryType
from tests.machinery.fakes import FakeLedger

KEY = generate_signing_key().public
SCHOOL, OTHER = Recipient("agency:a-school"), Recipient("agency:another")


def register(ledger: FakeLedger, endpoint: str, recipient: Recipient, url: str) -> None:
    facts = EndpointFacts(endpoint, recipient, url, KEY.thumbprint, KEY.jwk())
    ledger.add(EntryType.ENDPOINT_REGISTERED, facts=msgspec.to_builtins(facts))


def known(channels: Channels) -> dict[Recipient, list[tuple[str, str]]]:
    return {who: [(each.endpoint.endpoint, each.host) for each in channels.of(who)] for who in channels.recipients()}


async def test_channels_follow_the_registry() -> None:
    ledger = FakeLedger()
    registry = RegistryCopy(ledger)
    channels = Channels(registry)
    assert (known(channels), channels.of(SCHOOL)) == ({}, ())
    register(ledger, "one", SCHOOL, "https://vendor.example/one")
    register(ledger, "two", SCHOOL, "https://two.example/")
    register(ledger, "three", OTHER, "https://vendor.example/three")
    await registry.refresh()
    assert known(channels) == {
        SCHOOL: [("one", "vendor.example"), ("two", "two.example")],
        OTHER: [("three", "vendor.example")],
    }
    assert channels.recipients_at("vendor.example") == {SCHOOL, OTHER}
    ledger.add(EntryType.ENDPOINT_WITHDRAWN, facts={"endpoint": "three"})
    await registry.refresh()
    assert (channels.recipients(), channels.recipients_at("vendor.example")) == ({SCHOOL}, {SCHOOL})


async def test_channels_are_not_worked_out_again_while_the_registry_says_the_same() -> None:
    ledger = FakeLedger()
    registry = RegistryCopy(ledger)
    register(ledger, "one", SCHOOL, "https://vendor.example/one")
    await registry.refresh()
    channels = Channels(registry)
    before = channels.of(SCHOOL)
    await registry.refresh()
    assert channels.of(SCHOOL) is before


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.example/push", "a.example"),
        ("https://a.example:8443/", "a.example:8443"),
        ("https://[bad", "https://[bad"),
        ("nothing", "nothing"),
    ],
)
def test_recipients_at_one_host_are_at_one_whatever_their_paths(url: str, host: str) -> None:
    assert host_of(url) == host
