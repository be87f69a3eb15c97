"""The package that Lambda runs: the same bytes every time, all that is needed, nothing for another platform.

The wheels are made of what is installed here, so that the whole way through pip is gone without a network.
"""

from __future__ import annotations

import json
import marshal
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import CodeType

import pytest

from deploy import bytecode, dependencies, target
from deploy.errors import PackageError
from deploy.package import ROOT, Package, build, check_config, copy_ours
from playground.stack import read_stack

REQUIREMENTS = ROOT / "requirements.txt"

SHIPPED = {
    *("handler.py", "config.toml", "router"),
    *(
        "slack_bolt",
        "slack_sdk",
        "httpx",
        "httpcore",
        "h11",
        "anyio",
        "idna",
        "certifi",
        "typing_extensions.py",
    ),
    "tzdata",
}
"""Everything at the top of the package, bytecode aside."""

IMPORT_EVERYTHING = """
import importlib, json, pathlib, sys, zoneinfo
package, runtime = sys.argv[1:]
sys.path = [package, runtime, *[path for path in sys.path if "site-packages" not in path]]
zoneinfo.reset_tzpath(to=[])  # Lambda need not have a time zone database
zoneinfo.ZoneInfo("Europe/Berlin")
import handler
for file in sorted(pathlib.Path(package, "router").rglob("*.py")):
    name = ".".join(file.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
    if not name.endswith("__main__"):
        importlib.import_module(name)
files = {getattr(module, "__file__", None) or "" for module in sys.modules.values()}
print(json.dumps(sorted(files)))
"""
"""Run with no site-packages: what is missing in the package is missing here."""

AARCH64 = b"\x7fELF\x02\x01\x01" + bytes(11) + (183).to_bytes(2, "little")
X86_64 = b"\x7fELF\x02\x01\x01" + bytes(11) + (62).to_bytes(2, "little")
"""The first bytes of native libraries, up to the processor they are for."""


