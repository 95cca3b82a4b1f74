"""``python -m exchange_client``: make a key, send a record, check a kept answer; on a machine with nothing else."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from client.amending import AMENDMENTS, COLLECTIONS, ONLY_OF, amendment_path
from client.answer import verify_receipt
from client.exchange_client import ExchangeClient
from client.exchange_keys import parse_keys
from client.files import exchange_keys, make_key_pair, private_key, write_new
from client.own_key import REVOCATION_REASONS
from client.sending import PATHS, Sending, readable, send
from shared.errors import ExchangeError, Unavailable
from shared.signatures.keys import Algorithm

_HELP = {
    "share": "share a concern",
    "withhold": "record a decision not to share, with its reason",
    "whereabouts": "report where a child is",
    "housing-notice": "record a housing notice, agreed to or refused",
    "correct": "correct a record of yours",
    "retract": "take back a record of yours",
    "dispute": "have it kept beside a record that somebody says it is not so",
    "withdraw-consent": "record that consent to a share was withdrawn; the share stands",
    "review": "review a withholding of yours: confirm it, or decide to share",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code. An error of ours, or of a named file, is one line and what to do."""
    given = _parser().parse_args(arguments)
    try:
        match given.command:
            case "keygen":
                _keygen(given)
            case "keys":
                asyncio.run(_fetch_keys(given))
            case "verify":
                _verify(given)
            case "rotate-key" | "revoke-key" | "registration":
                asyncio.run(_ask_about_keys(given))
            case _:
                asyncio.run(_send(given))
    except ExchangeError as error:
        print(f"error: {error.detail}" + (f"\n{error.remedy}" if error.remedy else ""), file=sys.stderr)  # noqa: T201
        return 1
    except OSError as error:
        print(f"error: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    keygen = commands.add_parser("keygen", help="make a key pair; give the operator the .jwk file, keep the other")
    keygen.add_argument("file", type=Path, help="where to write the private key (PEM); the public one goes beside")
    keygen.add_argument("--algorithm", type=Algorithm, choices=list(Algorithm), default=Algorithm.ED25519)
    keys = commands.add_parser("keys", help="fetch the exchange's keys once, over a channel you trust, and keep them")
    keys.add_argument("file", type=Path, help="a new file to keep them in")
    _add_url(keys)
    verify = commands.add_parser("verify", help="check a kept answer's receipt, offline")
    verify.add_argument("answer", type=Path, help="the file that --keep wrote")
    verify.add_argument("--keys", type=Path, required=True, help="the exchange's keys, as kept")
    for name in (*PATHS, *AMENDMENTS):
        sending = commands.add_parser(name, help=_HELP[name])
        if name in AMENDMENTS:
            sending.add_argument("of", help="the id that the answer to that record gave")
            sending.add_argument(
                "--kind", choices=list(COLLECTIONS), default=ONLY_OF.get(name, "share"), help="what that record is"
            )
        sending.add_argument("record", type=Path, help="the record as a JSON file")
        sending.add_argument("--key", type=Path, required=True, help="your private key, PKCS#8 PEM")
        sending.add_argument("--keys", type=Path, help="the exchange's keys, as kept; else those it publishes now")
        sending.add_argument("--idempotency-key", help="the same to repeat a record; else a new one, printed")
        sending.add_argument("--keep", type=Path, help="a new file for the whole answer: it is your evidence")
        _add_url(sending)
    _add_own_keys(commands)
    return parser


def _add_own_keys(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    rotate = commands.add_parser("rotate-key", help="add a new key to your agency's, signed by one it has")
    rotate.add_argument("new", type=Path, help="the new private key, as keygen made it")
    rotate.add_argument("--valid-from", help="when it begins to count, if not at once")
    rotate.add_argument("--valid-until", help="when it ends, such as 2027-11-24T00:00:00Z")
    revoke = commands.add_parser("revoke-key", help="revoke a key of your agency's, for good")
    # After an option, since one thumbprint in 64 begins with a hyphen.
    revoke.add_argument("--thumbprint", required=True, help="which: write --thumbprint=…")
    revoke.add_argument("--reason", choices=REVOCATION_REASONS, default="rotated", help="why")
    revoke.add_argument(
        "--compromised-from",
        help="what it signed from then on is suspect; left out of compromised: all that it ever signed",
    )
    for command in (rotate, revoke, commands.add_parser("registration", help="show how your agency is registered")):
        command.add_argument("--key", type=Path, required=True, help="a private key that signs for your agency")
        command.add_argument("--keys", type=Path, help="the exchange's keys, as kept; else those it publishes now")
        _add_url(command)


def _add_url(parser: argparse.ArgumentParser) -> None:
    url = os.environ.get("EXCHANGE_URL")
    parser.add_argument("--url", default=url, required=url is None, help="the gateway; else EXCHANGE_URL")


def _keygen(given: argparse.Namespace) -> None:
    key, public = make_key_pair(given.file, algorithm=given.algorithm)
    _say(f"private key: {given.file}\npublic key:  {public}\nkeyid:       {key.public.thumbprint}")


async def _fetch_keys(given: argparse.Namespace) -> None:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{given.url.rstrip('/')}/v1/keys") as response:
            document = await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(f"the exchange's keys cannot be fetched from {given.url}") from error
    keys = parse_keys(document)
    write_new(given.file, document, mode=0o644)
    _say("\n".join(["compare these with what the operator tells you by another way:", *sorted(keys.answer_keys)]))
    _say("\n".join(key.verifier_key() for key in keys.log_keys))


def _verify(given: argparse.Namespace) -> None:
    checkpoint = verify_receipt(given.answer.read_bytes(), exchange_keys(given.keys))
    _say(f"verified: the entry is in {checkpoint.origin}, by its signed checkpoint of {checkpoint.size} entries")
    _say("proven by it is receipt.entry; what else the answer says was vouched for by its signature when it came")


async def _ask_about_keys(given: argparse.Namespace) -> None:
    keys = None if given.keys is None else exchange_keys(given.keys)
    async with ExchangeClient(given.url, key=private_key(given.key), keys=keys) as client:
        match given.command:
            case "rotate-key":
                new = private_key(given.new)
                answer = await client.add_key(new, valid_from=given.valid_from, valid_until=given.valid_until)
            case "revoke-key":
                answer = await client.revoke_key(
                    given.thumbprint, reason=given.reason, compromised_from=given.compromised_from
                )
            case _:
                answer = await client.registration()
    _say(readable(answer))


async def _send(given: argparse.Namespace) -> None:
    keys = None if given.keys is None else exchange_keys(given.keys)
    amends = given.command in AMENDMENTS
    path = amendment_path(given.command, given.of, of=given.kind) if amends else PATHS[given.command]
    sending = Sending(given.command, path, given.record, given.key, given.idempotency_key, given.keep, keys)
    await send(sending, url=lambda: str(given.url), say=_say)


def _say(text: str) -> None:
    print(text)  # noqa: T201
