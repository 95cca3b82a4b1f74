"""What a client MUST do, examined by running it against a server in the exchange's place that answers well and badly.

The client is any command: it is run with the server's address, a private key, a record and an idempotency key put in,
and says by exit code 0 that its record was accepted. Whether it tries again within one run or only when it is run again
is its own affair.
"""

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.answering_server import (
    AGENCY,
    BAD_ANSWERS,
    EXCHANGE_ECDSA,
    Answer,
    Answering,
    Serving,
    Turns,
    hang_up,
    serving,
    sign_answer,
    sign_problem,
    unavailable,
)
from conformance.musts import Examination, Must, Verdict, examine, expect
from shared.signatures.message import RequestParts
from shared.signatures.request_signature import read_signature

RUN_TIMEOUT_S = 120.0
PLACES = ("url", "key", "record", "idempotency_key")
RECORD = '{"format": "safeguarding-exchange/share/v1", "rationale": "höchste Eile"}'.encode()

_RFC9421, _API = "RFC 9421", "docs/api.md"
_BELIEF = {
    "to another target": Must("C-10", "A client believes no answer that was signed for another target.", _RFC9421),
    "to another request": Must("C-11", "A client believes no answer that was signed for another request.", _RFC9421),
    "with another body": Must("C-12", "A client believes no answer whose body is not the one digested.", "RFC 9530"),
    "with another body and its digest": Must(
        "C-13", "A client believes no answer whose digest was not signed.", _RFC9421
    ),
    "with another status": Must("C-14", "A client believes no answer whose status was not signed.", _RFC9421),
    "unsigned": Must("C-15", "A client believes no answer that is not signed.", _API),
    "unsigned, saying no": Must("C-16", "A client believes no refusal that is not signed.", _API),
    "not bound to the request's signature": Must(
        "C-17", "A client believes no answer not bound to its request.", _RFC9421
    ),
    "from long ago": Must("C-18", "A client believes no answer that was signed long ago.", _RFC9421),
    "by a stranger": Must("C-19", "A client believes no answer by a key that is not the exchange's.", _API),
}
SIGNS = Must("C-01", "A client signs each request in the profile, with a digest of the very body.", _API)
BELIEVES = Must("C-02", "A client believes a good answer, and sends its record as it was given.", _API)
NONCES = Must("C-03", "A client uses a new nonce for each attempt.", _API)
REPEATS = Must("C-04", "After 503 a client sends the same body under the same key, and then believes the answer.", _API)
RECONNECTS = Must("C-05", "After a lost answer a client sends the same body under the same key.", _API)
STAYS = Must("C-06", "A client follows no redirect.", _API)
HEEDS = Must("C-08", "A client takes no refusal for acceptance, however well it is signed.", _API)
ECDSA = Must("C-07", "A client takes an exchange's ECDSA key (P-256) as well as its Ed25519 key.", _API)

CLIENT_MUSTS = (SIGNS, BELIEVES, NONCES, REPEATS, RECONNECTS, STAYS, ECDSA, HEEDS, *_BELIEF.values())


