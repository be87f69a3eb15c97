"""Reconcile: what workers left open ends by OpenRouter's word, or as its estimate."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from router.adapters.ledger import Reserved
from router.adapters.openrouter import OpenRouter
from router.errors import TableUnavailable
from router.reconcile import (
    GRACE_S,
    OUTAGE_GRACE_S,
    STOP_BEFORE_S,
    Ending,
    Reconciled,
    reconcile,
    reconcile_all,
)
from tests.money import NOW, bill_of, budget_of, reservation_of, usd
from tests.tables import Tables, tables_for

LONG_AGO = NOW - GRACE_S - 1
A_DAY_AGO = NOW - OUTAGE_GRACE_S - 1
A_MOMENT_AGO = NOW - 10


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give each story tables of its own; afterwards the books balance."""
    for tables in tables_for(request):
        tables.ledger().budgets((budget_of("10"),))
        yield tables


@dataclass
class Records:
    """OpenRouter's records of past calls, over HTTP; `asked` are the ids that someone wanted to know."""

    costs: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    status: int = 200
    then: Callable[[], object] = lambda: None

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer `GET /generation`."""
        assert request.url.path.endswith("/generation")
        generation_id = request.url.params["id"]
        self.asked.append(generation_id)
        self.then()
        if self.status != httpx.codes.OK:
            return httpx.Response(self.status)
        if generation_id not in self.costs:
            return httpx.Response(404, json={"error": {"code": 404, "message": "not found"}})
        return httpx.Response(200, text=self._record(generation_id))

    def _record(self, generation_id: str) -> str:
        record: dict[str, Any] = {
            "id": generation_id,
            "model": "openai/gpt-6.1-terra",
            "provider_name": "OpenAI",
            "native_tokens_prompt": 90,
            "native_tokens_completion": 40,
            "total_cost": 0,
        }
        return json.dumps({"data": record}).replace(
            '"total_cost": 0', f'"total_cost": {self.costs[generation_id]}'
        )


@pytest.fixture
def records() -> Records:
    """Make records that know of no call."""
    return Records()


@pytest.fixture
def openrouter(records: Records) -> Iterator[OpenRouter]:
    """Make a client of the records."""
    with closing(
        OpenRouter("https://or.test/api/v1", "sk-or-test", httpx.MockTransport(records.answer))
    ) as client:
        yield client


def left_open(tables: Tables, lease_until: float, generation_id: str = "", amount: str = "0.10") -> str:
    """Leave a reservation open, as a worker does that dies; return its id."""
    reservation = reservation_of(amount, lease_until=lease_until)
    assert tables.ledger().reserve(reservation) == Reserved()
    if generation_id:
        tables.ledger().note_generation(reservation.id, generation_id)
    return reservation.id


def run(tables: Tables, openrouter: OpenRouter, **how: Any) -> dict[str, Ending]:
    """Reconcile; name the ending of each reservation."""
    done = list(reconcile(tables.ledger(), openrouter, clock=lambda: NOW, **how))
    return {one.reservation.id: one.ending for one in done}


def test_the_true_cost_replaces_the_estimate(
    tables: Tables, openrouter: OpenRouter, records: Records
) -> None:
    """A call whose bill OpenRouter knows is settled as its worker would have done it."""
    records.costs["gen-1"] = "0.0123456"
    left = left_open(tables, A_MOMENT_AGO, "gen-1")

    assert run(tables, openrouter) == {left: Ending.SETTLED}

    record = tables.row("records#")
    assert (record["cost_usd"], record["estimated"], record["generation_id"]) == (
        usd("0.0123456"),
        False,
        "gen-1",
    )
    assert (record["prompt_tokens"], record["completion_tokens"], record["provider"]) == (90, 40, "OpenAI")
    assert tables.row("budget#")["remaining_usd"] == usd("9.9876544")


def test_an_overrun_that_comes_to_light_is_told(
    tables: Tables, openrouter: OpenRouter, records: Records, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bill above the estimate counts in full, and the journal says by how much."""
    records.costs["gen-1"] = "0.25"
    left_open(tables, A_MOMENT_AGO, "gen-1")

    run(tables, openrouter)

    assert tables.row("records#")["overrun_usd"] == usd("0.15")
    line = json.loads(capsys.readouterr().out)
    assert (line["at"], line["outcome"], line["overrun_usd"]) == ("reconcile", "settled", 0.15)


