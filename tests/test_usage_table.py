"""The usage table: records that never change, and rollups that are their sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from router.adapters.usage import Rollup, read_facts
from router.domain.usage import Bill, Facts
from router.errors import TableUnavailable
from tests.money import CHANNEL, MONTH, bill_of, budget_of, facts_of, on_channel, reservation_of, usd
from tests.tables import Tables, in_both, tables_for

OTHER = "C0OTHER001"


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give each story tables of its own; afterwards the books balance."""
    yield from tables_for(request)


def use(tables: Tables, facts: Facts, bill: Bill) -> None:
    """Pay for one call."""
    tables.ledger().budgets((budget_of("100", facts.channel),))
    reservation = reservation_of("1", budgets=(on_channel(facts.channel),), facts=facts)
    tables.ledger().reserve(reservation)
    assert tables.ledger().settle(reservation, bill)


def costs(rollups: list[Rollup], dimension: str) -> dict[tuple[str, str], Decimal]:
    """Name the cost of each rollup of one dimension."""
    return {(r.channel, r.value): r.cost_usd for r in rollups if r.dimension == dimension}


def three_calls(tables: Tables) -> None:
    """Pay for three calls of two people, on two days, in two channels, with two models."""
    use(tables, facts_of(), bill_of("0.10"))
    use(tables, facts_of(user="U0BOB00001", day="2026-11-23"), bill_of("0.20", model="google/gemini-4-argon"))
    use(tables, facts_of(channel=OTHER), bill_of("0.05"))


def test_a_channels_month_is_summed_up_each_way(tables: Tables) -> None:
    """Total, models, people and days of one channel come from one query, and others' calls are not in it."""
    three_calls(tables)

    rollups = tables.usage_table().channel_month(CHANNEL, MONTH)

    assert costs(rollups, "total") == {(CHANNEL, "all"): usd("0.30")}
    assert costs(rollups, "model") == {
        (CHANNEL, "openai/gpt-6.1-terra"): usd("0.10"),
        (CHANNEL, "google/gemini-4-argon"): usd("0.20"),
    }
    assert costs(rollups, "user") == {
        (CHANNEL, "U0ADA00001"): usd("0.10"),
        (CHANNEL, "U0BOB00001"): usd("0.20"),
    }
    assert costs(rollups, "day") == {
        (CHANNEL, "2026-11-22"): usd("0.10"),
        (CHANNEL, "2026-11-23"): usd("0.20"),
    }


def test_a_rollup_counts_answers_and_tokens(tables: Tables) -> None:
    """Each record adds one answer, its tokens, and its cost; what nobody confirmed is kept apart."""
    use(tables, facts_of(), bill_of("0.10", prompt_tokens=100, completion_tokens=7))
    use(tables, facts_of(), bill_of("0.20", prompt_tokens=11, completion_tokens=3, estimated=True))

    (total,) = [r for r in tables.usage_table().channel_month(CHANNEL, MONTH) if r.dimension == "total"]

    assert total == Rollup(CHANNEL, MONTH, "total", "all", 2, usd("0.30"), 111, 10, usd("0.20"))


@in_both
def test_the_workspaces_month_is_one_query_each_way(tables: Tables) -> None:
    """Every channel's sums of one dimension come from the index, and nothing else is in the answer."""
    three_calls(tables)

    found = {
        dimension: costs(tables.usage_table().workspace_month(MONTH, dimension), dimension)
        for dimension in ("total", "model", "user", "day")
    }

    assert found == {
        "total": {(CHANNEL, "all"): usd("0.30"), (OTHER, "all"): usd("0.05")},
        "model": {
            (CHANNEL, "openai/gpt-6.1-terra"): usd("0.10"),
            (CHANNEL, "google/gemini-4-argon"): usd("0.20"),
            (OTHER, "openai/gpt-6.1-terra"): usd("0.05"),
        },
        "user": {
            (CHANNEL, "U0ADA00001"): usd("0.10"),
            (CHANNEL, "U0BOB00001"): usd("0.20"),
            (OTHER, "U0ADA00001"): usd("0.05"),
        },
        "day": {
            (CHANNEL, "2026-11-22"): usd("0.10"),
            (CHANNEL, "2026-11-23"): usd("0.20"),
            (OTHER, "2026-11-22"): usd("0.05"),
        },
    }


def test_months_are_apart(tables: Tables) -> None:
    """A call of another month is in no sum of this one."""
    use(tables, facts_of(), bill_of("0.10"))
    use(tables, facts_of(month="2026-12", day="2026-12-01"), bill_of("0.20"))
    usage = tables.usage_table()

    assert costs(usage.channel_month(CHANNEL, MONTH), "total") == {(CHANNEL, "all"): usd("0.10")}
    assert costs(usage.workspace_month("2026-12", "total"), "total") == {(CHANNEL, "all"): usd("0.20")}
    assert len(list(usage.records(CHANNEL, MONTH))) == 1


