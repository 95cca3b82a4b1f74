"""The verified replay as a program, as its peer is one: ``python -m benchmarks.replay_process FOLDER KEY``."""

import sys
from pathlib import Path

from services.ledger.audit.tile_replay import replay_folder
from shared.transparency.verifier_key import parse_verifier_key


def main() -> None:
    """Replay a log kept as static files, in two processes, and say how much was proven."""
    folder, verifier_key = sys.argv[1:]
    checkpoint = replay_folder(Path(folder), verifiers=[parse_verifier_key(verifier_key)], processes=2)
    print(f"proven: {checkpoint.size} entries, root {checkpoint.root.hex()}")


if __name__ == "__main__":
    main()
