"""Ratings: each person once for each answer, moved when they change their mind, counted for the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from router.adapters.ratings import Rated, Ratings
from router.errors import TableUnavailable
from tests.money import CHANNEL, MONTH, bill_of, budget_of, reservation_of
from tests.tables import Tables, in_both, tables_for

MODEL = bill_of().model
ADA = Rated(CHANNEL, MONTH, "answer-1", MODEL, "U0ADA00001")
GRACE = replace(ADA, user="U0GRACE001")


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give each story tables of its own, with an answer that was paid for."""
    for tables in tables_for(request):
        ledger = tables.ledger()
        ledger.budgets((budget_of(),))
        reservation = reservation_of()
        ledger.reserve(reservation)
        ledger.settle(reservation, bill_of())
        yield tables


def ratings(tables: Tables) -> Ratings:
    """Make the ratings."""
    return Ratings(tables.dynamo, tables.usage)


def counted(tables: Tables) -> dict[str, tuple[int, int]]:
    """Return how often each rollup of the month says good and bad, where it says anything."""
    rollups = tables.usage_table().channel_month(CHANNEL, MONTH)
    return {f"{r.dimension}#{r.value}": (r.good, r.bad) for r in rollups if r.good or r.bad}


def test_one_rating(tables: Tables) -> None:
    """It counts for the channel's total and for the model, and for nothing else."""
    assert ratings(tables).rate(ADA, "good") == ""

    assert counted(tables) == {"total#all": (1, 0), f"model#{MODEL}": (1, 0)}


def test_the_same_again(tables: Tables) -> None:
    """The second press changes nothing."""
    ratings(tables).rate(ADA, "good")
    before = tables.rows()

    assert ratings(tables).rate(ADA, "good") == "good"
    assert tables.rows() == before


@in_both
def test_another_mind(tables: Tables) -> None:
    """The vote moves, there and back, and is still one."""
    for rating, replaced in (("bad", ""), ("good", "bad"), ("bad", "good")):
        assert ratings(tables).rate(ADA, rating) == replaced

    assert counted(tables) == {"total#all": (0, 1), f"model#{MODEL}": (0, 1)}


def test_several_people(tables: Tables) -> None:
    """Each has a rating of their own."""
    ratings(tables).rate(ADA, "good")
    ratings(tables).rate(GRACE, "bad")

    assert counted(tables)["total#all"] == (1, 1)


def test_before_the_bill(tables: Tables) -> None:
    """A rating of a model that has no rollup yet makes one; the bill then adds to it."""
    model = "maker/late"
    ratings(tables).rate(replace(ADA, model=model), "good")
    ledger, reservation = tables.ledger(), reservation_of()
    ledger.reserve(reservation)
    ledger.settle(reservation, bill_of(model=model))

    found = {r.value: r for r in tables.usage_table().workspace_month(MONTH, "model")}
    assert (found[model].answers, found[model].good) == (1, 1)


def test_rows_of_a_newer_release(tables: Tables) -> None:
    """They are left alone."""
    ratings(tables).rate(ADA, "good")
    tables.write(tables.row("ratings#"), v=2)

    with pytest.raises(TableUnavailable):
        ratings(tables).rate(ADA, "bad")
    tables.write(tables.row("ratings#"), v=1)
