"""Where everything that one machine keeps stands, under ``.exchange/``."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.process.settings import ALL_SETTINGS

DEFAULT_HOME = Path(".exchange")

# Other users may walk through to what is theirs (PostgreSQL runs as a user of its own when the exchange is started by
# root) but may not list what is there.
_PASSABLE = 0o711
_PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one installation. Paths are absolute; nothing exists before `create`.

    ``jars_cache`` lets an installation share another's Kafka jars.
    """

    home: Path
    jars_cache: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Layout":
        """Return the layout that ``EXCHANGE_HOME`` names, or ``.exchange`` in the working directory when unset."""
        named = (os.environ if environment is None else environment).get("EXCHANGE_HOME", "")
        return cls(home=(Path(named) if named else DEFAULT_HOME).absolute())

    @property
    def postgres(self) -> Path:
        """PostgreSQL's folder: its data, or the record of where the data had to go."""
        return self.home / "postgres"

    @property
    def run(self) -> Path:
        """Unix sockets, address files and locks: nothing here outlives a run. See `placement.socket_directory`."""
        return self.home / "run"

    @property
    def secrets(self) -> Path:
        """Passwords and private keys, one in each file."""
        return self.home / "secrets"

    @property
    def logs(self) -> Path:
        """One log file for each process."""
        return self.home / "logs"

    @property
    def kafka(self) -> Path:
        """The local Kafka's data, settings and ports."""
        return self.home / "kafka"

    @property
    def kafka_jars(self) -> Path:
        """Kafka's jars, fetched once; installations may share them."""
        return self.jars_cache or self.home / "kafka-jars"

    @property
    def tiles(self) -> Path:
        """The ledger's tiles, entry bundles and published checkpoint."""
        return self.home / "tiles"

    @property
    def addresses_file(self) -> Path:
        """Where a running installation says how to reach it; holds no secret."""
        return self.run / "addresses.json"

    @property
    def superuser_password_file(self) -> Path:
        """The password of the embedded PostgreSQL's superuser."""
        return self.secrets / "postgres-superuser.password"

    def log_file(self, name: str) -> Path:
        """Return the log file of the process called ``name``."""
        return self.logs / f"{name}.log"

    def create(self) -> None:
        """Make what is missing, with tight permissions. What exists already keeps the permissions it has.

        The secrets are the exception: their folder is closed to others each time.
        """
        for folder in (self.home, self.postgres):
            _make(folder, _PASSABLE)
        for folder in (self.run, self.secrets, self.logs, self.kafka, self.kafka_jars, self.tiles):
            _make(folder, _PRIVATE)
        self.secrets.chmod(_PRIVATE)


def layout_of_its_own(prefix: str) -> Layout:
    """Return the layout of a new installation in the machine's temporary folder, sharing this folder's Kafka jars."""
    home = Path(tempfile.mkdtemp(prefix=prefix))
    home.chmod(_PASSABLE)
    return Layout(home, jars_cache=Layout.from_environment().kafka_jars)


def environment_of_its_own(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without any setting of a service: those of another installation, its keys above all.

    An installation with a folder of its own must not sign with them. Which servers to use (``DATABASE_URL``,
    ``KAFKA_BOOTSTRAP_SERVERS``, ``BROKER``) is left as it is.
    """
    prefixes = tuple(str(kind.model_config.get("env_prefix")) for kind in ALL_SETTINGS)
    given = os.environ if environment is None else environment
    return {name: value for name, value in given.items() if not name.upper().startswith(prefixes)}


def _make(folder: Path, mode: int) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True)
        # mkdir's own mode is narrowed by the umask, which may be tighter than what other processes need.
        folder.chmod(mode)
