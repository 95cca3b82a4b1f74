"""The invented parties of the story: agencies, and the systems of the two authorities and of a safeguarding lead."""

import asyncio
import sys
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import aiohttp
import msgspec

from cli.operator import Operator
from client.exchange_client import ExchangeClient, ExchangeKeys
from deploy.local.exchange import LocalExchange
from deploy.local.readiness import url_answers
from deploy.local.supervisor import ChildSpec
from shared.clock import Clock
from shared.signatures.keys import SigningKey, load_signing_key


class PushedBefore(msgspec.Struct, frozen=True):
    """What was recorded of the same record before."""

    id: str
    type: str
    content: dict[str, object] | None


class PushedData(msgspec.Struct, frozen=True):
    """What a push is about: the entry and its position, what was recorded, if the recipient is shown it, and before."""

    position: int
    entry: dict[str, object]
    content: object = None
    history: list[PushedBefore] = []


class PushedEvent(msgspec.Struct, frozen=True):
    """A push as its receiver took it."""

    id: str
    type: str
    data: PushedData


class _Kept(msgspec.Struct, frozen=True):
    event: PushedEvent


@dataclass(frozen=True, slots=True)
class Party:
    """An agency in the story. ``takes_pushes_as`` is the recipient that its system answers for, if it has one."""

    id: str
    name: str
    duty_class: str
    home_authority: str
    acts_for: str | None = None
    takes_pushes_as: str | None = None


SCHOOL = Party("st-hilda-primary", "St Hilda's Primary, Darlington", "designated_education_childcare", "E06000005")
PRACTICE = Party(
    "linthorpe-surgery",
    "Linthorpe Surgery, Middlesbrough",
    "s11_body",
    "E06000002",
    takes_pushes_as="agency:linthorpe-surgery",
)
NURSERY = Party("elvet-nursery", "Elvet Nursery, Durham", "designated_education_childcare", "E06000047")
DARLINGTON = Party(
    "csc-darlington",
    "Darlington children's social care",
    "s11_body",
    "E06000005",
    acts_for="authority:E06000005",
    takes_pushes_as="authority:E06000005",
)
DURHAM = Party(
    "csc-durham",
    "County Durham children's social care",
    "s11_body",
    "E06000047",
    acts_for="authority:E06000047",
    takes_pushes_as="authority:E06000047",
)
POLICE = Party(
    "durham-police",
    "Durham Constabulary",
    "s11_body",
    "E06000047",
    acts_for="police:E23000008",
    takes_pushes_as="police:E23000008",
)

EVERYBODY = (SCHOOL, PRACTICE, NURSERY, DARLINGTON, DURHAM, POLICE)


class Parties:
    """The parties at one exchange: each with its own key, and a receiver where it takes pushes."""

    def __init__(self, exchange: LocalExchange, *, first_port: int, clock: Clock) -> None:
        self._exchange = exchange
        self._first_port = first_port
        self._clock = clock

    def key_file(self, party: Party) -> Path:
        """Return the file of a party's private key."""
        return self._exchange.secrets.signing_key_file(f"party-{party.id}")

    def key(self, party: Party) -> SigningKey:
        """Return a party's key."""
        return load_signing_key(self.key_file(party).read_bytes())

    def client(self, party: Party, keys: ExchangeKeys | None = None) -> ExchangeClient:
        """Return a client that signs as a party."""
        return ExchangeClient(self._exchange.gateway_url, key=self.key(party), keys=keys, clock=self._clock)

    def receiver_url(self, party: Party) -> str:
        """Return where a party's receiver listens."""
        takers = [each.id for each in EVERYBODY if each.takes_pushes_as is not None]
        return f"http://127.0.0.1:{self._first_port + takers.index(party.id)}"

    async def pushed_to(self, party: Party) -> list[PushedEvent]:
        """Return what a party's receiver has taken, in order of arrival."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.receiver_url(party)}/events") as response:
            return [kept.event for kept in msgspec.json.decode(await response.read(), type=list[_Kept])]

    async def start_receivers(self) -> None:
        """Start the receivers of all who take pushes."""
        await asyncio.gather(
            *(
                self._start_receiver(party, party.takes_pushes_as)
                for party in EVERYBODY
                if party.takes_pushes_as is not None
            )
        )

    async def _start_receiver(self, party: Party, recipient: str) -> None:
        url = self.receiver_url(party)
        arguments = {
            "--port": url.rpartition(":")[2],
            "--recipient": recipient,
            "--key-file": str(self.key_file(party)),
            "--push-key-file": str(self._exchange.secrets.signing_key_file("notifier-push")),
        }
        await self._exchange.start_child(
            ChildSpec(
                name=f"receiver-{party.id}",
                argv=[sys.executable, "-m", "deploy.demo_receiver", *chain.from_iterable(arguments.items())],
                ready=url_answers(f"{url}/events"),
            )
        )

    async def register(self, operator: Operator) -> None:
        """Register whoever is not registered yet, and every receiver that has moved."""
        registry = await operator.registry()
        for party in EVERYBODY:
            if party.id not in registry.agencies:
                await operator.register_agency(
                    party.id,
                    name=party.name,
                    duty_class=party.duty_class,
                    home_authority=party.home_authority,
                    acts_for=party.acts_for,
                    agreement="tees-and-durham-information-sharing-protocol",
                    policy_document="appropriate-policy-document-2026",
                )
            key = self.key(party).public
            if key.thumbprint not in registry.keys:
                await operator.add_key(party.id, key)
            if party.takes_pushes_as is not None:
                url = f"{self.receiver_url(party)}/push"
                name = party.takes_pushes_as.replace(":", "-")
                known = registry.endpoints.get(name)
                if known is None or known.url != url:
                    await operator.register_endpoint(party.takes_pushes_as, url=url, key=key, name=name)