@dataclass(frozen=True, slots=True)
class ClientCommand:
    """A client to examine: its command, with ``{url}``, ``{key}``, ``{record}`` and ``{idempotency_key}`` to put in."""

    words: Sequence[str]

    async def run(self, values: Mapping[str, str]) -> int:
        """Run it once; return its exit code. One that takes longer than two minutes is ended and has failed."""
        words = [re.sub(r"\{([a-z_]+)\}", lambda found: values.get(found[1], found[0]), word) for word in self.words]
        process = await asyncio.create_subprocess_exec(
            *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(RUN_TIMEOUT_S):
                return await process.wait()
        except TimeoutError:
            process.kill()
            return await process.wait()


async def examine_client(command: ClientCommand, *, without: frozenset[str] = frozenset()) -> list[Verdict]:
    """Return what became of each MUST but those whose numbers are in ``without``."""
    examiner = _Examiner(command)
    examinations: dict[Must, Examination] = {
        SIGNS: examiner.signs,
        BELIEVES: examiner.believes,
        NONCES: examiner.uses_new_nonces,
        REPEATS: examiner.repeats_after_unavailable,
        RECONNECTS: examiner.repeats_after_silence,
        STAYS: examiner.follows_no_redirect,
        ECDSA: examiner.takes_ecdsa,
        HEEDS: examiner.heeds_refusals,
        **{must: examiner.disbelieving(BAD_ANSWERS[name]) for name, must in _BELIEF.items()},
    }
    return [await examine(must, each) for must, each in examinations.items() if must.number not in without]


class _Examiner:
    """Runs the client against one way of answering at a time."""

    def __init__(self, command: ClientCommand) -> None:
        self._command = command

    async def signs(self) -> None:
        _, served = await self._run(sign_answer)
        expect(not served.faults, "; ".join(served.faults))
        expect(served.requests, "no request came")

    async def believes(self) -> None:
        code, served = await self._run(sign_answer)
        expect(code == 0, f"exit code {code} for a good answer")
        expect(set(served.bodies) == {RECORD}, "another body came than the record's bytes")

    async def uses_new_nonces(self) -> None:
        _, served = await self._run(Turns(unavailable, sign_answer), most_runs=2)
        nonces = [read_signature(each).nonce for each in served.requests]
        expect(len(nonces) > 1, "there was no second attempt")
        expect(len(set(nonces)) == len(nonces), "a nonce came twice")

    async def repeats_after_unavailable(self) -> None:
        await self._repeats(Turns(unavailable, sign_answer))

    async def repeats_after_silence(self) -> None:
        await self._repeats(Turns(hang_up, sign_answer))

    async def follows_no_redirect(self) -> None:
        code, served = await self._run(_elsewhere)
        expect(code != 0, "exit code 0 for a redirect")
        expect(all(each.raw_target == b"/v1/shares" for each in served.requests), "a request came to the new target")

    async def takes_ecdsa(self) -> None:
        code, _ = await self._run(lambda request: sign_answer(request, key=EXCHANGE_ECDSA))
        expect(code == 0, f"exit code {code} for a good answer by an ECDSA key")

    async def heeds_refusals(self) -> None:
        code, served = await self._run(_refusal)
        expect(served.requests, "no request came")
        expect(code != 0, "exit code 0 for a refusal")

    def disbelieving(self, answering: Answering) -> Examination:
        async def disbelieves() -> None:
            code, served = await self._run(answering)
            expect(served.requests, "no request came")
            expect(code != 0, "exit code 0: it was believed")

        return disbelieves

    async def _repeats(self, answering: Answering) -> None:
        code, served = await self._run(answering, most_runs=2)
        expect(code == 0, f"exit code {code} once a good answer came")
        expect(len(served.requests) > 1, "there was no second attempt")
        expect(len(set(served.bodies)) == 1, "another body came")
        keys = {each.headers.get("idempotency-key") for each in served.requests}
        expect(len(keys) == 1, "another Idempotency-Key came")

    async def _run(self, answering: Answering, *, most_runs: int = 1) -> tuple[int, Serving]:
        with TemporaryDirectory() as folder, serving(answering) as served:
            key, record = Path(folder) / "key.pem", Path(folder) / "record.json"
            key.write_bytes(AGENCY.pem())
            key.chmod(0o600)
            record.write_bytes(RECORD)
            values = dict(zip(PLACES, (served.url, str(key), str(record), secrets.token_hex(8)), strict=True))
            code = 1
            for _ in range(most_runs):
                code = await self._command.run(values)
                # One attempt may end in a verified refusal, which it is right to believe and to try again after.
                if len(served.requests) > 1:
                    break
            return code, served


def _refusal(request: RequestParts) -> Answer:
    return sign_problem(request, status=422, code="nothing-said")


def _elsewhere(_request: RequestParts) -> Answer:
    return 307, {"location": "/v1/elsewhere"}, b""
