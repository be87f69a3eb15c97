"""Alerts: what counts as crossed, when the money will be gone, and how it is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from router.domain.alert import alert_words, crossed, gone_on, still_crossed
from router.domain.budget import Budget, BudgetKind, period_named
from tests.money import CHANNEL, NOW, usd

NOVEMBER = period_named("2026-11", UTC)
ALERTS = (50, 80, 100)


def budget(spent: str, limit: str = "5", alerted: int = 0, reserved: str = "0") -> Budget:
    """Make the channel's budget of the month."""
    remaining = usd(limit) - usd(spent) - usd(reserved)
    figures = (usd(limit), usd(spent), usd(reserved), remaining)
    return Budget(BudgetKind.CHANNEL, CHANNEL, "2026-11", *figures, alerted=alerted)


@pytest.mark.parametrize(
    ("spent", "limit", "highest"),
    [
        ("0", "5", 0),
        ("2.499999999999", "5", 0),
        ("2.5", "5", 50),
        ("3.99", "5", 50),
        ("4", "5", 80),
        ("5", "5", 100),
        ("7", "5", 100),  # an overrun
        ("0", "0", 0),
        ("0.01", "0", 100),  # a limit that was lowered to nothing
    ],
)
def test_the_highest_threshold_that_is_spent(spent: str, limit: str, highest: int) -> None:
    """Exactly at its share a threshold is crossed; nothing spent crosses nothing."""
    assert crossed(budget(spent, limit), ALERTS) == highest


@pytest.mark.parametrize(
    ("limit", "known"),
    [("10", 40), ("5.50", 72), ("5", 80), ("4", 80), ("0", 80), ("1000000", 0)],
)
def test_a_raised_limit_arms_what_it_puts_out_of_reach(limit: str, known: int) -> None:
    """What is spent of the new limit was told; what is above is told again. Lowering forgets nothing."""
    assert still_crossed(budget("4", alerted=80), usd(limit)) == known


@pytest.mark.parametrize(
    ("spent", "gone"),
    [
        ("2.5", "2026-11-16 18:00"),  # half of it in the first 7.875 days
        ("1.3125", "2026-11-30 23:59"),
        ("1.3", None),
        ("0", None),
    ],
)
def test_the_day_on_which_the_money_is_gone(spent: str, gone: str | None) -> None:
    """The pace of the period so far goes on; what lasts until the budget renews has no such day."""
    now = datetime(2026, 11, 8, 21, tzinfo=UTC).timestamp()
    limit = "5" if spent != "1.3125" else "4.9999"

    found = gone_on(budget(spent, limit), NOVEMBER, now)

    assert (f"{found:%Y-%m-%d %H:%M}" if found else None) == gone


def test_a_forecast_survives_every_clock() -> None:
    """In the first moment, before it, and where a night is an hour longer, a day is named or none."""
    period = period_named("2026-10", ZoneInfo("Europe/Berlin"))
    for now in (
        period.starts.timestamp() - 86400,
        period.starts.timestamp(),
        period.renews.timestamp() + 1e9,
    ):
        found = gone_on(replace(budget("2.5"), period_key="2026-10"), period, now)
        assert found is None or period.starts <= found < period.renews


def test_words_for_a_channel() -> None:
    """What is spent, what is left, when it renews, and on which day it is gone at this pace."""
    assert alert_words(budget("4", alerted=80, reserved="0.20"), NOVEMBER, 80, NOW) == (
        "This channel has used 80 % of the budget of $5.00 per month: $4.00, $0.80 left. "
        "It renews on Tuesday, 1 December; at this pace it is used up on Friday, 27 November."
    )


def test_words_for_a_budget_that_lasts() -> None:
    """No day is named that will not come."""
    late = datetime(2026, 11, 29, tzinfo=UTC).timestamp()
    assert alert_words(budget("2.5"), NOVEMBER, 50, late).endswith("at this pace it lasts until then.")


@pytest.mark.parametrize(
    ("kind", "name", "begins"),
    [
        (BudgetKind.USER, "U0ADA00001", "<@U0ADA00001> has used up"),
        (BudgetKind.WORKSPACE, "all", "The workspace has used up"),
        (BudgetKind.CHANNEL, "D0ADA00001", "This direct message has used up"),
    ],
)
def test_words_for_what_is_used_up(kind: BudgetKind, name: str, begins: str) -> None:
    """Whose it is, when it renews, and who can raise it."""
    words = alert_words(replace(budget("4.9999"), kind=kind, id=name), NOVEMBER, 100, NOW, ("U0GRACE001",))
    assert words.startswith(f"{begins} the budget of $5.00 per month: $4.99.")
    assert words.endswith("It renews on Tuesday, 1 December. <@U0GRACE001> can raise it sooner.")
