"""A report's figures are the sums of the usage records, and cost the same however many those are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from playground.aws import REGION, LocalAws
from router.adapters.table import Dynamo
from router.adapters.usage import Rollup
from router.domain.usage import CHANNEL_WAYS, WORKSPACE_WAYS, is_month
from router.report import Report, make_report, sum_up
from tests.dynamodb_rules import checked_session
from tests.money import CHANNEL, MONTH, bill_of, budget_of, reservation_of
from tests.tables import Tables, fresh_tables, tables_for
from tests.usage_rows import record_of, spend, write_usage

RANDOM = "C0RANDOM01"
ADA, GRACE = "U0ADA00001", "U0GRACE001"
SONNET, LUNA = "anthropic/claude-sonnet-5.5", "openai/gpt-6-luna"


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Make fresh tables."""
    yield from tables_for(request)


@pytest.fixture
def month(tables: Tables) -> Tables:
    """Fill a small month: two channels, two people, two models, two days."""
    spend(tables, "0.30", user=ADA, model=SONNET, day="2026-11-02", prompt_tokens=900, completion_tokens=90)
    spend(tables, "0.01", user=ADA, model=LUNA, day="2026-11-21", prompt_tokens=10, completion_tokens=5)
    spend(tables, "0.02", user=GRACE, model=LUNA, day="2026-11-21", prompt_tokens=20, completion_tokens=6)
    spend(tables, "0.50", user=GRACE, model=SONNET, day="2026-11-21", channel=RANDOM)
    return tables


def report_of(tables: Tables, by: str, channel: str = CHANNEL, month: str = MONTH) -> Report:
    """Report a month of a channel; an empty `channel` is the workspace."""
    return make_report(tables.usage_table(), channel, month, by)


def costs(report: Report) -> list[tuple[str, Decimal]]:
    """Name each line and what it cost, in the order of the report."""
    return [(line.name, line.cost_usd) for line in report.lines]


def priced(*lines: tuple[str, str]) -> list[tuple[str, Decimal]]:
    """Write the lines that a report should have."""
    return [(name, Decimal(cost)) for name, cost in lines]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("model", priced((SONNET, "0.30"), (LUNA, "0.03"))),
        ("user", priced((ADA, "0.31"), (GRACE, "0.02"))),
        ("day", priced(("2026-11-02", "0.30"), ("2026-11-21", "0.03"))),
    ],
)
def test_a_channel_is_summed_up_each_way(month: Tables, by: str, expected: list[tuple[str, Decimal]]) -> None:
    """A channel's report has its own answers alone, by model, user or day."""
    report = report_of(month, by)

    assert costs(report) == expected
    assert report.total.cost_usd == Decimal("0.33")


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("channel", priced((RANDOM, "0.50"), (CHANNEL, "0.33"))),
        ("model", priced((SONNET, "0.80"), (LUNA, "0.03"))),
        ("user", priced((GRACE, "0.52"), (ADA, "0.31"))),
        ("day", priced(("2026-11-02", "0.30"), ("2026-11-21", "0.53"))),
    ],
)
def test_the_workspace_is_summed_up_over_its_channels(
    month: Tables, by: str, expected: list[tuple[str, Decimal]]
) -> None:
    """What one model, user or day cost in several channels is one line of the workspace's report."""
    report = report_of(month, by, channel="")

    assert costs(report) == expected
    assert report.total.cost_usd == Decimal("0.83")


def test_a_line_counts_answers_and_tokens(month: Tables) -> None:
    """Beside the money, a line has how many answers there were and how many tokens went in and out."""
    line = next(line for line in report_of(month, "model").lines if line.name == LUNA)

    assert (line.answers, line.prompt_tokens, line.completion_tokens) == (2, 30, 11)


@pytest.mark.parametrize("channel", [CHANNEL, ""])
def test_every_way_has_the_same_total(month: Tables, channel: str) -> None:
    """However a month is cut, the lines add up to the same total."""
    ways = CHANNEL_WAYS if channel else WORKSPACE_WAYS
    reports = [report_of(month, by, channel) for by in ways]

    assert len({report.total for report in reports}) == 1
    for report in reports:
        assert sum(line.cost_usd for line in report.lines) == report.total.cost_usd
        assert sum(line.answers for line in report.lines) == report.total.answers


def test_the_dearest_comes_first_and_days_in_their_order(tables: Tables) -> None:
    """Lines go down by cost, names decide among equals; days stay a calendar."""
    for day, cost, model in [("03", "0.01", "b/b"), ("01", "0.01", "a/a"), ("02", "0.09", "c/c")]:
        spend(tables, cost, day=f"2026-11-{day}", model=model)

    assert [line.name for line in report_of(tables, "model").lines] == ["c/c", "a/a", "b/b"]
    assert [line.name[-2:] for line in report_of(tables, "day").lines] == ["01", "02", "03"]


