"""The house rules that a machine can see: names, docstrings, how tests fake, what the docs must say."""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from router.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(
    [
        *ROOT.glob("*.py"),
        *(f for top in ("router", "playground", "bench", "tests") for f in (ROOT / top).rglob("*.py")),
    ]
)
TESTS = [file for file in SOURCES if file.name.startswith("test_")]

SAYS_NOTHING = {"utils", "util", "helpers", "common", "core", "services", "managers", "models", "misc"}
"""Names that anything could be put under; a module is named for the one noun it is about."""

READER_OF_DOCS = ("README.md", "docs/configuration.md")
"""Where an operator looks for a setting."""


def named(files: list[Path]) -> list[str]:
    """Write files relative to the root, as the names of test cases."""
    return [str(file.relative_to(ROOT)) for file in files]


@functools.cache
def parsed(path: str) -> ast.Module:
    """Parse one of our files, once."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def is_patch_of_our_names(node: ast.AST) -> bool:
    """Tell whether a line of a test replaces code instead of faking the outside world at the wire."""
    match node:
        case ast.Import(names=names):
            return any(name.name.startswith("unittest.mock") for name in names)
        case ast.ImportFrom(module=module, names=names):
            whole = {f"{module}.{name.name}" for name in names}
            return any(name.startswith("unittest.mock") for name in whole)
        case ast.Attribute(value=ast.Name(id="monkeypatch"), attr="setattr" | "delattr"):
            return True
        case ast.arg(arg="mocker"):
            return True
    return False


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A module or package is named for what it is about, never for being useful."""
    empty_names = [path for path in named(SOURCES) if SAYS_NOTHING & set(Path(path).with_suffix("").parts)]

    assert not empty_names, "name each for its one noun"


def test_every_module_says_what_it_is() -> None:
    """A module starts with its noun, its promise and what it leaves to others."""
    modules = [path for path in named(SOURCES) if not path.startswith("tests/")]
    silent = [path for path in modules if not ast.get_docstring(parsed(path))]

    assert not silent, "give each a docstring"


def test_every_test_says_what_holds() -> None:
    """A test's docstring is the sentence that its passing makes true."""
    functions = [(path, node) for path in named(TESTS) for node in ast.walk(parsed(path))]
    silent = [
        f"{path}: {node.name}"
        for path, node in functions
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test")
        and not ast.get_docstring(node)
    ]

    assert not silent, "give each one sentence"


def test_tests_fake_at_the_wire() -> None:
    """No test replaces our own code: it speaks to a fake over the wire, and survives a rewrite."""
    files = named([file for file in SOURCES if ROOT / "tests" in file.parents])
    patches = [
        f"{path}: {ast.unparse(node)}"
        for path in files
        for node in ast.walk(parsed(path))
        if is_patch_of_our_names(node)
    ]

    assert not patches, "use an httpx transport, a loopback server, moto or the playground"


@pytest.mark.parametrize(
    "source",
    [
        "import unittest.mock",
        "from unittest import mock",
        "from unittest.mock import patch",
        "def test(monkeypatch):\n    monkeypatch.setattr(time, 'time', f)",
        "def test(mocker): ...",
    ],
)
def test_a_patch_is_recognised(source: str) -> None:
    """Each common way to replace code in a test is seen as one."""
    assert any(is_patch_of_our_names(node) for node in ast.walk(ast.parse(source)))


def test_setting_the_environment_is_no_patch() -> None:
    """A test may set environment variables and the working folder: those are the outside world."""
    source = (
        "import unittest\ndef test(monkeypatch):\n    monkeypatch.setenv('A', 'b')\n    monkeypatch.chdir(p)"
    )

    assert not any(is_patch_of_our_names(node) for node in ast.walk(ast.parse(source)))


@pytest.mark.parametrize("variable", [field.name.upper() for field in fields(Settings)])
def test_every_setting_is_documented(variable: str) -> None:
    """An operator finds each environment variable in the documentation."""
    docs = "".join(
        file.read_text(encoding="utf-8") for name in READER_OF_DOCS if (file := ROOT / name).exists()
    )

    assert re.search(rf"\b{variable}\b", docs), f"say in {' or '.join(READER_OF_DOCS)} what {variable} does"


def test_the_changelog_speaks_of_this_version() -> None:
    """Whoever updates reads what changes: the changelog has a section for what is in the tree."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[(.+?)\]", changelog, flags=re.MULTILINE)

    assert {"Unreleased", version} & set(sections), f"write a section [Unreleased] or [{version}]"
