"""The ledger against a model of it: whatever comes after whatever, every amount is where the model has it.

Two channels, two people and the workspace; workers that look, reserve, settle, release, ask again or die; a
reconciler; limits that are set and taken back; a clock that goes on and jumps; transactions that meet
conflicts, are refused, or are written without anyone hearing of it. In any order.

    PENNY_LEDGER_STEPS=100000 python -m pytest tests/test_ledger_machine.py     many more steps
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from router.adapters.ledger import BudgetRow, Reservation, Reserved, Short
from router.adapters.limits import Limits
from router.adapters.openrouter import OpenRouter
from router.adapters.table import Dynamo
from router.budgets import WORKSPACE, BudgetName, Budgets
from router.config import BudgetConfig
from router.domain.budget import Budget, BudgetKind, BudgetPeriod, Limit, PeriodKind
from router.domain.usage import month_and_day
from router.errors import TableUnavailable
from router.reconcile import GRACE_S, OUTAGE_GRACE_S, Ending, reconcile
from tests.money import LEASE_S, bill_of, facts_of, reservation_of, usd
from tests.near_dynamodb import Fault, FaultyClient, ask
from tests.tables import make_tables

STEPS = int(os.environ.get("PENNY_LEDGER_STEPS", "2000"))
STEPS_AT_ONCE = 100
"""On one pair of tables, before the books are looked at as a whole."""

ZONE = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 10, 24, 23, 30, tzinfo=ZONE).timestamp()
"""Half an hour before a day of 25 hours, and eight days before a month ends."""

AMOUNTS = st.integers(0, 30).map(lambda n: Decimal(n) / 100)
"""Dollars, so that a few of them use up a limit."""

LIMITS = st.builds(
    Limit, st.sampled_from([usd("9"), usd("1.2345"), usd("0.5"), usd("0")]), st.sampled_from(PeriodKind)
)
CHANNELS = ("C0GENERAL1", "D0ADA00001")
USERS = ("U0ADA00001", "U0GRACE001")
NAMES: tuple[BudgetName, ...] = (
    *((BudgetKind.CHANNEL, channel) for channel in CHANNELS),
    *((BudgetKind.USER, user) for user in USERS),
    WORKSPACE,
)
LETS_PASS = frozenset({Fault.CONFLICT})
WRITES = frozenset({Fault.CONFLICT, Fault.UNSEEN})
LEAPS_S = (1, 60, LEASE_S, 3600, GRACE_S + LEASE_S, 86400, 7 * 86400, -3600, -86400)


@dataclass
class Row:
    """What should stand in the row of one budget's period."""

    limit_usd: Decimal
    spent_usd: Decimal = Decimal(0)
    reserved_usd: Decimal = Decimal(0)

    @property
    def remaining_usd(self) -> Decimal:
        """What can still be reserved."""
        return self.limit_usd - self.spent_usd - self.reserved_usd

    def admits(self, amount_usd: Decimal) -> bool:
        """Whether an estimate can be reserved."""
        return amount_usd == 0 or amount_usd <= self.remaining_usd


@dataclass
class Model:
    """What should stand in the tables."""

    rows: dict[BudgetRow, Row] = field(default_factory=dict)
    open: dict[str, Reservation] = field(default_factory=dict)
    set_limits: dict[BudgetName, Limit] = field(default_factory=dict)
    bills: dict[str, Decimal] = field(default_factory=dict)
    """By generation: what OpenRouter says."""

    def reserve(self, reservation: Reservation) -> None:
        """Set money aside."""
        self.open[reservation.id] = reservation
        for name in reservation.budgets:
            self.rows[name].reserved_usd += reservation.amount_usd

    def end(self, reservation: Reservation, cost_usd: Decimal) -> None:
        """Settle; a release costs nothing."""
        del self.open[reservation.id]
        for name in reservation.budgets:
            self.rows[name].reserved_usd -= reservation.amount_usd
            self.rows[name].spent_usd += cost_usd


