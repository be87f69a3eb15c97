"""Rows as the first layout has them, with the fewest attributes it ever had: this release works on with them.

They are written down here and never change. A release that reads another layout adds its own beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from router.adapters.claims import Claim, Duplicate
from router.adapters.digests import Digests, NoTurn, Phase
from router.adapters.table import ROW_VERSION
from tests.money import CHANNEL, LEASE_S, MONTH, NOW, bill_of, budget_of, message_of, reservation_of
from tests.tables import Tables, tables_for

FACTS: dict[str, Any] = {
    "channel": "C0GENERAL1",
    "user": "U0ADA00001",
    "team": "T0TEAM0001",
    "message_ts": "1795348800.000100",
    "thread_ts": "1795348800.000100",
    "tier_wanted": "standard",
    "tier_given": "economy",
    "models": ["openai/gpt-6-luna"],
    "prompt_bound": 1200,
    "max_tokens": 2500,
    "started_at": Decimal("1795348800.125"),
    "month": "2026-11",
    "day": "2026-11-22",
    "why": {"policy": "bands", "length": "20", "band": "economy", "left": "1.00"},
}

SUMS: dict[str, Any] = {
    "v": 1,
    "pk": "rollup#C0GENERAL1#2026-11",
    "answers": 1,
    "cost_usd": Decimal("0.04"),
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "estimated_usd": 0,
}

ENDED = {
    "v": 1,
    "pk": "reservation#ended",
    "sk": "reservation",
    "id": "ended",
    "owner": "worker-0",
    "state": "settled",
    "lease_until": 1795348990,
    "amount_usd": Decimal("0.10"),
    "budgets": ["2026-11#channel#C0GENERAL1"],
    "generation_id": "gen-0",
    "facts": FACTS,
    "expires_at": 1798372800,
}

ROWS: tuple[dict[str, Any], ...] = (
    {
        "v": 1,
        "pk": "budget#channel#C0GENERAL1",
        "sk": "2026-11",
        "limit_usd": 5,
        "spent_usd": Decimal("0.04"),
        "reserved_usd": Decimal("0.50"),
        "remaining_usd": Decimal("4.46"),
    },
    ENDED,
    {name: value for name, value in ENDED.items() if name != "expires_at"}
    | {
        "pk": "reservation#open",
        "id": "open",
        "state": "open",
        "open": "open",
        "amount_usd": Decimal("0.50"),
        "generation_id": "",
    },
    {
        "v": 1,
        "pk": "records#C0GENERAL1#2026-11",
        "sk": "1795348800.125#ended",
        "reservation_id": "ended",
        "generation_id": "gen-0",
        "estimate_usd": Decimal("0.10"),
        "overrun_usd": 0,
        **FACTS,
        "cost_usd": Decimal("0.04"),
        "model": "openai/gpt-6-luna",
        "provider": "OpenAI",
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "reasoning_tokens": 0,
        "cached_tokens": 0,
        "finish": "stop",
        "estimated": False,
        "oddities": [],
    },
    *(
        SUMS
        | {
            "sk": f"{dimension}#{value}",
            "rollup_month": f"2026-11#{dimension}",
            "rollup_of": f"C0GENERAL1#{value}",
        }
        for dimension, value in {
            "total": "all",
            "model": "openai/gpt-6-luna",
            "user": "U0ADA00001",
            "day": "2026-11-22",
        }.items()
    ),
)

CLAIM = {
    "v": 1,
    "pk": "message#C0GENERAL1#1795348800.000100",
    "sk": "claim",
    "owner": "worker-0",
    "job": "job-0",
    "lease_until": 1795348990,
    "receives": 1,
    "expires_at": 1797940800,
}

DIGEST = {
    "v": 1,
    "pk": "digest#C0GENERAL1",
    "sk": "2026-W47",
    "owner": "run-0",
    "lease_until": 1795349000,
    "began_at": 1795348800,
    "tries": 1,
    "expires_at": 1800532800,
}


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give tables with rows of the first layout; afterwards the books balance."""
    for made in tables_for(request):
        for row in ROWS:
            made.write(row)
        yield made


def test_money_goes_on(tables: Tables) -> None:
    """What was reserved is settled by what it cost, and the budget bears the next message."""
    (left,) = tables.ledger().open_past_lease(NOW + LEASE_S * 2)
    assert tables.ledger().settle(left, bill_of("0.20"))

    (budget,) = tables.ledger().budgets((budget_of("5"),), consistent=True)
    assert (budget.spent_usd, budget.reserved_usd) == (Decimal("0.24"), Decimal(0))
    assert budget.remaining_usd == Decimal("4.76")

    tables.ledger().reserve(next_one := reservation_of("0.10"))
    assert tables.ledger().settle(next_one, bill_of("0.05"))


def test_a_report_reads_on(tables: Tables) -> None:
    """Sums and records of then are in the reports of now."""
    usage = tables.usage_table()

    assert {(r.dimension, r.cost_usd) for r in usage.channel_month(CHANNEL, MONTH)} == {
        (dimension, Decimal("0.04")) for dimension in ("total", "model", "user", "day")
    }
    assert [r.value for r in usage.workspace_month(MONTH, "model")] == ["openai/gpt-6-luna"]
    assert [row["cost_usd"] for row in usage.records(CHANNEL, MONTH)] == [Decimal("0.04")]


@pytest.mark.parametrize(
    ("phase", "seen"),
    [
        ({"phase": "done", "outcome": "answered"}, Duplicate),
        ({"phase": "abandoned", "reason": "unavailable"}, Claim),
        ({"phase": "claimed"}, Claim),
    ],
)
def test_a_message_is_answered_once_across_releases(
    tables: Tables, phase: dict[str, str], seen: type[object]
) -> None:
    """What was answered stays answered; what was let go or whose worker died is taken over."""
    tables.write(CLAIM | phase)

    taken = tables.claims().take(
        message_of(), job="job-1", owner="worker-1", now=NOW + LEASE_S * 2, lease_s=LEASE_S
    )

    assert isinstance(taken, seen)


def test_a_digest_is_not_posted_twice_across_releases(tables: Tables) -> None:
    """The week that was told is told."""
    tables.write(DIGEST | {"phase": "posted", "ts": "1795348801.000100", "reason": ""})

    turn = Digests(tables.dynamo, tables.state).take(CHANNEL, "2026-W47", "run-1", NOW + LEASE_S)

    assert turn == NoTurn(Phase.POSTED)


def test_every_row_bears_its_version(tables: Tables) -> None:
    """What this release writes beside them has its version too, whichever row it is."""
    tables.ledger().reserve(reservation := reservation_of("0.10"))
    tables.ledger().settle(reservation, bill_of("0.05"))
    tables.claims().take(message_of(), job="job-1", owner="worker-1", now=NOW, lease_s=LEASE_S)
    Digests(tables.dynamo, tables.state).take(CHANNEL, "2026-W47", "run-1", NOW)

    kinds = {row["pk"].partition("#")[0] for row in tables.rows()}
    assert kinds == {"budget", "reservation", "records", "rollup", "message", "digest"}
    assert {row["v"] for row in tables.rows()} == {ROW_VERSION}
