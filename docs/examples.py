#!/usr/bin/env python3
"""Examples in the documentation, printed by the code they are about, so that they cannot be wrong.

A block of README.md or docs/*.md between `<!-- example: NAME -->` and `<!-- end -->` is such an example.

    python docs/examples.py           print them all
    python docs/examples.py NAME      print one
    python docs/examples.py --check   fail when a block is not what the code prints (part of `make check`)
    python docs/examples.py --write   bring every block up to date
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # Penny is no installed package

from docs import playground_api, running_cost
from router import settings
from router.adapters.usage import Rollup
from router.config import load_config
from router.domain.command import COMMAND, HELP_LINES
from router.domain.notices import footer_text
from router.domain.why import told
from router.output import to_csv, to_text
from router.report import Report, Savings, savings_of, sum_up
from router.sheets import report_data, report_table

ROOT = Path(__file__).resolve().parent.parent

BLOCK = re.compile(r"(<!-- example: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
MARK = re.compile(r"<!-- (?:example: .*?|end) -->")

NEEDED_BY = re.compile(r"(?P<meaning>.+)\. Needed by: (?P<who>.+)\.")
"""How every setting's docstring is written."""


def report() -> Report:
    """Report a small month of a made-up channel."""
    rollups = [
        _model("anthropic/claude-sonnet-5.5", 41, "1.8127305", 96_204, 31_877),
        _model("openai/gpt-6.1-terra", 212, "0.9641775", 301_450, 88_214, estimated="0.0187"),
        _model("openai/gpt-6-luna", 388, "0.0529118", 142_907, 49_310),
    ]
    return sum_up(rollups, "C024BE91L", "2026-11", "model")


def _model(name: str, answers: int, cost: str, prompt: int, completion: int, estimated: str = "0") -> Rollup:
    return Rollup(
        channel="C024BE91L",
        month="2026-11",
        dimension="model",
        value=name,
        answers=answers,
        cost_usd=Decimal(cost),
        prompt_tokens=prompt,
        completion_tokens=completion,
        estimated_usd=Decimal(estimated),
    )


def savings() -> Savings:
    """Compare that month with the best tier as it is shipped."""
    best = load_config(str(ROOT / "config.toml")).ladder.tiers[0]
    return savings_of(report().total, best)


def footer() -> str:
    """Print the footer of an answer."""
    return footer_text("anthropic/claude-sonnet-5.5", Decimal("0.0127"), Decimal("2.17"), Decimal(5))


def why() -> str:
    """Print why a made-up answer came from its tier."""
    numbers = {
        "policy": "paced",
        "length": "412",
        "weight": "1.28",
        "signs": "code",
        "usual_usd": "0.00305",
        "reach_usd": "0.0102",
        "allowance_usd": "0.00266",
        "left_usd": "1.93",
        "floor_usd": "0.136",
        "to_come": "674",
        "better": "premium",
        "better_usd": "0.0134",
    }
    return "\n".join(textwrap.wrap(told(numbers, "standard", "standard"), 110))


def penny_help() -> str:
    """Print what can be typed behind the slash command."""
    rows = [f"| `{COMMAND} {words}` | {what} |" for words, what in HELP_LINES]
    return "\n".join(["| typed | what it does |", "|---|---|", *rows])


@cache
def help_text() -> str:
    """Print what `report --help` says, at a width that a page has room for."""
    command = [sys.executable, "-m", "router", "report", "--help"]
    environment = {"COLUMNS": "100", "PYTHON_COLORS": "0"}
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def settings_table() -> str:
    """Print every environment variable, its default, who needs it and what for."""
    rows = ["| variable | default | needed by | what it is |", "|---|---|---|---|"]
    for name, docstring in _docstrings(Path(settings.__file__), "Settings"):
        told = NEEDED_BY.fullmatch(docstring)
        if told is None:
            raise SystemExit(f"router/settings.py: {name} does not say 'What it is. Needed by: whom.'")
        rows.append(f"| `{name.upper()}` | {_default(name)} | {told['who']} | {told['meaning']} |")
    return "\n".join(rows)


def _docstrings(file: Path, name: str) -> Iterator[tuple[str, str]]:
    """Yield the fields of a class and what stands under each."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    for field, below in zip(found.body, [*found.body[1:], None], strict=True):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=field_name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield field_name, " ".join(text.split())
            case ast.AnnAssign(target=ast.Name(id=field_name)), _:
                yield field_name, ""


def _default(name: str) -> str:
    default = getattr(settings.Settings(), name)
    if default == settings.CONFIG_BESIDE_HANDLER:
        return "`config.toml` beside `handler.py`"
    return f"`{default}`" if default else ""


def fenced(text: str, language: str = "text") -> str:
    """Show text as it is."""
    return f"```{language}\n{text.rstrip()}\n```"


EXAMPLES: dict[str, Callable[[], str]] = {
    "report-table": lambda: fenced(to_text(report_table(report(), "general", savings()))),
    "report-csv": lambda: fenced(to_csv(report_data(report())), "csv"),
    "settings": settings_table,
    "config": lambda: fenced((ROOT / "config.toml").read_text(encoding="utf-8"), "toml"),
    "why": lambda: fenced(why()),
    "footer": lambda: fenced(footer()),
    "penny-help": penny_help,
    "help": lambda: fenced(help_text()),
    "running-cost": running_cost.example,
    "playground-api": playground_api.addresses,
    "playground-failures": playground_api.failures,
}


class BadBlock(Exception):  # noqa: N818 - reads as what it says
    """A block that cannot be filled in."""


def filled_in(text: str) -> str:
    """Return `text` with every block as the code prints it; raises BadBlock."""
    marks, blocks = MARK.findall(text), BLOCK.findall(text)
    if len(marks) != 2 * len(blocks):
        raise BadBlock("an example's '<!-- example: NAME -->' has no '<!-- end -->', or the other way round")
    for _, name, _, _ in blocks:
        if name not in EXAMPLES:
            raise BadBlock(f"no example is called {name!r}; there are {', '.join(EXAMPLES)}")
    return BLOCK.sub(lambda block: f"{block[1]}\n{EXAMPLES[block[2]]()}\n\n{block[4]}", text)


def bring_up_to_date(files: Sequence[Path], *, write: bool) -> list[str]:
    """Return a sentence for each file that was not up to date or cannot be; with `write`, put it right."""
    found = []
    for file in files:
        text = file.read_text(encoding="utf-8")
        try:
            right = filled_in(text)
        except BadBlock as bad:
            found.append(f"{file}: {bad}")
            continue
        if right != text and write:
            file.write_text(right, encoding="utf-8")
        elif right != text:
            found.append(
                f"{file}: an example is not what the code prints; run: python docs/examples.py --write"
            )
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Print, check or write; returns the exit code."""
    parser = argparse.ArgumentParser(description="The documentation's examples.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("name", nargs="?", choices=EXAMPLES, help="print this one (default: all)")
    what.add_argument("--check", action="store_true", help="fail when a block is not up to date")
    what.add_argument("--write", action="store_true", help="bring every block up to date")
    arguments = parser.parse_args(argv)
    if not (arguments.check or arguments.write):
        names = [arguments.name] if arguments.name else EXAMPLES
        sys.stdout.write("\n\n".join(EXAMPLES[name]() for name in names) + "\n")
        return 0
    files = [file for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if file.exists()]
    wrong = bring_up_to_date(files, write=arguments.write)
    sys.stderr.writelines(f"{sentence}\n" for sentence in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
