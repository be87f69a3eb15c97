"""What one answer costs at DynamoDB: round trips and capacity units, as docs/data-model.md names them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from playground.aws import REGION, LocalAws
from router.adapters.channel_settings import SettingsRows
from router.adapters.claims import Claim
from router.adapters.table import Dynamo
from router.domain.budget import BudgetKind
from tests.dynamodb_rules import checked_session
from tests.money import (
    LEASE_S,
    MONTH,
    NOW,
    bill_of,
    budget_of,
    facts_of,
    message_of,
    on_channel,
    reservation_of,
)
from tests.tables import Tables, fresh_tables

MODELS = ("anthropic/claude-sonnet-5.5", "openai/gpt-6.1-sol", "google/gemini-4-argon")
AN_ID = "0f8fad5bd9cb469fa16570867728950e"


@dataclass
class Meter:
    """Writes down what DynamoDB says each call consumed."""

    units: list[tuple[str, float, float]] = field(default_factory=list)
    """Operation, units of the table, units of its index."""

    def ask(self, params: dict[str, Any], **_: Any) -> None:
        """Ask for the consumption along with a call."""
        params["ReturnConsumedCapacity"] = "INDEXES"

    def note(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        """Add up what one call consumed."""
        consumed = parsed.get("ConsumedCapacity", [])
        consumed = consumed if isinstance(consumed, list) else [consumed]
        indexes = [i for c in consumed for i in c.get("GlobalSecondaryIndexes", {}).values()]
        of_indexes = sum(index["CapacityUnits"] for index in indexes)
        total = sum(one["CapacityUnits"] for one in consumed)
        self.units.append((model.name, total - of_indexes, of_indexes))

    def of(self, call: Callable[[], Any]) -> tuple[str, float, float]:
        """Return what `call` consumed; it must be one round trip."""
        self.units.clear()
        call()
        (units,) = self.units
        return units


@pytest.fixture(scope="module")
def meter() -> Meter:
    """Make a meter."""
    return Meter()


@pytest.fixture(scope="module")
def tables(aws: LocalAws, meter: Meter) -> Tables:
    """Make tables whose use is metered, with a month that is under way."""
    with checked_session(before_parameter_build=meter.ask, after_call=meter.note):
        dynamo = Dynamo(aws.url, REGION)
    tables = fresh_tables(aws.url, dynamo)
    tables.ledger().budgets((budget_of("5"),))
    earlier = reservation_of("0.1")
    tables.ledger().reserve(earlier)
    tables.ledger().settle(earlier, bill_of())
    return tables


def test_an_answer_makes_eight_calls_of_twenty_nine_write_units(tables: Tables, meter: Meter) -> None:
    """Each step is one round trip, and every row stays below the kilobyte above which it would cost twice."""
    claims, ledger = tables.claims(), tables.ledger()
    why = {
        "policy": "paced",
        "length": "1200",
        "weight": "1.38",
        "usual_usd": "0.00305",
        "allowance_usd": "0.00199",
        "left_usd": "4.93",
        "floor_usd": "0.136",
        "to_come": "435",
        "signs": "code, several steps, think hard",
        "wish": "standard",
        "last_tier": "standard",
    }
    reservation = reservation_of(
        "0.034215", id=AN_ID, owner=AN_ID, facts=facts_of(models=MODELS, why=why), generation_id="gen-1"
    )
    claim = Claim(message_of().channel, message_of().ts, AN_ID, NOW + LEASE_S)

    steps: list[Callable[[], Any]] = [
        lambda: claims.take(message_of(), job=AN_ID, owner=AN_ID, now=NOW, lease_s=LEASE_S),
        lambda: ledger.budgets((budget_of("5"),)),
        lambda: SettingsRows(tables.dynamo, tables.state).chosen(message_of().channel),
        lambda: ledger.reserve(reservation),
        lambda: ledger.note_generation(reservation.id, "gen-1795348800-AbCdEfGhIjKlMnOpQrSt"),
        lambda: claims.note_replies(claim, ("1795348801.000200",)),
        lambda: ledger.settle(reservation, bill_of("0.0123456")),
        lambda: claims.finish(claim, "answered"),
    ]

    assert [meter.of(step) for step in steps] == [
        ("UpdateItem", 1, 0),
        ("BatchGetItem", 0, 0),  # half a read unit, of which the local DynamoDB does not speak
        ("GetItem", 0.5, 0),
        ("TransactWriteItems", 4, 1),
        ("UpdateItem", 1, 1),
        ("UpdateItem", 1, 0),
        ("TransactWriteItems", 14, 5),
        ("UpdateItem", 1, 0),
    ]


def test_each_further_budget_costs_four_units(tables: Tables, meter: Meter) -> None:
    """A user's and the workspace's budget are one more row each, in reserving and in settling."""
    kinds = {BudgetKind.USER: "U0ADA00001", BudgetKind.WORKSPACE: "all"}
    periods = (budget_of("5"), *(budget_of("5", name, kind) for kind, name in kinds.items()))
    tables.ledger().budgets(periods)
    budgets = (on_channel(), *((kind, name, MONTH) for kind, name in kinds.items()))
    reservation = reservation_of("0.034215", budgets=budgets)
    ledger = tables.ledger()

    assert meter.of(lambda: ledger.budgets(periods))[0] == "BatchGetItem"
    assert meter.of(lambda: ledger.reserve(reservation)) == ("TransactWriteItems", 8, 1)
    assert meter.of(lambda: ledger.settle(reservation, bill_of())) == ("TransactWriteItems", 18, 5)


def test_a_call_that_failed_costs_five_units_to_undo(tables: Tables, meter: Meter) -> None:
    """Returning what was set aside writes two rows and takes one out of the index."""
    reservation = reservation_of("0.034215")
    tables.ledger().reserve(reservation)

    assert meter.of(lambda: tables.ledger().release(reservation)) == ("TransactWriteItems", 4, 1)


def test_a_report_is_one_call(tables: Tables, meter: Meter) -> None:
    """A channel's month, the workspace's month and the reservations left open are one query each."""
    usage, ledger = tables.usage_table(), tables.ledger()

    assert meter.of(lambda: usage.channel_month("C0GENERAL1", "2026-11")) == ("Query", 0.5, 0)
    assert meter.of(lambda: usage.workspace_month("2026-11", "model")) == ("Query", 0, 0.5)
    assert meter.of(lambda: list(ledger.open_past_lease(NOW))) == ("Query", 0, 0.5)