@pytest.mark.parametrize("channel", [CHANNEL, ""])
def test_an_empty_month_is_a_report_without_lines(month: Tables, channel: str) -> None:
    """A month in which nothing was spent, and a channel that nobody knows, are no errors."""
    for report in (report_of(month, "model", channel, "2026-10"), report_of(month, "model", "C0NOBODY01")):
        assert report.lines == ()
        assert report.total.answers == 0
        assert report.total.cost_usd == 0


def test_months_do_not_mix(month: Tables) -> None:
    """An answer of another month is not in this month's report."""
    spend(month, "7", day="2026-12-01")

    assert report_of(month, "model").total.cost_usd == Decimal("0.33")
    assert report_of(month, "model", month="2026-12").total.cost_usd == 7
    assert report_of(month, "channel", "", "2026-12").total.cost_usd == 7


def test_what_nobody_confirmed_is_counted_apart(tables: Tables) -> None:
    """An estimated charge is part of the cost, and of the estimated part of it."""
    spend(tables, "0.02")
    spend(tables, "0.05", estimated=True)

    total = report_of(tables, "model").total

    assert (total.cost_usd, total.estimated_usd) == (Decimal("0.07"), Decimal("0.05"))


def test_not_one_digit_is_lost() -> None:
    """Sums of channels that use all the digits of a table's numbers add up exactly."""
    amounts = ("99999999999999.999999999999", "0.000000000001", "12345678.000000000000000000000000000001")
    rollups = [
        Rollup(f"C{i}", MONTH, "user", ADA, 1, Decimal(amount), 1, 1, Decimal(0))
        for i, amount in enumerate(amounts)
    ]

    report = sum_up(rollups, "", MONTH, "user")

    assert str(report.total.cost_usd) == "100000012345678.000000000000000000000000000001"
    assert report.lines[0].cost_usd == report.total.cost_usd


def test_what_the_ledger_settles_is_reported(tables: Tables) -> None:
    """A settled reservation is in the report with what it really cost; a released one is not."""
    ledger = tables.ledger()
    ledger.budgets((budget_of("1.00"),))
    paid, unpaid = reservation_of("0.10"), reservation_of("0.10")
    for reservation in (paid, unpaid):
        ledger.reserve(reservation)

    ledger.settle(paid, bill_of("0.04"))
    ledger.settle(paid, bill_of("0.04"))
    ledger.release(unpaid)

    (line,) = report_of(tables, "model").lines
    assert (line.answers, line.cost_usd) == (1, Decimal("0.04"))


CHANNELS = [f"C0CHANNEL{number}" for number in range(10)]


def write_answers(tables: Tables, for_each_channel: int) -> None:
    """Write answers of the same ten channels, users, models and days, however many there are."""
    for _ in range(for_each_channel):
        write_usage(
            tables,
            *(
                record_of(
                    "0.0125", channel=channel, user=f"U0USER000{number}", model=f"vendor/model-{number}"
                )
                for number, channel in enumerate(CHANNELS)
            ),
        )


class Reads:
    """Counts the requests of a DynamoDB client and the bytes that came back."""

    def __init__(self) -> None:
        self.requests = 0
        self.bytes = 0

    def count(self, http_response: Any, **_: Any) -> None:
        """Count one; registered for `after-call.dynamodb`."""
        self.requests += 1
        self.bytes += len(http_response.content)


def reads_of(tables: Tables, url: str, channel: str, by: str) -> Reads:
    """Make a report with a client of its own and count what it reads."""
    reads = Reads()
    with checked_session(after_call=reads.count):
        dynamo = Dynamo(url, REGION)
    watched = replace(tables, dynamo=dynamo)
    assert len(report_of(watched, by, channel).lines) == (1 if channel else 10)
    dynamo.close()
    return reads


def test_a_report_costs_the_same_for_ten_records_and_a_hundred(aws: LocalAws) -> None:
    """Neither the requests nor the bytes read grow with the number of usage records."""
    few, many = fresh_tables(aws.url), fresh_tables(aws.url)
    write_answers(few, 1)
    write_answers(many, 10)
    assert len(many.rows("records#")) == 100

    for channel, by in [("", "channel"), ("", "user"), (CHANNELS[0], "model")]:
        of_few, of_many = (reads_of(tables, aws.url, channel, by) for tables in (few, many))

        assert of_many.requests == of_few.requests == 1
        assert of_many.bytes <= of_few.bytes * 1.05, "beyond the digits of larger sums"


@pytest.mark.parametrize("text", ["2026-11", "2026-01", "1999-12"])
def test_a_month_is_recognised(text: str) -> None:
    """A year of four digits, a dash, a month of two."""
    assert is_month(text)


@pytest.mark.parametrize(
    "text",
    ["2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "2026-11\n", "\uff12026-11", "", "#", "november"],
)
def test_anything_else_is_no_month(text: str) -> None:
    """What is not a month is not guessed at: neither are other digits than 0 to 9."""
    assert not is_month(text)
