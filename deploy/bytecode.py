"""Bytecode: what saves a third of a cold start, made by an interpreter of the runtime's own minor version.

Lambda's folder is read-only, so what is not compiled beforehand is compiled at every start. The files are
not checked against their sources there: the package holds both and never changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import PackageError
from deploy.target import CACHE_TAG, PYTHON, TASK_ROOT

TELL = "import platform, sys; print(sys.implementation.cache_tag, platform.python_version())"


def find_interpreter() -> tuple[str, str] | None:
    """Find a Python of the runtime's minor version: its path and full version, or None."""
    for python in _candidates():
        cache_tag, _, version = _ask(python).partition(" ")
        if cache_tag == CACHE_TAG:
            return python, version
    return None


def compile_all(python: str, folder: Path) -> None:
    """Compile every module in `folder`, which Lambda will see as its task folder; twice gives the same."""
    command = [
        *(python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(folder), "-p", TASK_ROOT, str(folder)),
    ]
    same_every_time = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=same_every_time, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        raise PackageError(
            f"a module does not compile for Python {PYTHON[0]}.{PYTHON[1]}:\n{done.stdout.strip()}"
        )


def _candidates() -> Iterator[str]:
    """Name what may be one: this interpreter, one on the path, those of pyenv (its shim may be off)."""
    name = f"python{PYTHON[0]}.{PYTHON[1]}"
    yield sys.executable
    if found := shutil.which(name):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{PYTHON[0]}.{PYTHON[1]}.*/bin/{name}")))


def _ask(python: str) -> str:
    try:
        done = subprocess.run([python, "-c", TELL], capture_output=True, text=True, check=False, timeout=20)  # noqa: S603 - our own words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
