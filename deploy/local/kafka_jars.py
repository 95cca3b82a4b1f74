"""Apache Kafka's jars: fetched once by Maven, kept, and taken only when whole."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from shared.errors import Unavailable

POM = Path(__file__).resolve().parent.parent / "kafka" / "pom.xml"

_FETCH_WITHIN_S = 600.0
_SHOWN_CHARACTERS = 600


def fetched_jars(cache: Path, *, pom: Path = POM) -> Path:
    """Return the folder with all the jars that ``pom`` names, fetching them when they are not there yet.

    A folder is named by the content of ``pom``, and comes into being by one rename: a fetch that was cut off leaves
    nothing that is taken for whole. Raises Unavailable when Maven is missing or fails.
    """
    target = cache / f"kafka-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if target.is_dir():
        return target
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable("Kafka has to be fetched, and mvn is not on PATH", remedy="install Maven, or BROKER=embedded")
    cache.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=cache))
    try:
        _copy_dependencies(maven, pom=pom, output=partial)
        try:
            partial.rename(target)
        except OSError as error:
            # Another process may have been as far at the same moment: its folder is as good.
            if not target.is_dir():
                raise Unavailable(f"the jars could not be put in {target}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _copy_dependencies(maven: str, *, pom: Path, output: Path) -> None:
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={output}", "-DincludeScope=runtime"]
    command = [maven, "--quiet", "--batch-mode", "--file", str(pom), *goal]
    remedy = "check that Maven can reach its repository, or use BROKER=embedded"
    try:
        done = subprocess.run(command, capture_output=True, check=False, cwd=output, timeout=_FETCH_WITHIN_S)
    except subprocess.TimeoutExpired as error:
        raise Unavailable("Maven did not fetch Kafka in time", remedy=remedy) from error
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()[:_SHOWN_CHARACTERS]
        raise Unavailable(f"Maven could not fetch Kafka: {said}", remedy=remedy)
    if not any(output.glob("kafka_*.jar")):
        raise Unavailable("Maven fetched no Kafka", remedy=remedy)
