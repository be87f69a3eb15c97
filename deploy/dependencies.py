"""The dependencies of the package: wheels for Lambda's platform, whatever machine this is.

Takes the versions that requirements.txt pins and nothing that they would bring besides; leaves out what the
runtime has, and the parts of libraries that serve jobs Penny does not do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import PackageError
from deploy.target import ELF_MACHINE, IN_THE_RUNTIME, PLATFORM, PYTHON

PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;]+)")

UNUSED = (
    "*.dist-info",  # no library here reads its own metadata at run time
    "bin",  # command lines
    "**/*.pyi",
    "**/py.typed",
    "**/tests",
    "anyio/pytest_plugin.py",
    "slack",  # the old name of slack_sdk
    "slack_bolt/adapter",  # Bolt under web servers; our worker hands it requests itself
    "slack_sdk/audit_logs",
    "slack_sdk/rtm",
    "slack_sdk/rtm_v2",
    "slack_sdk/scim",
    "slack_sdk/socket_mode",
)
"""What the wheels hold and Penny never loads."""

NATIVE = re.compile(r"\.(so|pyd|dylib|dll)(\.|$)")
"""Names of native libraries."""

ELF_64 = b"\x7fELF\x02"
E_MACHINE = slice(18, 20)
"""How the header of a native library begins, and where it names its processor (little-endian)."""

UNREACHABLE = re.compile(
    r".*(?:Connection|[Nn]ame ?[Rr]esolution|Retrying|Max retries|ProxyError|SSLError|[Tt]imed ?out).*"
)
"""How pip says that an index did not answer."""


def shipped(requirements: Path) -> list[str]:
    """List what goes into the package, as `name==version`, in the order of the file.

    Raises PackageError for a line that pins nothing: two builds would not be one build.
    """
    pins = [_pin(line, requirements.name) for line in _lines(requirements)]
    return [pin for pin in pins if _name(pin) not in IN_THE_RUNTIME]


def fetch(pins: list[str], folder: Path) -> None:
    """Unpack the wheels of `pins` into `folder` and drop what is not used.

    Raises PackageError when one has no wheel for the platform, or none can be downloaded.
    """
    pip = [
        *(
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--no-input",
            "install",
            "--retries",
            "2",
        ),
        *("--quiet", "--no-deps", "--no-compile", "--only-binary", ":all:", "--target", str(folder)),
        *("--platform", PLATFORM, "--implementation", "cp", "--python-version", ".".join(map(str, PYTHON))),
    ]
    environment = os.environ | {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}  # --target is neither
    done = subprocess.run([*pip, *pins], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        raise PackageError(_explain(done.stderr))
    _drop_unused(folder)
    check_native_code(folder)


def _lines(requirements: Path) -> Iterator[str]:
    for line in requirements.read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if text:
            yield text


def _pin(line: str, file: str) -> str:
    if not PIN.fullmatch(line):
        raise PackageError(f"{file}: {line!r} is not pinned; write name==version")
    return line


def _name(pin: str) -> str:
    return re.sub(r"[-_.]+", "-", pin.partition("==")[0]).lower()


def _explain(stderr: str) -> str:
    """Say what pip's complaint means for the one who wants a package."""
    if "No module named pip" in stderr:
        return f"{sys.executable} has no pip, which unpacks the dependencies: run make setup first"
    if unreachable := UNREACHABLE.search(stderr):
        return (
            "the package index does not answer, so the dependencies cannot be fetched (once fetched, they "
            "are kept under build/): check the network, and pip's settings with pip config list. Pip says:\n"
            f"{unreachable[0].strip()}"
        )
    missing = re.search(r"No matching distribution found for (\S+)", stderr)
    if missing:
        return (
            f"{missing[1]} has no wheel for Python {PYTHON[0]}.{PYTHON[1]} on {PLATFORM}, which Lambda runs: "
            "pin a version that has one, or that is pure Python"
        )
    return f"pip could not fetch the dependencies: {_last(stderr)}"


def _last(stderr: str) -> str:
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR")]
    return (errors or stderr.strip().splitlines() or ["pip said nothing"])[-1]


def _drop_unused(folder: Path) -> None:
    for pattern in UNUSED:
        for path in list(folder.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def check_native_code(folder: Path) -> None:
    """Refuse a library that Lambda's processor cannot run, whatever the name of its wheel said."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and NATIVE.search(p.name)):
        with path.open("rb") as file:
            header = file.read(E_MACHINE.stop)
        machine = int.from_bytes(header[E_MACHINE], "little")
        if not header.startswith(ELF_64) or machine != ELF_MACHINE:
            raise PackageError(
                f"{path.relative_to(folder)} is native code for another platform than {PLATFORM} and would "
                "fail on Lambda at its first import: pin a version of that library that has a wheel for it"
            )