def test_a_month_without_calls_is_empty(tables: Tables) -> None:
    """Nothing used is no error: no rollups, no records."""
    usage = tables.usage_table()

    assert usage.channel_month(CHANNEL, MONTH) == usage.workspace_month(MONTH, "total") == []
    assert list(usage.records(CHANNEL, MONTH)) == []


def test_records_stay_out_of_the_index(tables: Tables) -> None:
    """The index holds rollups alone, so that a workspace's month costs the same however many calls it had."""
    three_calls(tables)

    indexed = list(tables.indexed())

    assert {row["pk"].split("#")[0] for row in indexed} == {"rollup"}
    assert all({"rollup_month", "rollup_of"} <= set(row) for row in indexed)


@in_both
def test_records_come_oldest_first_and_whole(tables: Tables) -> None:
    """A record holds the facts before the call and the bill after it, exactly."""
    late = facts_of(started_at=Decimal("1795400000.5"))
    early = facts_of(started_at=Decimal("1795348800.125"))
    for facts in (late, early):
        use(tables, facts, bill_of("0.123456789012", oddities=("no_cost",), finish="length"))

    records = list(tables.usage_table().records(CHANNEL, MONTH))

    assert [read_facts(record) for record in records] == [early, late]
    assert records[0]["cost_usd"] == usd("0.123456789012")
    assert (records[0]["finish"], records[0]["oddities"]) == ("length", ["no_cost"])


@in_both
def test_the_latest_record(tables: Tables) -> None:
    """The last one of a channel's month, whichever was written last; None where there is none."""
    for started_at in ("1795348802.5", "1795348900", "1795348801"):
        use(tables, facts_of(started_at=Decimal(started_at)), bill_of())

    latest = tables.usage_table().latest(CHANNEL, MONTH)

    assert latest is not None
    assert latest["started_at"] == Decimal(1795348900)
    assert tables.usage_table().latest(OTHER, MONTH) is None


def test_a_record_holds_no_text(tables: Tables) -> None:
    """Everything in a record is named here; a word of a message would need a name of its own."""
    use(tables, facts_of(), bill_of())

    assert set(tables.row("records#")) == {
        *("pk", "sk", "v", "reservation_id", "generation_id", "estimate_usd", "overrun_usd", "budgets"),
        *("channel", "user", "team", "message_ts", "thread_ts", "started_at", "month", "day"),
        *("tier_wanted", "tier_given", "models", "prompt_bound", "max_tokens", "why"),
        *("cost_usd", "model", "provider", "finish", "estimated", "oddities"),
        *("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens"),
    }


def test_any_model_name_can_be_summed_up(tables: Tables) -> None:
    """Names come from outside: empty, with our separator in them, or as long as they get."""
    names = ["", "a#b#c", "model#", "ü" * 200, "🙂" * 200]
    for name in names:
        use(tables, facts_of(), bill_of("0.10", model=name))

    by_model = tables.usage_table().workspace_month(MONTH, "model")

    assert {(r.channel, r.value) for r in by_model} == {(CHANNEL, name or "unknown") for name in names}


def test_what_is_not_known_may_be_empty(tables: Tables) -> None:
    """Provider, team and generation may be unknown; the record is written without them."""
    use(tables, facts_of(team=""), replace(bill_of(), provider="", finish=""))

    record = tables.row("records#")
    assert record["provider"] == record["team"] == record["generation_id"] == ""


def test_a_long_month_is_read_to_its_end(tables: Tables) -> None:
    """DynamoDB answers a megabyte at a time; what comes after is asked for too."""
    use(tables, facts_of(), bill_of())
    record = tables.row("records#")
    padding: dict[str, Any] = {"padding": "x" * 380_000}
    for number in range(4):
        tables.write(record, sk=f"2000000000.000#{number}", **padding)

    found = list(tables.usage_table().records(CHANNEL, MONTH))

    assert [r["sk"] for r in found] == [record["sk"], *(f"2000000000.000#{n}" for n in range(4))]
    for number in range(4):
        tables.delete(record | {"sk": f"2000000000.000#{number}"})


@pytest.mark.parametrize("prefix", ["rollup#", "records#"])
def test_a_newer_row_is_never_misread(tables: Tables, prefix: str) -> None:
    """A report refuses sums and records whose meaning a newer release has changed."""
    use(tables, facts_of(), bill_of())
    for row in tables.rows(prefix):
        tables.write(row, v=2)
    usage = tables.usage_table()

    with pytest.raises(TableUnavailable, match=rf"{prefix}\S+ \S+: row version 2"):
        list(usage.records(CHANNEL, MONTH) if prefix == "records#" else usage.channel_month(CHANNEL, MONTH))
