"""A token of SoftHSM for a whole test run: an HSM's PKCS#11 interface, with the keys in files."""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PIN = "1234"
LABEL = "exchange"
_INIT = ("softhsm2-util", "--init-token", "--free")


@dataclass(frozen=True, slots=True)
class SoftHsm:
    """A token that is there. ``environment`` is what a process needs to find it."""

    module: Path
    environment: dict[str, str]
    pin_file: Path

    def settings(self, *, key_label: str) -> dict[str, str]:
        """Return the ledger's settings to keep its keys there."""
        return {
            **self.environment,
            "LEDGER_KEY_ENCRYPTION": "pkcs11",
            "LEDGER_PKCS11_MODULE": str(self.module),
            "LEDGER_PKCS11_TOKEN": LABEL,
            "LEDGER_PKCS11_PIN_FILE": str(self.pin_file),
            "LEDGER_PKCS11_KEY_LABEL": key_label,
        }


@contextmanager
def running_softhsm() -> Iterator[SoftHsm]:
    """Give a token of its own, for this process too; delete it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="exchange-test-hsm-"))
    (home / "tokens").mkdir()
    configuration = home / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {home}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    pin_file = home / "pin"
    pin_file.touch(0o600)
    pin_file.write_text(PIN)
    environment = {"SOFTHSM2_CONF": str(configuration)}
    # The library reads this when it is first loaded into a process.
    os.environ.update(environment)
    try:
        subprocess.run(
            [*_INIT, "--label", LABEL, "--pin", PIN, "--so-pin", secrets.token_hex(8)],
            check=True,
            capture_output=True,
        )
        yield SoftHsm(_module(), environment, pin_file)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _module() -> Path:
    for folder in ("/usr/lib/softhsm", *map(str, Path("/usr/lib").glob("*/softhsm")), "/usr/local/lib/softhsm"):
        module = Path(folder) / "libsofthsm2.so"
        if module.exists():
            return module
    raise FileNotFoundError("libsofthsm2.so")