@pytest.mark.parametrize("status", [200, 500, 429])
def test_what_openrouter_does_not_say_is_waited_for(
    tables: Tables, openrouter: OpenRouter, records: Records, status: int
) -> None:
    """Unknown there, or no answer: within the time of grace the reservation stays open."""
    records.status = status
    left = left_open(tables, A_MOMENT_AGO, "gen-1")

    assert run(tables, openrouter) == {left: Ending.WAITING}

    assert records.asked == ["gen-1"]
    assert tables.row("budget#")["reserved_usd"] == usd("0.10")


@pytest.mark.parametrize(("status", "lease_until"), [(200, LONG_AGO), (401, A_DAY_AGO), (500, A_DAY_AGO)])
def test_what_openrouter_never_says_stays_as_the_charge(
    tables: Tables, openrouter: OpenRouter, records: Records, status: int, lease_until: float
) -> None:
    """After the time of grace the estimate is spent, marked as estimated."""
    records.status = status
    left = left_open(tables, lease_until, "gen-1")

    assert run(tables, openrouter) == {left: Ending.ESTIMATED}

    record = tables.row("records#")
    assert (record["cost_usd"], record["estimated"], record["finish"]) == (usd("0.10"), True, "unknown")
    (total,) = [row for row in tables.rows("rollup#") if row["sk"] == "total#all"]
    assert total["estimated_usd"] == usd("0.10")


@pytest.mark.parametrize("status", [401, 500])
def test_an_outage_says_nothing_of_the_bill(
    tables: Tables, openrouter: OpenRouter, records: Records, status: int
) -> None:
    """While OpenRouter is out of reach, or refuses the key, the money waits for a day and not for an hour."""
    records.status = status
    left = left_open(tables, LONG_AGO, "gen-1")

    assert run(tables, openrouter) == {left: Ending.WAITING}


def test_a_worker_that_died_before_the_headers_is_charged_its_estimate(
    tables: Tables, openrouter: OpenRouter, records: Records
) -> None:
    """Without a generation there is nobody to ask: the doubt goes against spending, after the same time."""
    old, young = left_open(tables, LONG_AGO), left_open(tables, A_MOMENT_AGO)

    assert run(tables, openrouter) == {old: Ending.ESTIMATED, young: Ending.WAITING}

    assert records.asked == []


def test_a_bill_that_cannot_be_right_is_no_bill(
    tables: Tables, openrouter: OpenRouter, records: Records
) -> None:
    """A negative or absurd cost is taken for none: the estimate is the charge."""
    records.costs = {"gen-1": "-1", "gen-2": "1e9"}
    left = [left_open(tables, LONG_AGO, "gen-1"), left_open(tables, LONG_AGO, "gen-2")]

    assert run(tables, openrouter) == dict.fromkeys(left, Ending.ESTIMATED)

    assert tables.row("budget#")["spent_usd"] == usd("0.20")


def test_leases_that_still_run_are_left_alone(
    tables: Tables, openrouter: OpenRouter, records: Records
) -> None:
    """A worker within its lease is at work."""
    left_open(tables, NOW + 1, "gen-1")

    assert run(tables, openrouter) == {}
    assert records.asked == []


