"""Runs the receiver: ``python -m deploy.demo_receiver --port … --recipient … --key-file … --push-key-file …``."""

import argparse
from pathlib import Path

import uvloop

from deploy.demo_receiver.receiver import Receiver, make_app
from shared.clock import SystemClock
from shared.process.logs import configure_logs
from shared.process.secret_files import read_secret
from shared.process.serving import Door, HttpAddress, serve, stop_on_signals
from shared.signatures.keys import load_signing_key


async def _run(arguments: argparse.Namespace) -> None:
    receiver = Receiver(
        recipient=arguments.recipient,
        key=load_signing_key(read_secret(arguments.key_file)),
        # On one machine the exchange's push key lies beside; a real receiver is given the public key alone.
        push_key=load_signing_key(read_secret(arguments.push_key_file)).public,
        clock=SystemClock(),
    )
    door = Door("exchange", HttpAddress("127.0.0.1", arguments.port))
    await serve(make_app(receiver), [door], stop=stop_on_signals())


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(description="A stand-in for an authority's system, for demonstrations and tests.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--recipient", required=True, help="whom it plays, such as authority:E06000005")
    parser.add_argument("--key-file", type=Path, required=True, help="PKCS#8 PEM of the authority's key")
    parser.add_argument("--push-key-file", type=Path, required=True, help="PKCS#8 PEM of the exchange's push key")
    configure_logs("demo-receiver")
    uvloop.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
