"""The `bands` policy: a tier by length, one step down when the budget runs low."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.bands import Band, bands_policy, share_left
from router.domain.budget import Budget
from router.domain.choice import Wanted
from router.domain.ladder import Tier
from tests.domain.rungs import ECONOMY, LADDER, PREMIUM, STANDARD, a_budget, a_question

BANDS = (Band(80, "economy"), Band(1200, "standard"), Band(6000, "premium"), Band(None, "standard"))


def wanted(length: int, *budgets: Budget, below: str = "0.2") -> Wanted:
    """Ask the policy of the shipped configuration."""
    return bands_policy(BANDS, Decimal(below))(a_question(length), budgets, LADDER)


@pytest.mark.parametrize(
    ("length", "tier"),
    [
        (0, ECONOMY),
        (80, ECONOMY),
        (81, STANDARD),
        (1200, STANDARD),
        (1201, PREMIUM),
        (6000, PREMIUM),
        (6001, STANDARD),
        (10**9, STANDARD),
    ],
)
def test_a_band_ends_with_its_own_length(length: int, tier: Tier) -> None:
    """A message of exactly `up_to` characters is still in the band, and every length is in one."""
    assert wanted(length, a_budget("5")).tier is tier


@pytest.mark.parametrize(
    ("remaining", "tier"), [("1", PREMIUM), ("0.999999999999", STANDARD), ("0", STANDARD), ("-1", STANDARD)]
)
def test_a_low_budget_is_one_step_down(remaining: str, tier: Tier) -> None:
    """At a fifth of five dollars all is well; below, the tier is one lower, and never two."""
    assert wanted(3000, a_budget(remaining)).tier is tier


def test_the_lowest_tier_has_no_step_below() -> None:
    """A greeting stays where it is when money is short."""
    assert wanted(5, a_budget("0")).tier is ECONOMY


def test_the_shortest_budget_decides() -> None:
    """One budget of several that is low is enough; no budget at all is none that is low."""
    assert wanted(3000, a_budget("5"), a_budget("0.1")).tier is STANDARD
    assert wanted(3000, a_budget("0.1"), a_budget("5")).tier is STANDARD
    assert wanted(3000).tier is PREMIUM


@pytest.mark.parametrize(("below", "tier"), [("0", PREMIUM), ("1", STANDARD)])
def test_the_threshold_may_be_at_either_end(below: str, tier: Tier) -> None:
    """At 0 no budget is low, at 1 every budget that is not whole."""
    assert wanted(3000, a_budget("4.99"), below=below).tier is tier
    assert wanted(3000, a_budget("5"), below=below).tier is PREMIUM


def test_the_choice_is_explained_by_its_numbers() -> None:
    """Who asks why learns the length, the band and how much was left; texts alone, for the records."""
    assert wanted(3000, a_budget("3")).why == {
        "policy": "bands",
        "length": "3000",
        "band": "premium",
        "left": "0.6000",
    }
    assert wanted(3000, a_budget("0.5")).why == {
        "policy": "bands",
        "length": "3000",
        "band": "premium",
        "left": "0.1000",
        "step_down_below": "0.2",
    }


@given(st.decimals("0.9", "1.1", places=12))
def test_the_explanation_agrees_with_the_choice(remaining: Decimal) -> None:
    """A share that was below the threshold also reads as below it, however near it was."""
    choice = wanted(3000, a_budget(remaining))
    assert (Decimal(choice.why["left"]) < Decimal("0.2")) == (choice.tier is STANDARD)


@given(remaining=st.decimals(-10, 10, places=6), limit=st.decimals(0, 10, places=6))
def test_a_share_is_from_none_to_all(remaining: Decimal, limit: Decimal) -> None:
    """Of a limit of zero nothing is left, and a debt is not less than nothing."""
    share = share_left(a_budget(min(remaining, limit), limit))
    assert 0 <= share <= 1
    if not limit or remaining <= 0:
        assert share == 0
