"""The ledger against a model of it: whatever comes after whatever, every amount is where the model has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from playground.aws import LocalAws
from router.adapters.ledger import Reservation, Reserved, Short
from router.errors import TableUnavailable
from tests.money import LEASE_S, MONTH, NOW, bill_of, budget_of, reservation_of
from tests.tables import Tables, fresh_tables, plain

AMOUNTS = st.integers(0, 5000).map(lambda n: Decimal(n) / 10_000)
"""Dollars, so that a few of them use up a limit."""

LIMITS = st.sampled_from(["0", "0.5", "1", "1.2345"])

EXAMPLES = 20
STEPS = 25


@dataclass
class Model:
    """What should stand in the budget's row."""

    limit_usd: Decimal
    spent_usd: Decimal = Decimal(0)
    held: dict[str, Reservation] = field(default_factory=dict)

    @property
    def reserved_usd(self) -> Decimal:
        """What is set aside."""
        return sum((r.amount_usd for r in self.held.values()), Decimal(0))

    @property
    def remaining_usd(self) -> Decimal:
        """What can still be reserved."""
        return self.limit_usd - self.spent_usd - self.reserved_usd

    def admits(self, amount_usd: Decimal) -> bool:
        """Whether an estimate can be reserved."""
        return amount_usd == 0 or amount_usd <= self.remaining_usd


class LedgerMachine(RuleBasedStateMachine):
    """One channel's month, whatever happens in it."""

    tables: Tables
    channels = iter(range(1_000_000))
    held = Bundle("held")
    ended = Bundle("ended")

    @initialize(limit=LIMITS)
    def begin(self, limit: str) -> None:
        """See the channel for the first time."""
        self.ledger = self.tables.ledger(lambda: NOW)
        self.channel = f"C{next(self.channels)}"
        self.model = Model(Decimal(limit))
        self.change_limit(limit)

    @rule(limit=LIMITS)
    def change_limit(self, limit: str) -> None:
        """Look at the budget with this limit in the file."""
        self.model.limit_usd = Decimal(limit)
        (budget,) = self.ledger.budgets((budget_of(limit, self.channel),))
        assert budget.remaining_usd == self.model.remaining_usd
        assert budget.unspent_usd == self.model.limit_usd - self.model.spent_usd

    @rule(target=held, amount=AMOUNTS)
    def reserve(self, amount: Decimal) -> Reservation | MultipleResults[Reservation]:
        """Reserve; admitted exactly if the model says so."""
        reservation = reservation_of(str(amount), channel=self.channel)
        answer = self.ledger.reserve(reservation)
        if not self.model.admits(amount):
            assert isinstance(answer, Short)
            return multiple()
        assert answer == Reserved()
        self.model.held[reservation.id] = reservation
        return reservation

    @rule(reservation=held)
    def reserve_again(self, reservation: Reservation) -> None:
        """Ask again, as after a lost answer."""
        assert self.ledger.reserve(reservation) == Reserved()

    @rule(target=ended, reservation=consumes(held), cost=AMOUNTS)
    def settle(self, reservation: Reservation, cost: Decimal) -> Reservation:
        """Settle for less or more than was set aside."""
        assert self.ledger.settle(reservation, bill_of(str(cost)))
        self.model.spent_usd += cost
        del self.model.held[reservation.id]
        return reservation

    @rule(target=ended, reservation=consumes(held))
    def release(self, reservation: Reservation) -> Reservation:
        """Return what was set aside."""
        assert self.ledger.release(reservation)
        del self.model.held[reservation.id]
        return reservation

    @rule(reservation=ended, cost=AMOUNTS)
    def end_again(self, reservation: Reservation, cost: Decimal) -> None:
        """Settle, release and reserve what has ended."""
        assert not self.ledger.settle(reservation, bill_of(str(cost)))
        assert not self.ledger.release(reservation)
        with pytest.raises(TableUnavailable):
            self.ledger.reserve(reservation)

    @rule()
    def find_left_open(self) -> None:
        """Look for leases that ran out: all that is held, nothing else."""
        found = self.ledger.open_past_lease(NOW + LEASE_S + 1)
        assert {r.id: r for r in found if r.facts.channel == self.channel} == self.model.held

    @invariant()
    def the_row_is_as_the_model(self) -> None:
        """Compare every amount, exactly."""
        key = {"pk": {"S": f"budget#channel#{self.channel}"}, "sk": {"S": MONTH}}
        item = self.tables.client.get_item(TableName=self.tables.state, Key=key, ConsistentRead=True)["Item"]
        row = plain(item)
        assert row["limit_usd"] == self.model.limit_usd
        assert row["spent_usd"] == self.model.spent_usd
        assert row["reserved_usd"] == self.model.reserved_usd
        assert row["remaining_usd"] == self.model.remaining_usd


def test_the_ledger_does_what_its_model_does(aws: LocalAws) -> None:
    """In any order of reserving, settling, releasing, asking again and moving limits, no amount strays."""

    class OnTables(LedgerMachine):
        tables = fresh_tables(aws.url)

    run_state_machine_as_test(
        OnTables, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
    )

    OnTables.tables.check_books()
