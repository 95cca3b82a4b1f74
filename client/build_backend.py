"""Builds ``exchange_client``, which agencies install, from the one source that the exchange itself runs.

The package holds ``client`` as ``exchange_client`` and, of ``shared``, exactly the modules that it imports, as
``exchange_client.shared``: names so plain could not stand at the top of somebody else's environment. Nothing is copied
in the tree; the wheel's modules differ from the tree's in their import lines alone. PEP 517 calls the functions here.
"""

import ast
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from setuptools import build_meta

NAME = "exchange_client"

_TREE = Path(__file__).resolve().parent.parent
_IMPORT = re.compile(r"^(\s*from )(client|shared)(?=[.\w]* import )", re.MULTILINE)
_OWN_BACKEND = re.compile(r'build-backend = "build_backend"\nbackend-path = \["\."\]\n')

Settings = Mapping[str, str | list[str] | None] | None


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """Build the wheel; return its file's name."""
    with _gathered():
        return str(build_meta.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Build a source distribution that stands alone, as gathered; return its file's name."""
    with _gathered():
        return str(build_meta.build_sdist(sdist_directory, config_settings))


def gather(into: Path) -> None:
    """Write the distribution's whole source to an empty folder."""
    client = _TREE / "client"
    for file in ("README.md", "pyproject.toml"):
        text = (client / file).read_text("utf-8")
        (into / file).write_text(_OWN_BACKEND.sub('build-backend = "setuptools.build_meta"\n', text), "utf-8")
    shutil.copy(_TREE / "LICENSE", into / "LICENSE")
    for module in sorted(modules()):
        target = into / _renamed(module)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = (_TREE / module).read_text("utf-8")
        target.write_text(_IMPORT.sub(lambda found: found[1] + _new_name(found[2]), text), "utf-8")
    (into / NAME / "py.typed").touch()


def modules() -> set[Path]:
    """Return the files, relative to the tree, that the client is made of: its own and all that they import of ours."""
    own = {path.relative_to(_TREE) for path in (_TREE / "client").glob("*.py")} - {Path("client/build_backend.py")}
    found: set[Path] = set()
    waiting = set(own)
    while waiting:
        module = waiting.pop()
        found.add(module)
        needed = {parent / "__init__.py" for parent in module.parents if parent.name}
        waiting |= (needed | set(_imports(module))) - found
    return found


def _imports(module: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse((_TREE / module).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            base = Path(*node.module.split("."))
            if base.parts[0] in ("client", "shared"):
                yield from _files(base, [alias.name for alias in node.names])


def _files(base: Path, names: list[str]) -> Iterator[Path]:
    if (_TREE / base).is_dir():
        yield base / "__init__.py"
        yield from (base / f"{name}.py" for name in names if (_TREE / base / f"{name}.py").exists())
    else:
        yield base.with_suffix(".py")


def _new_name(package: str) -> str:
    return NAME if package == "client" else f"{NAME}.{package}"


def _renamed(module: Path) -> Path:
    return Path(*_new_name(module.parts[0]).split("."), *module.parts[1:])


@contextmanager
def _gathered() -> Iterator[None]:
    with TemporaryDirectory() as folder:
        gather(Path(folder))
        with chdir(folder):
            yield