def test_a_worker_that_was_only_slow_keeps_its_own_bill(
    tables: Tables, openrouter: OpenRouter, records: Records
) -> None:
    """When the worker settles while OpenRouter is asked, its settlement stands and ours changes nothing."""
    records.costs["gen-1"] = "0.05"
    slow = reservation_of("0.10", lease_until=A_MOMENT_AGO, generation_id="gen-1")
    tables.ledger().reserve(slow)
    records.then = lambda: tables.ledger().settle(slow, bill_of("0.04"))

    assert run(tables, openrouter) == {slow.id: Ending.ENDED_BEFORE}

    assert tables.row("records#")["cost_usd"] == usd("0.04")


def test_a_second_run_finds_nothing_to_do(tables: Tables, openrouter: OpenRouter, records: Records) -> None:
    """What was settled is out of the index, and running again spends no cent."""
    records.costs["gen-1"] = "0.05"
    left_open(tables, A_MOMENT_AGO, "gen-1")
    run(tables, openrouter)

    assert run(tables, openrouter) == {}


def test_a_dry_run_tells_and_changes_nothing(
    tables: Tables, openrouter: OpenRouter, records: Records, capsys: pytest.CaptureFixture[str]
) -> None:
    """What would be done is said, and all rows stay as they are."""
    records.costs["gen-1"] = "0.05"
    known, unknown = left_open(tables, LONG_AGO, "gen-1"), left_open(tables, LONG_AGO + 1)
    before = tables.rows()

    assert run(tables, openrouter, dry_run=True) == {known: Ending.SETTLED, unknown: Ending.ESTIMATED}

    assert tables.rows() == before
    outcomes = [json.loads(line)["outcome"] for line in capsys.readouterr().out.splitlines()]
    assert outcomes == ["would_be_settled", "would_be_estimated"]


def test_it_stops_when_its_time_is_over(tables: Tables, openrouter: OpenRouter, records: Records) -> None:
    """The oldest are ended first; for the others there is a next run."""
    clock = [NOW]
    records.then = lambda: clock.append(clock[-1] + 20)
    left = [left_open(tables, LONG_AGO + n, f"gen-{n}") for n in range(3)]

    done: list[Reconciled] = list(reconcile(tables.ledger(), openrouter, seconds=30, clock=lambda: clock[-1]))

    assert [one.reservation.id for one in done] == left[:2]


def test_one_that_cannot_be_settled_holds_up_no_other(
    tables: Tables, openrouter: OpenRouter, records: Records
) -> None:
    """A reservation on a row that we cannot write is left for later, and those behind it are ended."""
    tables.ledger().budgets((budget_of("10", "C0OTHER001"),))
    records.costs = {"gen-1": "0.01", "gen-2": "0.02"}
    stuck = reservation_of(channel="C0OTHER001", lease_until=1000.0)
    tables.ledger().reserve(stuck)
    free = left_open(tables, A_MOMENT_AGO, "gen-2")
    theirs = tables.row("budget#channel#C0OTHER001")
    tables.write(theirs, v=2)

    assert run(tables, openrouter) == {stuck.id: Ending.UNSETTLED, free: Ending.SETTLED}

    with pytest.raises(TableUnavailable, match="not be settled: 1"):
        reconcile_all(tables.ledger(), openrouter, seconds_left=60)
    tables.write(tables.row("budget#channel#C0OTHER001"), v=1)
    assert run(tables, openrouter) == {stuck.id: Ending.ESTIMATED}


def test_a_run_counts_its_endings(tables: Tables, openrouter: OpenRouter, records: Records) -> None:
    """Whoever looks at the schedule sees how many reservations ended in which way."""
    records.costs["gen-1"] = "0.05"
    left_open(tables, 1000.0, "gen-1")
    left_open(tables, 1000.0)
    left_open(tables, 1000.0)

    assert reconcile_all(tables.ledger(), openrouter, seconds_left=60) == {"settled": 1, "estimated": 2}


def test_a_run_without_time_ends_nothing(tables: Tables, openrouter: OpenRouter) -> None:
    """When less time is left than one settlement takes, none is begun."""
    left_open(tables, 1000.0)

    assert reconcile_all(tables.ledger(), openrouter, seconds_left=STOP_BEFORE_S) == {}
