"""The package: what Lambda runs, as one zip that comes out byte for byte the same every time.

python -m deploy.package       make build/penny.zip; needs no AWS, and the network only for new dependencies
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy import bytecode, dependencies, target
from deploy.errors import PackageError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = ROOT / "build"
ARTIFACT = BUILD / "penny.zip"
"""What serverless.yml deploys."""

OURS = ("handler.py", "config.toml", "router/**/*.py")
"""Our part of the package, relative to the root."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can name: its entries have no other date, or two builds would differ."""

MODE = (stat.S_IFREG | 0o644) << 16
"""Readable by the user that Lambda runs functions as, whatever the umask here is."""

CHECK_CONFIG = """
import sys
sys.path[:0] = sys.argv[1:]
from router.config import load_config
from router.errors import ConfigError
try:
    load_config("config.toml")
except ConfigError as error:
    sys.exit(str(error))
"""
"""Run with the package's own libraries: the time zones must be those that Lambda will find."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was made. `compiled_by` is empty when it holds no bytecode."""

    path: Path
    files: int
    compiled_by: str

    def __str__(self) -> str:
        """Say what it is and whether it is the same as another one."""
        content = self.path.read_bytes()
        compiled = (
            f"byte-compiled by Python {self.compiled_by}"
            if self.compiled_by
            else f"not byte-compiled, for there is no Python {'.'.join(map(str, target.PYTHON))} here; "
            "it runs, but cold starts take about a third of a second longer"
        )
        digest = hashlib.sha256(content).hexdigest()[:12]
        return f"{self.path.name}: {len(content):,} bytes, {self.files} files, sha256 {digest}…, {compiled}"


def build(artifact: Path = ARTIFACT, cache: Path = BUILD) -> Package:
    """Make the package from this folder and requirements.txt. Raises PackageError when it would not run."""
    python, version = bytecode.find_interpreter() or ("", "")
    libraries = _libraries(dependencies.shipped(ROOT / "requirements.txt"), python, version, cache)
    with tempfile.TemporaryDirectory(prefix="penny-package-") as scratch:
        ours = Path(scratch)
        copy_ours(ours)
        if python:
            bytecode.compile_all(python, ours)
        check_config(ours, libraries)
        artifact.parent.mkdir(parents=True, exist_ok=True)
        return Package(artifact, write_zip(artifact, ours, libraries), version)


def copy_ours(folder: Path) -> None:
    """Copy our part of the package into `folder`."""
    for pattern in OURS:
        for source in ROOT.glob(pattern):
            copy = folder / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)


def check_config(ours: Path, libraries: Path) -> None:
    """Refuse a config.toml that the functions would refuse at their start."""
    command = [sys.executable, "-I", "-B", "-c", CHECK_CONFIG, str(ours), str(libraries)]
    done = subprocess.run(command, cwd=ours, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        raise PackageError(f"config.toml: {done.stderr.strip()}")


def write_zip(artifact: Path, *folders: Path) -> int:
    """Write the files of `folders` into one zip and count them; the zip appears whole or not at all."""
    files = {file.relative_to(folder).as_posix(): file for folder in folders for file in _files(folder)}
    unfinished = artifact.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, so that the mode counts
            entry.external_attr = MODE
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)
    unfinished.replace(artifact)
    return len(files)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _libraries(pins: list[str], python: str, version: str, cache: Path) -> Path:
    """Return the folder of the dependencies, made once for the same pins, target and way of making it."""
    ways = [(HERE / name).read_bytes() for name in ("bytecode.py", "dependencies.py", "target.py")]
    digest = hashlib.sha256(b"\0".join([*map(str.encode, [*pins, version]), *ways])).hexdigest()[:16]
    folder = cache / f"dependencies-{digest}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="unfinished-") as scratch:
            made = Path(scratch) / "dependencies"
            made.mkdir()
            dependencies.fetch(pins, made)
            if python:
                bytecode.compile_all(python, made)
            made.rename(folder)
    return folder


def main() -> int:
    """Make the package and say what it is."""
    try:
        package = build()
    except PackageError as error:
        print(f"penny: no package: {error}", file=sys.stderr)
        return 1
    print(package)
    return 0


if __name__ == "__main__":
    sys.exit(main())
