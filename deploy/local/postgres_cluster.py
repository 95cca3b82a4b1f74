"""A new PostgreSQL cluster: made whole or not at all, with a password from its first moment."""

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.local.postgres_program import PostgresProgram
from shared.errors import IntegrityFailure, Unavailable

SUPERUSER = "postgres"

_WORKSHOP = "making"


def is_cluster(data_dir: Path) -> bool:
    """Say whether ``data_dir`` holds a whole cluster."""
    return (data_dir / "PG_VERSION").exists()


def make_cluster(data_dir: Path, *, program: PostgresProgram, password_file: Path) -> None:
    """Make an empty cluster in ``data_dir``, and a new password for its superuser in ``password_file``.

    Cut off in the middle, it leaves what the next call clears. Raises IntegrityFailure when ``data_dir`` holds
    something that was not begun here: it might be a damaged cluster, and nobody's data is overwritten.
    """
    workshop = data_dir / _WORKSHOP
    if not workshop.exists() and any(data_dir.iterdir()):
        raise IntegrityFailure(f"{data_dir} is not empty and is no PostgreSQL cluster: nothing in it was touched")
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir(mode=0o700)
    password = secrets.token_urlsafe(32)
    _write_private(password_file, password)
    # initdb runs as the server's user, who cannot read our file: for the moment it has a copy of its own.
    copy = workshop / "password"
    _write_private(copy, password)
    for path in (workshop, copy):
        os.chown(path, program.owner.uid, program.owner.gid)
    cluster = workshop / "cluster"
    _run_initdb(cluster, program=program, password_copy=copy)
    copy.unlink()
    # PG_VERSION comes last: with it the cluster is whole.
    for entry in sorted(cluster.iterdir(), key=lambda path: path.name == "PG_VERSION"):
        target = data_dir / entry.name
        if target.is_dir():
            shutil.rmtree(target)
        entry.rename(target)
    shutil.rmtree(workshop)


def server_environment() -> dict[str, str]:
    """Return an environment in which no PG… variable of the caller's changes what PostgreSQL's programs do."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _run_initdb(cluster: Path, *, program: PostgresProgram, password_copy: Path) -> None:
    command = [
        str(program.bin_dir / "initdb"),
        f"--pgdata={cluster}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_copy}",
        "--auth-local=scram-sha-256",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--no-locale",
        # The same order of texts on every machine, whatever its C library knows.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions",
    ]
    run_as = program.run_as
    done = subprocess.run(
        command,
        capture_output=True,
        env=server_environment(),
        cwd="/",
        check=False,
        user=None if run_as is None else run_as.uid,
        group=None if run_as is None else run_as.gid,
        extra_groups=None if run_as is None else [],
    )
    if done.returncode != 0:
        raise Unavailable(f"initdb ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()}")


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    Path(partial).rename(path)
