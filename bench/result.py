"""A result: what a yardstick measured, one row for each policy, and which promises were broken."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

Value = str | int | float | Decimal | tuple[float, ...] | None

FEW = 4
"""Rows that stand side by side."""

_GAP = "  "


@dataclass(frozen=True, slots=True)
class Result:
    """Rows with the same columns, the first of which is `policy`; a Decimal is dollars.

    `notes` say what was not as in production. `broken` names the promises that did not hold.
    """

    name: str
    rows: tuple[Mapping[str, Value], ...]
    notes: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def to_json(result: Result) -> str:
    """Write one JSON object; amounts are numbers."""
    notes = [" ".join(note.split()) for note in result.notes]
    content = {"name": result.name, "rows": result.rows, "notes": notes, "broken": result.broken}
    return json.dumps(content, default=float)  # of what is here, JSON lacks Decimals alone


def to_text(result: Result) -> str:
    """Write a table for people: a column for each row while they are few, then a line for each."""
    names = list(result.rows[0]) if result.rows else []
    if len(result.rows) <= FEW:
        lines = [[name, *(_shown(row[name]) for row in result.rows)] for name in names]
    else:
        lines = [*_stacked(names), *([_shown(row[name]) for name in names] for row in result.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        [f"{result.name}", "", *(_aligned(line, widths) for line in lines), "", *map(_note, result.notes)]
    )


def _stacked(names: Sequence[str]) -> list[list[str]]:
    """Write the columns' names word under word, the last ones in one line."""
    words = [name.split("_") for name in names]
    most = max(map(len, words))
    padded = [[""] * (most - len(each)) + each for each in words]
    return [[each[line] for each in padded] for line in range(most)]


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value that `share` (0 to 1) of `values` do not exceed; None if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def _shown(value: Value) -> str:
    if value is None:
        return "–"  # noqa: RUF001 - a dash for nothing, as in the reports
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple):
        return " to ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int | float) else value


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        f"{cell:<{room}}" if not place else f"{cell:>{room}}"
        for place, (cell, room) in enumerate(zip(cells, widths, strict=True))
    )
    return _GAP.join([first, *others])


def _note(note: str) -> str:
    return "- " + note.replace("\n", "\n  ")
