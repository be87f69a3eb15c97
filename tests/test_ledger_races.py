"""Many workers at once: the budget admits what it bears, and everything ends once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from typing import Any, TypeVar

import httpx
import pytest

from playground.aws import LocalAws
from router.adapters.claims import Claim, Duplicate
from router.adapters.ledger import Reservation, Reserved, Short
from router.adapters.openrouter import OpenRouter
from router.domain.budget import BudgetKind
from router.reconcile import Ending, reconcile
from tests.money import LEASE_S, MONTH, NOW, bill_of, budget_of, message_of, on_channel, reservation_of, usd
from tests.tables import Tables, fresh_tables

THREADS = 16
T = TypeVar("T")


@pytest.fixture
def tables(aws: LocalAws) -> Iterator[Tables]:
    """Give each story tables of its own; afterwards the books balance."""
    tables = fresh_tables(aws.url)
    yield tables
    tables.check_books()


def at_once(works: list[Callable[[], T]]) -> list[T]:
    """Do all works on sixteen threads that start together; return what they gave, in order."""
    start = threading.Barrier(min(THREADS, len(works)))
    waiting = threading.local()

    def do(work: Callable[[], T]) -> T:
        if not hasattr(waiting, "over"):
            waiting.over = start.wait(10)
        return work()

    with ThreadPoolExecutor(start.parties) as pool:
        return list(pool.map(do, works))


def reserving(tables: Tables, reservations: list[Reservation]) -> list[Callable[[], Reserved | Short]]:
    """Return the reserving of each reservation."""
    return [lambda r=r: tables.ledger().reserve(r) for r in reservations]  # type: ignore[misc]


def test_a_hundred_reservations_with_room_for_twenty(tables: Tables) -> None:
    """Exactly as many are admitted as the budget bears, and the rest is told what stands there."""
    tables.ledger().budgets((budget_of("2.00"),))
    reservations = [reservation_of("0.10") for _ in range(100)]

    answers = at_once(reserving(tables, reservations))

    assert Counter(type(answer) for answer in answers) == {Reserved: 20, Short: 80}
    assert tables.row("budget#")["remaining_usd"] == 0
    assert all(a.budgets[0].remaining_usd < usd("0.10") for a in answers if isinstance(a, Short))


def test_many_channels_meet_on_the_workspace(tables: Tables) -> None:
    """Ten channels with money of their own: the workspace admits what it bears, and all three books agree."""
    everyone = (BudgetKind.WORKSPACE, "all", MONTH)
    channels = [f"C0CHANNEL{n}" for n in range(10)]
    ada = (BudgetKind.USER, "U0ADA00001", MONTH)
    named = [budget_of("1", name) for name in channels]
    named += [budget_of("9", ada[1], ada[0]), budget_of("2", "all", BudgetKind.WORKSPACE)]
    tables.ledger().budgets(tuple(named))
    reservations = [
        reservation_of("0.10", channel=name, budgets=(on_channel(name), ada, everyone))
        for name in channels * 10
    ]

    answers = at_once(reserving(tables, reservations))
    admitted = [r for r, answer in zip(reservations, answers, strict=True) if answer == Reserved()]
    settled = at_once([lambda r=r: tables.ledger().settle(r, bill_of("0.07")) for r in admitted])  # type: ignore[misc]

    assert len(admitted) == 20
    assert all(settled)
    assert {b.kind for a in answers if isinstance(a, Short) for b in a.budgets} == {BudgetKind.WORKSPACE}
    assert tables.row("budget#workspace#")["spent_usd"] == usd("1.40")
    assert tables.row("budget#user#")["spent_usd"] == usd("1.40")
    assert sum(row["spent_usd"] for row in tables.rows("budget#channel#")) == usd("1.40")


def test_one_reservation_by_many_threads_counts_once(tables: Tables) -> None:
    """However often an answer gets lost and the same reservation is asked for again."""
    tables.ledger().budgets((budget_of("1.00"),))
    reservation = reservation_of("0.10")

    answers = at_once(reserving(tables, [reservation] * THREADS))

    assert answers == [Reserved()] * THREADS
    assert tables.row("budget#")["reserved_usd"] == usd("0.10")


def test_twenty_settlements_at_once_keep_the_sums(tables: Tables) -> None:
    """Budget, records and rollups agree, though all wrote the same rows at the same time."""
    tables.ledger().budgets((budget_of("2.00"),))
    reservations = [reservation_of("0.10") for _ in range(20)]
    at_once(reserving(tables, reservations))
    costs = [Decimal(n) / 1000 for n in range(20)]

    def settling(reservation: Reservation, cost: Decimal) -> Callable[[], bool]:
        return lambda: tables.ledger().settle(reservation, bill_of(str(cost)))

    works = [settling(r, c) for r, c in zip(reservations, costs, strict=True)]

    assert Counter(at_once([*works, *works])) == {True: 20, False: 20}
    assert tables.row("budget#")["spent_usd"] == sum(costs)
    assert len(tables.rows("records#")) == 20


def test_a_limit_that_moves_while_money_is_reserved(tables: Tables) -> None:
    """Whoever comes first, what remains is the limit less what was admitted."""
    tables.ledger().budgets((budget_of("1.00"),))
    reserve = reserving(tables, [reservation_of("0.10") for _ in range(30)])
    limits = ["2.00", "0.50", "2.00", "1.50"]
    move = [lambda limit=limit: tables.ledger().budgets((budget_of(limit),)) for limit in limits]
    works: list[Callable[[], Any]] = [*reserve[:10], *move, *reserve[10:], move[-1]]

    answers = at_once(works)

    admitted = answers.count(Reserved())
    row = tables.row("budget#")
    assert 5 <= admitted <= 20
    assert row["limit_usd"] in {usd(limit) for limit in limits}
    assert row["remaining_usd"] == row["limit_usd"] - admitted * usd("0.10")


def test_a_period_that_many_see_first_opens_once(tables: Tables) -> None:
    """All get the same budget, and what one of them reserved meanwhile is not forgotten."""

    def look_and_reserve() -> Reserved | Short:
        (budget,) = tables.ledger().budgets((budget_of("1.00"),))
        assert budget.limit_usd == usd("1.00")
        return tables.ledger().reserve(reservation_of("0.10"))

    answers = at_once([look_and_reserve] * THREADS)

    assert answers.count(Reserved()) == 10


def test_one_claim_for_many_workers(tables: Tables) -> None:
    """Of many jobs for one message one gets the claim, and the others are duplicates."""

    def take(number: int) -> Callable[[], object]:
        return lambda: tables.claims().take(
            message_of(), job=f"job-{number}", owner=f"worker-{number}", now=NOW, lease_s=LEASE_S
        )

    answers = at_once([take(number) for number in range(THREADS)])

    assert Counter(type(answer) for answer in answers) == {Claim: 1, Duplicate: THREADS - 1}


def test_two_reconcilers_and_a_slow_worker_settle_once(tables: Tables) -> None:
    """Whoever is first ends a reservation; the others find it ended."""
    tables.ledger().budgets((budget_of("5.00"),))
    left = [reservation_of("0.10", lease_until=NOW - 10, generation_id=f"gen-{n}") for n in range(8)]
    at_once(reserving(tables, left))

    def bill(request: httpx.Request) -> httpx.Response:
        record = {"id": request.url.params["id"], "model": "openai/gpt-6.1-terra", "total_cost": 0.04}
        return httpx.Response(200, json={"data": record})

    with closing(OpenRouter("https://or.test/api/v1", "sk-or-test", httpx.MockTransport(bill))) as openrouter:

        def run() -> list[bool]:
            done = reconcile(tables.ledger(), openrouter, clock=lambda: NOW)
            return [one.ending is Ending.SETTLED for one in done]

        def settle() -> list[bool]:
            return [tables.ledger().settle(reservation, bill_of("0.04")) for reservation in left]

        ended = at_once([run, run, settle])

    assert sum(sum(ends) for ends in ended) == len(left)
    assert tables.row("budget#")["spent_usd"] == usd("0.32")