def installed_files(name: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of an installed library, by their place in its wheel."""
    for file in metadata.distribution(name).files or []:
        if ".." not in file.parts and file.suffix != ".pyc" and file.name not in {"INSTALLER", "REQUESTED"}:
            yield file.as_posix(), Path(str(file.locate()))


def wheel(folder: Path, name: str, version: str, tag: str, files: dict[str, bytes]) -> None:
    """Write a wheel."""
    info = f"{name}-{version}.dist-info"
    own = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    content = own | files
    record = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as archive:
        for path, data in (content | {f"{info}/RECORD": record.encode()}).items():
            archive.writestr(path, data)


def offline(variables: pytest.MonkeyPatch, wheels: Path) -> None:
    """Let pip find these wheels and nothing else, whatever this machine's settings are."""
    variables.setenv("PIP_CONFIG_FILE", os.devnull)
    variables.setenv("PIP_NO_INDEX", "1")
    variables.setenv("PIP_FIND_LINKS", str(wheels))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make a folder with a wheel of everything that is shipped, and let pip use it alone."""
    folder = tmp_path_factory.mktemp("wheels")
    for pin in dependencies.shipped(REQUIREMENTS):
        name, version = pin.split("==")
        files = {path: file.read_bytes() for path, file in installed_files(name)}
        wheel(folder, name.replace("-", "_"), version, "py3-none-any", files)
    with pytest.MonkeyPatch.context() as variables:
        offline(variables, folder)
        yield folder


@pytest.fixture(scope="module")
def package(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Make the package once."""
    assert index
    folder = tmp_path_factory.mktemp("package")
    return build(folder / "penny.zip", cache=folder)


@pytest.fixture
def unpacked(package: Package, tmp_path: Path) -> Path:
    """Unpack the package, as Lambda does."""
    folder = tmp_path / "task"
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """Give what Lambda's own runtime has: the AWS SDK and what that needs."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    for name in target.IN_THE_RUNTIME:
        for top in {path.split("/")[0] for path, _ in installed_files(name)}:
            (folder / top).symlink_to(metadata.distribution(name).locate_file(top))  # type: ignore[arg-type]
    return folder


def test_it_is_made_again_without_fetching(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the pins are the same, no index is asked; another folder and umask make the same bytes."""
    monkeypatch.setenv("PIP_FIND_LINKS", os.devnull)
    before = os.umask(0o077)
    try:
        again = build(tmp_path / "penny.zip", cache=package.path.parent)
    finally:
        os.umask(before)

    assert again.path.read_bytes() == package.path.read_bytes()


def test_it_holds_what_is_shipped_and_nothing_else(package: Package) -> None:
    """Our code and the pinned libraries; no tests, no metadata, no native code, nothing the runtime has."""
    names = zipfile.ZipFile(package.path).namelist()

    assert {name.split("/")[0] for name in names} - {"__pycache__"} == SHIPPED
    assert {
        f"router/{file.relative_to(ROOT / 'router').as_posix()}" for file in (ROOT / "router").rglob("*.py")
    } == {name for name in names if name.startswith("router/") and name.endswith(".py")}
    assert not [name for name in names if dependencies.NATIVE.search(name) or ".dist-info/" in name]
    assert not [name for name in names if {"tests", "test"} & set(name.split("/"))]
    assert [name for name in names if name.endswith(".pyc") and target.CACHE_TAG not in name] == []


def test_router_is_python_alone() -> None:
    """The package takes Python files; a file of another kind would stay behind."""
    others = [f for f in (ROOT / "router").rglob("*") if f.is_file() and f.suffix not in {".py", ".pyc"}]

    assert not others, "let deploy/package.py ship it"


def test_it_is_small(package: Package) -> None:
    """What is loaded at every cold start stays under 4 MB, bytecode included."""
    assert package.path.stat().st_size < 4_000_000


def test_its_entries_tell_nothing_of_this_machine(package: Package) -> None:
    """In order, without dates, readable by the user that Lambda runs as."""
    entries = zipfile.ZipFile(package.path).infolist()

    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {stat.S_IFREG | 0o644}


def test_nothing_that_it_needs_is_missing(unpacked: Path, runtime: Path) -> None:
    """Every module of ours imports, and a time zone is found, with the package and the runtime alone."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", IMPORT_EVERYTHING, str(unpacked), str(runtime)],
        env={"AWS_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    files = json.loads(done.stdout)
    assert [file for file in files if file.startswith(f"{unpacked}/tzdata/")]
    assert [file for file in files if file.startswith(f"{runtime}/botocore/")]
    assert not [file for file in files if "site-packages" in file]


def test_it_says_whether_it_is_byte_compiled(package: Package) -> None:
    """Every module has its bytecode, or there is no interpreter to make it and the package says so."""
    names = set(zipfile.ZipFile(package.path).namelist())
    modules = {name for name in names if name.endswith(".py")}
    compiled = {name for name in names if name.endswith(".pyc")}

    assert len(compiled) == (len(modules) if bytecode.find_interpreter() else 0)
    assert ("not byte-compiled" in str(package)) is not bool(compiled)


def test_bytecode_is_the_same_everywhere_and_not_checked_again(tmp_path: Path) -> None:
    """Compiled in two folders, a module gives the same bytes, which name its place on Lambda."""
    compiled = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        (folder / "module.py").write_text("KINDS = 'b' in {'a', 'b', 'c'}\n\ndef f(): return KINDS\n")
        bytecode.compile_all(sys.executable, folder)
        (file,) = folder.glob("__pycache__/*.pyc")
        compiled.append(file.read_bytes())

    assert compiled[0] == compiled[1]
    assert int.from_bytes(compiled[0][4:8], "little") == 0b01, "by hash, unchecked (PEP 552)"
    code = marshal.loads(compiled[0][16:])  # noqa: S302 - just compiled
    assert isinstance(code, CodeType)
    assert code.co_filename == "/var/task/module.py"


def test_a_module_that_does_not_compile_is_told(tmp_path: Path) -> None:
    """Code that is too new for the runtime stops the package."""
    (tmp_path / "module.py").write_text("def broken(:\n")

    with pytest.raises(PackageError, match=r"does not compile[^$]*module\.py"):
        bytecode.compile_all(sys.executable, tmp_path)


def test_the_package_is_for_what_is_deployed() -> None:
    """The runtime and the processor of serverless.yml are those that the package is made for."""
    provider = read_stack("test")["provider"]

    assert provider["runtime"] == f"python{target.PYTHON[0]}.{target.PYTHON[1]}"
    assert (provider["architecture"], target.PLATFORM) == ("arm64", "manylinux2014_aarch64")


def test_every_requirement_is_shipped_or_in_the_runtime() -> None:
    """Of requirements.txt, the AWS SDK and what it brings stay behind, and nothing else."""
    pinned = {
        line.split("==")[0] for line in REQUIREMENTS.read_text().splitlines() if "==" in line.split("#")[0]
    }
    shipped = {pin.split("==")[0] for pin in dependencies.shipped(REQUIREMENTS)}

    assert pinned - shipped == target.IN_THE_RUNTIME
    assert not [name for name in shipped if name not in pinned]


@pytest.mark.parametrize(
    "line", ["httpx", "httpx>=0.28", "-r other.txt", "httpx==0.28.1; python_version < '4'"]
)
def test_a_requirement_must_be_pinned(tmp_path: Path, line: str) -> None:
    """What is not one version of one library is refused: two builds would not be one build."""
    file = tmp_path / "requirements.txt"
    file.write_text(f"# ours\nslack-bolt==1.30.0  # why\n{line}\n")

    with pytest.raises(PackageError, match="is not pinned; write name==version"):
        dependencies.shipped(file)


@pytest.mark.parametrize(
    ("tag", "files", "told"),
    [
        (
            "cp313-cp313-manylinux2014_x86_64",
            {},
            r"lib==1\.0 has no wheel for Python 3\.13 on manylinux2014_aarch64",
        ),
        ("py3-none-any", {"lib/_fast.so": X86_64}, r"lib/_fast\.so is native code for another platform"),
    ],
)
def test_a_library_for_another_platform_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str, files: dict[str, bytes], told: str
) -> None:
    """A wheel that Lambda could not run is told here, by its name or by what is in it."""
    offline(monkeypatch, tmp_path)
    wheel(tmp_path, "lib", "1.0", tag, files)

    with pytest.raises(PackageError, match=told):
        dependencies.fetch(["lib==1.0"], tmp_path / "unpacked")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("_fast.cpython-313-x86_64-linux-gnu.so", X86_64),
        ("libfast.so.1", X86_64),
        ("_fast.pyd", b"MZ"),
        ("_fast.so", b""),
    ],
)
def test_native_code_is_recognised(tmp_path: Path, name: str, content: bytes) -> None:
    """By any of the names that native libraries have, and by what is in them."""
    (tmp_path / name).write_bytes(content)

    with pytest.raises(PackageError, match="for another platform"):
        dependencies.check_native_code(tmp_path)


def test_a_native_library_for_lambda_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Native code is fine when it is for the processor that serverless.yml names."""
    offline(monkeypatch, tmp_path)
    wheel(tmp_path, "lib", "1.0", "cp313-cp313-manylinux2014_aarch64", {"lib/_fast.so": AARCH64})

    dependencies.fetch(["lib==1.0"], tmp_path / "unpacked")

    assert (tmp_path / "unpacked/lib/_fast.so").read_bytes() == AARCH64
    assert not list((tmp_path / "unpacked").glob("*.dist-info"))


def test_an_index_out_of_reach_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network it does not say that a library has no wheel."""
    offline(monkeypatch, tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")

    with pytest.raises(PackageError, match="the package index does not answer"):
        dependencies.fetch(["lib==1.0"], tmp_path / "unpacked")


def test_a_config_that_cannot_work_stops_the_package(tmp_path: Path, unpacked: Path) -> None:
    """What the functions would refuse at their start is refused before they are deployed."""
    ours = tmp_path / "ours"
    copy_ours(ours)
    check_config(ours, unpacked)
    shutil.copy(ROOT / "config.toml", ours / "config.toml")
    (ours / "config.toml").write_text(
        (ROOT / "config.toml").read_text().replace('time_zone = "UTC"', 'time_zone = "Berlin"')
    )

    with pytest.raises(PackageError, match=r"config\.toml: .*'Berlin' is no time zone"):
        check_config(ours, unpacked)
