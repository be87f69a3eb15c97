"""A report in Slack: as charts and a table to sort where the workspace takes them, as a plain table, as text.

Within Slack's limits, whatever was spent: the dearest come first, and the rest is summed up in one row.
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from router.domain.money import show_usd
from router.slack.blocks import Block, escaped
from router.slack.whisper import Form

if TYPE_CHECKING:
    from router.report import Line, Report

MOST_ROWS = 97
"""Of a table's hundred: three are its header, its sum, and all that is not shown."""

MOST_LINES = 30
"""Of the plain text: more than that nobody reads."""

MOST_SEGMENTS = 6
"""Of a pie, the rest included; sources differ on whether it may have twelve."""

MOST_CATEGORIES = 20
LONGEST_LABEL = 20
LONGEST_NAME = 60
"""Of a model in a table: a hundred of them stay below the 10,000 characters that a table may have."""

ROWS_A_PAGE = 10

REST = "others"


def report_forms(report: Report, title: str, notes: Sequence[str]) -> list[Form]:
    """Lay a report out in every form, best first; `notes` stand under it, and are shown as they are."""
    text = _text(report, title, notes)
    if not report.lines:
        return [Form("text", text)]
    table = _rows(report)
    head: Block = {"type": "section", "text": _plain(title)}
    end: list[Block] = [{"type": "context", "elements": [_plain(note)]} for note in notes]
    sortable = {"type": "data_table", "caption": title, "page_size": ROWS_A_PAGE, "rows": table}
    return [
        Form("chart", text, [head, *_charts(report), sortable, *end]),
        Form("table", text, [head, {"type": "table", "rows": table}, *end]),
        Form("text", text),
    ]


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


# rows


def _rows(report: Report) -> list[list[Block]]:
    shown, rest = report.lines[:MOST_ROWS], report.lines[MOST_ROWS:]
    is_rated = bool(report.total.good or report.total.bad)
    head = [report.by, "answers", "cost", "share", *(["good", "bad"] if is_rated else [])]
    rows = [
        [_name(report, line.name), *_figures(report, line, is_rated=is_rated)]
        for line in (*shown, *_rest(rest))
    ]
    total = [_cell("total"), *_figures(report, report.total, is_rated=is_rated)]
    return [[_cell(name) for name in head], *rows, total]


def _rest(lines: Sequence[Line]) -> list[Line]:
    """Sum up what is not shown, under one name."""
    if not lines:
        return []
    first, *others = lines
    cost_usd = sum((line.cost_usd for line in others), first.cost_usd)
    sums = {name: sum(getattr(line, name) for line in lines) for name in ("answers", "good", "bad")}
    return [replace(first, name=REST, cost_usd=cost_usd, **sums)]


def _figures(report: Report, line: Line, *, is_rated: bool) -> list[Block]:
    rated = [_number(line.good), _number(line.bad)] if is_rated else []
    cost = {"type": "raw_number", "text": show_usd(line.cost_usd), "value": _value(line.cost_usd)}
    return [_number(line.answers), cost, _cell(_share(report, line)), *rated]


def _name(report: Report, name: str) -> Block:
    """Name a line; a person as a mention, which shows their name and calls nobody in a table."""
    if report.by != "user" or name == REST:
        return _cell(_short(name, LONGEST_NAME))
    person = {"type": "rich_text_section", "elements": [{"type": "user", "user_id": name}]}
    return {"type": "rich_text", "elements": [person]}


def _cell(text: str) -> Block:
    return {"type": "raw_text", "text": text}


def _number(value: int) -> Block:
    return {"type": "raw_number", "text": f"{value:,}", "value": value}


def _value(amount: Decimal) -> float:
    """Return an amount as JSON has numbers; what people read is the text beside it."""
    return float(round(amount, 9))


def _share(report: Report, line: Line) -> str:
    total = report.total.cost_usd
    return f"{100 * line.cost_usd / total:.1f} %" if total else "-"


# charts


def _charts(report: Report) -> list[Block]:
    """Draw what is readable as a chart: days as bars, models as a pie, people not at all."""
    paid = [line for line in report.lines if _value(line.cost_usd) > 0]
    if not paid or report.by == "user":
        return []
    if report.by == "model":
        return [_pie(paid)]
    halves = [paid] if len(paid) <= MOST_CATEGORIES else [paid[: len(paid) // 2], paid[len(paid) // 2 :]]
    return [_bars(half) for half in halves]


def _pie(lines: Sequence[Line]) -> Block:
    few = lines if len(lines) <= MOST_SEGMENTS else lines[: MOST_SEGMENTS - 1]
    segments = [
        {"label": _label(line.name.rpartition("/")[2]), "value": _value(line.cost_usd)}
        for line in (*few, *_rest(lines[len(few) :]))
    ]
    return _chart("Cost in US dollars by model", {"type": "pie", "segments": segments})


def _bars(days: Sequence[Line]) -> Block:
    points = [{"label": _label(day.name), "value": _value(day.cost_usd)} for day in days]
    axis = {"categories": [point["label"] for point in points], "y_label": "US dollars"}
    title = f"Cost from {days[0].name} to {days[-1].name}"
    return _chart(title, {"type": "bar", "axis_config": axis, "series": [{"name": "cost", "data": points}]})


def _chart(title: str, chart: dict[str, Any]) -> Block:
    return {"type": "data_visualization", "title": title, "chart": chart}


def _label(name: str) -> str:
    return _short(name, LONGEST_LABEL) or "-"


def _short(name: str, longest: int) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


# text


def _text(report: Report, title: str, notes: Sequence[str]) -> str:
    shown, rest = report.lines[:MOST_LINES], report.lines[MOST_LINES:]
    lines = [f"• {_line(report, line)}" for line in (*shown, *_rest(rest))]
    total = [f"Total: {_sums(report.total)}"] if report.lines else []
    return "\n".join([f"*{escaped(title)}*", *lines, *total, *map(escaped, notes)])


def _line(report: Report, line: Line) -> str:
    is_person = report.by == "user" and line.name != REST
    name = f"<@{line.name}>" if is_person else escaped(_short(line.name, LONGEST_NAME))
    return f"{name}: {_sums(line)}, {_share(report, line)}"


def _sums(line: Line) -> str:
    answers = "1 answer" if line.answers == 1 else f"{line.answers:,} answers"
    rated = f", {line.good} good, {line.bad} bad" if line.good or line.bad else ""
    return f"{answers}, {show_usd(line.cost_usd)}{rated}"
