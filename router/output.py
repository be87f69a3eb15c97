"""Rows for people and for programs: a table for the eye, JSON and CSV for what comes after.

Amounts are exact in JSON and CSV and rounded in tables. What is shown harms neither the terminal nor a
spreadsheet, whatever the names in it are. Leaves to others what the rows mean.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal

FORMATS = ("table", "json", "csv")

Value = str | int | Decimal | None
Row = tuple[Value, ...]

DECIMALS = (2, 4, 6)
"""Of the dollars in one column of a table: cents, or as far down as its smallest amount asks for."""

_ENOUGH = Context(prec=60, rounding=ROUND_HALF_UP)
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets read them as the plain ones
_CSV_END = "\r\n"  # the writer quotes what holds one of these characters
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title for people: the first column leans left, the others right; a Decimal is dollars.

    `total`, if any, is a last row below a rule. `notes` stand under it all.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    total: Row = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Data:
    """Rows for programs. In JSON alone, `about` says what they are about and `total` stands beside them.

    A total has no name: it begins at the second column.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    total: Row = ()
    about: Mapping[str, object] = field(default_factory=dict)


def to_json(data: Data) -> str:
    """Write one JSON object in plain ASCII; amounts are strings with all their digits."""
    content = dict(data.about) | {"rows": [_object(data.columns, row) for row in data.rows]}
    if data.total:
        content["total"] = _object(data.columns[1:], data.total)
    return json.dumps(content, indent=2)


def _object(columns: tuple[str, ...], row: Row) -> dict[str, str | int | None]:
    return {name: _exact(value) for name, value in zip(columns, row, strict=True)}


def _exact(value: Value) -> str | int | None:
    return f"{value:f}" if isinstance(value, Decimal) else value


def to_csv(data: Data) -> str:
    """Write the column names and the rows, without the total: who reads CSV adds up."""
    return "\n".join([csv_line(data.columns), *(csv_line(row) for row in data.rows)])


def csv_line(row: Sequence[Value]) -> str:
    """Write one row of CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator=_CSV_END).writerow([_cell(value) for value in row])
    return out.getvalue().removesuffix(_CSV_END)


def _cell(value: Value) -> str | int | None:
    """Keep a spreadsheet from reading a name as a formula: https://owasp.org/www-community/attacks/CSV_Injection."""
    if isinstance(value, str) and value.strip().startswith(_FORMULA_STARTS):
        return f"'{value}"
    return _exact(value)


def to_text(table: Table) -> str:
    """Write a table for a terminal; names that would move its cursor or colour it are made harmless."""
    if not table.rows:
        return "\n\n".join([one_line(table.title), *table.notes])
    rows = [*table.rows, *([table.total] if table.total else [])]
    columns = [_column(values) for values in zip(*rows, strict=True)]
    widths = [max(map(width, [name, *cells])) for name, cells in zip(table.columns, columns, strict=True)]
    rule = "-" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    lines = [aligned(cells, widths) for cells in zip(*columns, strict=True)]
    if table.total:
        lines.insert(-1, rule)
    head = [one_line(table.title), "", aligned(table.columns, widths), rule]
    return "\n".join([*head, *lines, *(["", *table.notes] if table.notes else [])])


def _column(values: Sequence[Value]) -> list[str]:
    decimals = decimals_for([value for value in values if isinstance(value, Decimal)])
    return [_shown(value, decimals) for value in values]


def _shown(value: Value, decimals: int) -> str:
    if isinstance(value, Decimal):
        return rounded_usd(value, decimals)
    return f"{value:,}" if isinstance(value, int) else one_line(value or "")


def decimals_for(amounts: Sequence[Decimal]) -> int:
    """Return with how many of DECIMALS two digits of the smallest of `amounts` are seen, or all of them."""
    smallest = min((abs(amount) for amount in amounts if amount), default=Decimal(1))
    return next((decimals for decimals in DECIMALS if decimals > -smallest.adjusted()), DECIMALS[-1])


def rounded_usd(amount: Decimal, decimals: int) -> str:
    """Round dollars for people, half up; what is not nothing is not shown as nothing."""
    step = Decimal(1).scaleb(-decimals)
    size = abs(amount).quantize(step, context=_ENOUGH)
    sign = "-" if amount < 0 else ""
    return f"<{sign}${step:f}" if amount and not size else f"{sign}${size:,f}"


def aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Set one row: the first cell leans left, the others right."""
    first, *others = (_room(cell, room) for cell, room in zip(cells, widths, strict=True))
    line = first[0] + first[1] + "".join(_GAP + room + cell for cell, room in others)
    return line.rstrip()


def _room(cell: str, columns: int) -> tuple[str, str]:
    return cell, " " * (columns - width(cell))


def width(text: str) -> int:
    """Return how many columns of a terminal `text` takes."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0  # set upon the character before
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def one_line(text: str) -> str:
    """Write what cannot be seen (line ends, escapes, marks of direction) as its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
