"""A report in Slack's blocks: within its limits whatever was spent, and in every form the same figures."""

from __future__ import annotations

from decimal import Decimal

import pytest

from playground.slack.blocks import require_valid
from router.adapters.usage import Rollup
from router.report import Report, sum_up
from router.slack.report_post import MOST_ROWS, report_forms
from router.slack.whisper import Form

NOTE = "Always `premium` <!channel>"


def report(by: str, names: list[str], *, good: int = 0) -> Report:
    """Report what each of `names` cost: the first one most."""
    rollups = [
        Rollup("C1", "2026-11", by, name, 1, Decimal(len(names) - at), 10, 10, Decimal(0), good)
        for at, name in enumerate(names)
    ]
    return sum_up(rollups, "C1", "2026-11", by)


def forms(one: Report) -> dict[str, Form]:
    """Lay it out in every form, each of which Slack would take."""
    made = report_forms(one, "Spent here", [NOTE])
    for form in made:
        if form.blocks:
            require_valid(form.blocks)
        assert len(form.text) < 4000
    return {form.kind: form for form in made}


@pytest.mark.parametrize(
    ("by", "count"),
    [*((by, count) for by in ("model", "user") for count in (1, 7, 31, 150)), ("day", 1), ("day", 31)],
)
def test_any_number_of_lines_fits(by: str, count: int) -> None:
    """The dearest are shown, the rest is one line, and the sum is that of all."""
    long_names = [f"{number:03}/{'x' * 90}" if by == "model" else f"U{number:03}" for number in range(count)]

    made = forms(report(by, long_names, good=1))

    for kind in ("chart", "table"):
        (table,) = [block for block in made[kind].blocks or () if "rows" in block]
        assert len(table["rows"]) == min(count, MOST_ROWS) + (count > MOST_ROWS) + 2
        assert table["rows"][-1][2]["value"] == count * (count + 1) / 2
        shown = [row[2]["value"] for row in table["rows"][1:-1]]
        assert sum(shown) == table["rows"][-1][2]["value"]


def test_a_pie_of_many_models() -> None:
    """Six segments at most, the last of them all the others; together they are the whole."""
    made = forms(report("model", [f"vendor/model-{number}" for number in range(9)]))

    (chart,) = [block for block in made["chart"].blocks or () if block["type"] == "data_visualization"]
    segments = chart["chart"]["segments"]
    assert [segment["label"] for segment in segments][-2:] == ["model-4", "others"]
    assert sum(segment["value"] for segment in segments) == 45


def test_days_of_a_month_are_two_charts() -> None:
    """A chart has room for twenty days."""
    made = forms(report("day", [f"2026-10-{day:02}" for day in range(1, 32)]))

    charts = [block for block in made["chart"].blocks or () if block["type"] == "data_visualization"]
    days = [day for chart in charts for day in chart["chart"]["axis_config"]["categories"]]
    assert len(charts) == 2
    assert days == [f"2026-10-{day:02}" for day in range(1, 32)]


def test_nothing_from_outside_marks_up() -> None:
    """A name of a model, or of a tier, calls nobody and ends no code."""
    made = forms(report("model", ["<!channel>/`x` & <@U0ADA00001>"]))

    assert "<" not in made["text"].text
    assert "`" not in made["text"].text


def test_what_cost_nothing_has_no_chart() -> None:
    """A pie of nothing would be refused."""
    free = Rollup("C1", "2026-11", "model", "a/free", 3, Decimal(0), 1, 1, Decimal(0))

    made = forms(sum_up([free], "C1", "2026-11", "model"))

    assert [block["type"] for block in made["chart"].blocks or ()] == ["section", "data_table", "context"]


def test_nothing_spent_is_words_alone() -> None:
    """There is no table of nothing."""
    assert list(forms(report("model", []))) == ["text"]