class LedgerMachine(RuleBasedStateMachine):
    """One workspace, whatever happens in it."""

    client: FaultyClient
    steps = 0
    looks = Bundle("looks")
    reservations = Bundle("reservations")
    """Open and ended ones: a worker that is thought dead still has its own."""

    @initialize()
    def begin(self) -> None:
        """Start with empty tables."""
        self.now = BEGIN
        self.model = Model()
        self.config = BudgetConfig(usd("2"), usd("1"), PeriodKind.MONTH, ZONE, workspace_usd=usd("3"))
        self.client.clear()
        self.tables = make_tables(Dynamo(sleep=lambda _: None, client=self.client), ask)
        self.ledger = self.tables.ledger(lambda: self.now)
        self.touched: set[BudgetRow] = set()
        self.openrouter_is_away = False
        self.fault: Fault | None = None
        self.openrouter = OpenRouter("https://or.test/api/v1", "k", httpx.MockTransport(self._generation))

    def _generation(self, request: httpx.Request) -> httpx.Response:
        cost = self.model.bills.get(request.url.params["id"])
        if self.openrouter_is_away:
            return httpx.Response(503)
        if cost is None:
            return httpx.Response(404, json={"error": {"code": 404, "message": "not found"}})
        record = {"id": request.url.params["id"], "model": "maker/model", "total_cost": 0}
        return httpx.Response(200, text=json.dumps({"data": record}).replace(": 0", f": {cost}"))

    # what the model expects

    def _limit(self, name: BudgetName) -> Limit | None:
        return self.model.set_limits.get(name) or self._asked(name).limit

    def _asked(self, name: BudgetName) -> BudgetPeriod:
        return self.config.of(*name, self.now)

    def _expect_look(self, name: BudgetName) -> BudgetRow | None:
        """Open the row that a look opens, or move its limit."""
        limit = self._limit(name)
        if limit is None:
            return None
        row = (*name, self._asked(name).period(limit.per).key)
        self.model.rows.setdefault(row, Row(limit.amount_usd)).limit_usd = limit.amount_usd
        self.touched.add(row)
        return row

    @contextmanager
    def _through_fault(self, written: Callable[[], None]) -> Iterator[bool]:
        """Do a write that meets the fault that waits; yields whether it says that it succeeded.

        Where a fault lets it be written nevertheless, `written` tells the model.
        """
        fault, self.fault = self.fault, None
        if fault is None or fault in LETS_PASS:
            yield True
            written()
        else:
            with pytest.raises(TableUnavailable):
                yield False
            if fault in WRITES:
                written()
        self.client.clear()  # a write that had nothing to do did not meet it

    # the rules

    @rule(target=looks, channel=st.sampled_from(CHANNELS), user=st.sampled_from(USERS))
    def look_only(self, channel: str, user: str) -> tuple[BudgetRow, ...]:
        """Look at the budgets, for someone who reserves later."""
        return self.look(channel, user)

    def look(self, channel: str, user: str) -> tuple[BudgetRow, ...]:
        """Look at the budgets of a message: those with a limit, opened, with the limit that counts."""
        names = ((BudgetKind.CHANNEL, channel), (BudgetKind.USER, user), WORKSPACE)
        expected = tuple(row for row in map(self._expect_look, names) if row)
        found = self.ledger.budgets(tuple(map(self._asked, names)))
        assert tuple(budget.row for budget in found) == expected
        for budget in found:
            self._compare(budget)
        return expected

    @rule(
        target=reservations,
        channel=st.sampled_from(CHANNELS),
        user=st.sampled_from(USERS),
        amount=AMOUNTS,
        bill=st.none() | AMOUNTS,
    )
    def look_and_reserve(
        self, channel: str, user: str, amount: Decimal, bill: Decimal | None
    ) -> Reservation | MultipleResults[Reservation]:
        """Begin an answer, as a worker does; OpenRouter may know its bill, should the worker die."""
        reservation = self.reserve(self.look(channel, user), amount)
        if isinstance(reservation, Reservation) and bill is not None:
            self.model.bills[reservation.generation_id] = bill
        return reservation

    @rule(target=reservations, budgets=looks, amount=AMOUNTS)
    def reserve_late(
        self, budgets: tuple[BudgetRow, ...], amount: Decimal
    ) -> Reservation | MultipleResults[Reservation]:
        """Reserve on what was looked at long ago."""
        return self.reserve(budgets, amount)

    def reserve(
        self, budgets: tuple[BudgetRow, ...], amount: Decimal
    ) -> Reservation | MultipleResults[Reservation]:
        """Reserve; admitted exactly if the model says so."""
        month, day = month_and_day(self.now, ZONE)
        reservation = reservation_of(
            str(amount),
            budgets=budgets,
            lease_until=int(self.now + LEASE_S),
            facts=facts_of(month=month, day=day, channel=budgets[0][1]),
            generation_id=f"gen-{uuid.uuid4().hex}",
        )
        self.touched.update(budgets)
        is_admitted = all(self.model.rows[name].admits(amount) for name in budgets)
        fault = self.fault
        if not is_admitted and fault in WRITES - LETS_PASS:
            self.fault = None  # nothing could be written unseen
            self.client.clear()
        with self._through_fault(lambda: None) as is_told:
            answer = self.ledger.reserve(reservation)
            if is_told and is_admitted:
                assert answer == Reserved()
                self.model.reserve(reservation)
            elif is_told:
                assert isinstance(answer, Short)
                assert {b.row for b in answer.budgets} == {
                    name for name in budgets if not self.model.rows[name].admits(amount)
                }
        return reservation if reservation.id in self.model.open else multiple()

    @rule(reservation=reservations)
    def reserve_again(self, reservation: Reservation) -> None:
        """Ask again, as after a lost answer or with a job that came twice."""
        if self.fault not in (None, *LETS_PASS):
            return
        self.fault = None
        if reservation.id in self.model.open:
            assert self.ledger.reserve(reservation) == Reserved()
        else:
            with pytest.raises(TableUnavailable):
                self.ledger.reserve(reservation)
        self.client.clear()

    @rule(reservation=reservations, cost=AMOUNTS)
    def settle(self, reservation: Reservation, cost: Decimal) -> None:
        """Settle for less or more than was set aside, maybe long after everyone else thought it dead."""
        self._end(reservation, cost, lambda: self.ledger.settle(reservation, bill_of(str(cost))))

    @rule(reservation=reservations)
    def release(self, reservation: Reservation) -> None:
        """Return what was set aside."""
        self._end(reservation, Decimal(0), lambda: self.ledger.release(reservation))

    def _end(self, reservation: Reservation, cost: Decimal, end: Callable[[], bool]) -> None:
        is_open = reservation.id in self.model.open
        if not is_open and self.fault in WRITES - LETS_PASS:
            return
        self.touched.update(reservation.budgets)

        def written() -> None:
            if is_open:
                self.model.end(reservation, cost)

        with self._through_fault(written) as is_told:
            assert end() == is_open or not is_told

    @rule()
    def openrouter_goes_or_comes(self) -> None:
        """Let OpenRouter be away, or back."""
        self.openrouter_is_away = not self.openrouter_is_away

    @precondition(lambda self: self.model.open)
    @rule()
    def reconcile(self) -> None:
        """Settle what is past its lease: by its bill, or after its grace by its estimate."""
        self.fault = None
        self.client.clear()
        expected = {r.id: self._ending(r) for r in self.model.open.values() if r.lease_until < int(self.now)}
        done = list(reconcile(self.ledger, self.openrouter, clock=lambda: self.now))
        assert {one.reservation.id: one.ending for one in done} == expected
        for one in done:
            if one.ending is not Ending.WAITING:
                assert one.cost_usd is not None
                self.touched.update(one.reservation.budgets)
                self.model.end(self.model.open[one.reservation.id], one.cost_usd)

    def _ending(self, reservation: Reservation) -> Ending:
        if not self.openrouter_is_away and reservation.generation_id in self.model.bills:
            return Ending.SETTLED
        grace = OUTAGE_GRACE_S if self.openrouter_is_away else GRACE_S
        return Ending.WAITING if self.now < reservation.lease_until + grace else Ending.ESTIMATED

    @rule(seconds=st.sampled_from(LEAPS_S))
    def time_passes(self, seconds: float) -> None:
        """Let the clock go on, over a day's or a month's end, or jump back."""
        self.now += seconds

    @rule(usd_=st.sampled_from(["0.75", "3", "9", "0"]), per=st.sampled_from(PeriodKind))
    def the_file_changes(self, usd_: str, per: PeriodKind) -> None:
        """Deploy other limits for the channels, and another kind of period for all."""
        self.config = replace(self.config, channel_usd=usd(usd_), period=per)

    @rule(name=st.sampled_from(NAMES), limit=st.none() | LIMITS)
    def set_or_take_back_a_limit(self, name: BudgetName, limit: Limit | None) -> None:
        """Set a limit, or take back what was set; it counts at once."""
        limits = Limits(self.tables.dynamo, self.tables.state)
        budgets = Budgets(self.ledger, limits, self.tables.usage_table(), self.config, clock=lambda: self.now)

        def written() -> None:
            self.model.set_limits.pop(name, None)
            if limit:
                self.model.set_limits[name] = limit

        with self._through_fault(written) as is_told:
            if limit:
                budgets.set_limit(name, limit.amount_usd, limit.per, "ada")
            else:
                budgets.unset_limit(name, "ada")
        if is_told:
            self._expect_look(name)

    @rule(fault=st.sampled_from(Fault))
    def a_fault_waits(self, fault: Fault) -> None:
        """Let a fault meet the next transaction."""
        self.client.inject(fault)
        self.fault = fault

    # what always holds

    def _compare(self, budget: Budget) -> None:
        row = self.model.rows[budget.row]
        assert (budget.limit_usd, budget.spent_usd) == (row.limit_usd, row.spent_usd)
        assert (budget.reserved_usd, budget.remaining_usd) == (row.reserved_usd, row.remaining_usd)

    @invariant()
    def the_rows_are_as_the_model(self) -> None:
        """Compare every amount that may have moved, exactly."""
        type(self).steps += 1
        names = tuple(self.touched)
        self.touched.clear()
        if names:
            budgets = self.ledger.rows(names)
            assert {budget.row for budget in budgets} == set(names)
            for budget in budgets:
                self._compare(budget)

    def teardown(self) -> None:
        """Let everyone die and time pass: nothing stays reserved, and the books balance to the last digit."""
        if not hasattr(self, "tables"):
            return
        self.now += 10 * OUTAGE_GRACE_S + max((r.lease_until for r in self.model.open.values()), default=0)
        if self.model.open:
            self.reconcile()
        assert not self.model.open
        for budget in self.ledger.rows(tuple(self.model.rows)):
            assert budget.reserved_usd == 0
            self._compare(budget)
        self.tables.check_books()
        with closing(self.openrouter):
            pass


def test_the_ledger_does_what_its_model_does() -> None:
    """In any order of all that can happen, no amount strays, and at the end nothing is left reserved."""

    class OnTables(LedgerMachine):
        client = FaultyClient()

    one_more = settings(
        max_examples=10,
        stateful_step_count=STEPS_AT_ONCE,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    while OnTables.steps < STEPS:
        run_state_machine_as_test(OnTables, settings=one_more)
