"""Options that yardsticks share: numbers within bounds, and whom progress is told."""

from __future__ import annotations

import argparse
from collections.abc import Callable

Say = Callable[[str], None]

MOST = 100_000
"""Of what is counted: a slip of the keyboard should not run for days."""


def with_aws(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the option by which a local AWS that runs already is named."""
    parser.add_argument("--aws", metavar="URL", default="", help="of a local AWS (one is started)")
    return parser


def any_number(text: str) -> int:
    """Read a number that may be zero."""
    return _number(text, 0)


def some(text: str) -> int:
    """Read a number from one."""
    return _number(text, 1)


def _number(text: str, least: int) -> int:
    number = int(text) if text.isdecimal() else -1
    if not least <= number <= MOST:
        raise argparse.ArgumentTypeError(f"{text!r}: write a number from {least} to {MOST}")
    return number
