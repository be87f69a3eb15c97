"""How a budget stands: the bar has its length, what is not nothing is seen, and the words agree with it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from router.domain.budget import Budget, BudgetKind, PeriodKind, period_at
from router.domain.budget_words import bar, share, standing_words

NOW = datetime(2026, 11, 16, tzinfo=UTC).timestamp()
"""Half of the month is over."""


def budget(limit: str, spent: str, reserved: str = "0") -> Budget:
    """Make a budget."""
    limit_usd, spent_usd, reserved_usd = Decimal(limit), Decimal(spent), Decimal(reserved)
    left_usd = limit_usd - spent_usd - reserved_usd
    return Budget(BudgetKind.CHANNEL, "C1", "2026-11", limit_usd, spent_usd, reserved_usd, left_usd)


@pytest.mark.parametrize(
    ("limit", "spent", "reserved", "drawn"),
    [
        ("5", "0", "0", "░" * 20),
        ("5", "0.0001", "0", "█" + "░" * 19),
        ("5", "2.5", "0.25", "█" * 10 + "▒" + "░" * 9),
        ("5", "4.99", "0.01", "█" * 19 + "▒"),
        ("5", "9", "1", "█" * 20),
        ("0", "1", "0", "█" * 20),
        ("0", "0", "0", "░" * 20),
    ],
)
def test_a_bar(limit: str, spent: str, reserved: str, drawn: str) -> None:
    """Twenty characters, whatever stands in the books."""
    assert bar(budget(limit, spent, reserved)) == drawn


def test_a_share() -> None:
    """The largest fills the width, the smallest is seen, nothing is nothing."""
    assert [len(share(Decimal(part), Decimal(4), 8)) for part in ("4", "2", "0.001", "0")] == [8, 4, 1, 0]
    assert share(Decimal(0), Decimal(0), 8) == ""


RENEWS = "Renews on Tuesday, 1 December"


@pytest.mark.parametrize(
    ("spent", "reserved", "stands", "then"),
    [
        ("0", "0", "$0 of $5.00 per month spent, $5.00 left", ""),
        ("1", "0.5", "$1.00 of $5.00 per month spent, $0.50 reserved, $3.50 left", "; at this pace it lasts"),
        (
            *("4", "0", "$4.00 of $5.00 per month spent, $1.00 left"),
            "; at this pace it is used up on Thursday, 19 November",
        ),
        ("6", "0", "$6.00 of $5.00 per month spent, $0 left", "; nothing is left until then"),
    ],
)
def test_how_it_stands(spent: str, reserved: str, stands: str, then: str) -> None:
    """Spent, reserved, left, renewal and forecast, in that order."""
    period = period_at(PeriodKind.MONTH, NOW, UTC)

    assert standing_words(budget("5", spent, reserved), period, NOW) == f"{stands}. {RENEWS}{then}."
