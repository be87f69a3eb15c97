"""The `paced` policy: the best tier with which the budget lasts, whatever there is of money and messages."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.budget import Budget
from router.domain.choice import Wanted
from router.domain.experience import experience
from router.domain.ladder import Ladder, Tier
from router.domain.pacing import WISHED, Pace, paced_policy
from router.domain.tally import Answers, Tally
from router.domain.weight import HEAVIEST
from tests.domain.rungs import (
    ECONOMY,
    FREE,
    LADDER,
    PREMIUM,
    STANDARD,
    a_budget,
    a_question,
    a_tier,
    amounts,
    prices,
)

POLICY = paced_policy(Pace())
START, MIDDLE, END = (datetime(2026, 11, day, hour) for day, hour in ((2, 9), (16, 12), (30, 23)))  # noqa: DTZ001


def a_channel(limit: str, a_month: int, *, left: str = "", at: datetime = START) -> Budget:
    """Make the budget of a channel with so many messages a month, in this one as many as have come by now."""
    days = [datetime(2026, 11, day).weekday() for day in range(1, at.day)]  # noqa: DTZ001
    seen = tuple(days.count(day) * a_month // 21 if day < 5 else 0 for day in range(7))
    before = Tally("2026-10", None, tuple(n * a_month // 22 for n in (4, 4, 4, 5, 5, 0, 0)))
    remaining_usd = Decimal(left or limit)
    return replace(a_budget(remaining_usd, limit), known=experience(Tally("2026-11", None, seen), before))


def tier_for(budget: Budget, at: datetime = START, **question: Any) -> Tier:
    """Choose for a message of a usual weight."""
    return POLICY(a_question(at=at, **question), (budget,), LADDER).tier


# what the budget bears


def test_few_messages_get_the_best_and_many_the_cheapest() -> None:
    """A few dollars are plenty for three messages a month, and nothing for thirty thousand."""
    assert tier_for(a_channel("5", 3)) is PREMIUM
    assert tier_for(a_channel("3", 700)) is STANDARD
    assert tier_for(a_channel("5", 30_000)) is ECONOMY
    assert tier_for(a_channel("5000", 30_000)) is PREMIUM


def test_the_first_message_of_all_gets_a_good_tier() -> None:
    """Without any history a usual volume is assumed: not the cheapest, not all the money at once."""
    assert tier_for(a_budget("5")) is not ECONOMY
    assert tier_for(a_budget("0.05")) is ECONOMY


def test_a_raised_budget_is_felt_at_once() -> None:
    """In the middle of a month that was poor, the next message already gets more."""
    assert tier_for(a_channel("5", 700, left="0.3", at=MIDDLE), MIDDLE) is ECONOMY
    assert tier_for(a_channel("50", 700, left="45.3", at=MIDDLE), MIDDLE) is PREMIUM


@pytest.mark.parametrize("remaining", ["0", "-1"])
def test_without_money_the_cheapest_is_wanted(remaining: str) -> None:
    """A limit of zero, or a debt: whether even that is refused is decided by what it costs."""
    assert tier_for(a_budget(remaining, "0" if remaining == "0" else "5")) is ECONOMY


def test_what_is_left_at_the_end_is_spent() -> None:
    """An hour before the budget renews there is no reason to save."""
    assert tier_for(a_channel("5", 700, left="0.3", at=END), END) is PREMIUM


def test_a_huge_thread_gets_the_best_only_of_a_rich_channel() -> None:
    """The same allowance that buys the best for a question does not buy it for a paste."""
    poor, rich = a_channel("12", 700), a_channel("500", 700)
    assert tier_for(poor) is PREMIUM
    assert tier_for(poor, prompt_bound=lambda _: 89_000) is not PREMIUM
    assert tier_for(rich, prompt_bound=lambda _: 89_000) is PREMIUM


def test_the_poorest_of_several_budgets_decides() -> None:
    """A rich channel does not help a user who has spent hers."""
    rich, poor = a_channel("500", 700), a_channel("5", 30_000)
    choose = [POLICY(a_question(at=START), both, LADDER).tier for both in ((rich, poor), (poor, rich))]
    assert choose == [ECONOMY, ECONOMY]


# what the message is


def test_a_greeting_never_gets_the_best() -> None:
    """Its weight is nothing, so no allowance is enough."""
    assert tier_for(a_channel("1000000", 3), weight=Decimal(0)) is ECONOMY


def test_a_hard_message_may_cost_more_and_an_easy_one_less() -> None:
    """Of the same money."""
    budget = a_channel("3", 700)
    tiers = [tier_for(budget, weight=Decimal(weight)) for weight in ("0.05", "0.5", "2.5")]
    assert tiers == [ECONOMY, STANDARD, PREMIUM]


def test_a_thread_keeps_its_tier_unless_that_is_clearly_wrong() -> None:
    """Between two tiers the thread decides; where money is short or plenty, money does."""
    for limit in range(1, 100):
        budget = a_channel(str(limit), 700)
        kept = [tier_for(budget, last_tier=tier.name) for tier in LADDER.tiers]
        assert LADDER.tiers.index(kept[0]) <= LADDER.tiers.index(kept[2])
    between = next(b for n in range(1, 200) if tier_for(b := a_channel(str(n), 700)) is PREMIUM)
    assert tier_for(between, last_tier="standard") is STANDARD
    assert tier_for(a_channel("500", 700), last_tier="economy") is PREMIUM
    assert tier_for(a_channel("1", 7000), last_tier="premium") is ECONOMY
    assert tier_for(between, last_tier="no longer there") is PREMIUM


def test_a_wish_is_granted_within_its_weight() -> None:
    """A better tier as far as four times the weight bears it, a cheaper one always."""
    modest = a_channel("3", 700)
    assert (tier_for(modest), tier_for(modest, wish="premium")) == (STANDARD, PREMIUM)
    assert tier_for(modest, wish="economy") is ECONOMY
    assert tier_for(a_channel("5", 30_000), wish="premium") is ECONOMY
    assert tier_for(modest, wish="premium", weight=Decimal(0)) is PREMIUM
    assert Decimal(str(HEAVIEST)) < WISHED


def test_a_tier_that_would_lose_something_is_left_out() -> None:
    """What only the middle tier can take goes there, rich or poor."""
    for budget in (a_channel("5000", 700), a_channel("1", 700)):
        assert tier_for(budget, takes=lambda tier: tier is STANDARD) is STANDARD
    assert tier_for(a_channel("5000", 700), takes=lambda _: False) is PREMIUM


# what the ladder is


@pytest.mark.parametrize("tier", LADDER.tiers)
def test_a_ladder_of_one_tier_has_no_choice(tier: Tier) -> None:
    """Rich or poor."""
    for budget in (a_budget("5"), a_budget("0")):
        assert POLICY(a_question(), (budget,), Ladder((tier,))).tier is tier


def test_free_is_what_the_poor_get() -> None:
    """A tier that costs nothing is the last resort, and needs nothing kept back for it."""
    ladder = Ladder((*LADDER.tiers, FREE))
    poor, rich = (POLICY(a_question(), (a_budget(left),), ladder) for left in ("0.001", "5"))
    assert (poor.tier, float(poor.why["floor_usd"])) == (FREE, 0.0)
    assert rich.tier is not FREE
    assert POLICY(a_question(), (a_budget("0", "0"),), Ladder((FREE,))).tier is FREE


def test_a_ladder_in_a_strange_order_is_followed_as_it_stands() -> None:
    """The operator says which tier is best; one that is better and cheaper is always given."""
    ladder = Ladder((ECONOMY, PREMIUM, STANDARD))
    for budget in (a_budget("5"), a_budget("0.001"), a_budget("0")):
        assert POLICY(a_question(), (budget,), ladder).tier is ECONOMY


# what it learns


def test_answers_that_turn_out_long_make_their_tier_dearer() -> None:
    """The same money buys the best tier as long as it is terse."""

    def budget(completion: int) -> Budget:
        cost_usd = (Decimal("2.5") * 300 + Decimal("12.5") * completion) * 200 / 10**6
        answers = Answers(200, 200 * 1200, 200 * 300, 200 * completion, cost_usd)
        plain = a_channel("5", 700)
        tally = replace(plain.known.tally, answers={"premium": answers})
        return replace(plain, known=experience(tally, plain.known.before))

    assert tier_for(budget(200)) is PREMIUM
    assert tier_for(budget(5000)) is not PREMIUM


# why


def test_the_choice_is_explained_by_its_numbers() -> None:
    """Who asks why learns what it usually costs, what it might have cost, and what that was made of."""
    why = POLICY(a_question(3000, weight=Decimal("1.20"), signs=("code",)), (a_budget("3"),), LADDER).why
    names = "policy length weight usual_usd reach_usd allowance_usd left_usd floor_usd to_come signs"
    assert list(why) == names.split()
    assert (why["policy"], why["length"], why["weight"], why["left_usd"]) == ("paced", "3000", "1.20", "3")
    allowance = (Decimal(why["left_usd"]) - Decimal(why["floor_usd"])) / Decimal(why["to_come"])
    assert Decimal(why["allowance_usd"]) == pytest.approx(allowance, rel=Decimal("0.02"))
    poor = POLICY(a_question(), (a_budget("0.12"),), LADDER).why
    assert (poor["better"], Decimal(poor["better_usd"]) > Decimal(poor["reach_usd"])) == ("premium", True)
    asked = POLICY(a_question(wish="premium", last_tier="standard"), (a_budget("3"),), LADDER).why
    assert (asked["wish"], asked["last_tier"]) == ("premium", "standard")


# always

answers = st.builds(
    Answers,
    st.integers(0, 10**6),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.decimals(0, 10**4, places=12),
)
moments = st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 30))  # noqa: DTZ001
weekdays = st.tuples(*[st.integers(0, 10**5)] * 7)
tallies = st.builds(
    Tally,
    st.just("2026-11"),
    st.none() | st.dates(datetime(2026, 11, 1).date(), datetime(2026, 11, 30).date()),  # noqa: DTZ001
    weekdays,
    st.dictionaries(st.sampled_from("012"), answers, max_size=3),
)


@given(
    rungs=st.lists(st.tuples(prices, prices, st.integers(16, 200_000)), min_size=1, max_size=4),
    remaining=amounts,
    tally=tallies,
    bound=st.integers(0, 10**7),
    weight=st.decimals(0, "2.5", places=2),
    at=moments,
)
def test_whatever_there_is_one_tier_is_chosen_and_the_same_again(
    rungs: Sequence[tuple[Decimal, Decimal, int]],
    remaining: Decimal,
    tally: Tally,
    bound: int,
    weight: Decimal,
    at: datetime,
) -> None:
    """No counters, prices or amounts make it fail; more money never makes it choose a worse tier."""
    ladder = Ladder(tuple(a_tier(str(i), *rung) for i, rung in enumerate(rungs)))
    question = a_question(at=at, weight=weight, prompt_bound=lambda _: bound)

    def chosen(left: Decimal) -> Wanted:
        budget = replace(a_budget(left), known=experience(tally, Tally()))
        return POLICY(question, (budget,), ladder)

    wanted, again = chosen(remaining), chosen(remaining)
    assert wanted == again
    assert wanted.tier in ladder.tiers


@given(remaining=amounts, more=amounts.filter(lambda amount: amount > 0), tally=tallies, at=moments)
def test_more_money_never_gets_a_worse_tier(
    remaining: Decimal, more: Decimal, tally: Tally, at: datetime
) -> None:
    """On a ladder whose better tiers cost more, whatever was counted."""
    known = experience(replace(tally, answers={}), Tally())
    poor, rich = (
        POLICY(a_question(at=at), (replace(a_budget(left, "100"), known=known),), LADDER).tier
        for left in (remaining, remaining + more)
    )
    assert LADDER.tiers.index(rich) <= LADDER.tiers.index(poor)


def test_a_choice_takes_microseconds() -> None:
    """Constant time: counters of a crowded month cost no more than those of a new channel."""
    budget = a_channel("5", 30_000, at=MIDDLE)
    question = a_question(at=MIDDLE)
    took = []
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(50):
            POLICY(question, (budget,), LADDER)
        took.append((time.perf_counter() - began) / 50)

    assert min(took) < 200e-6  # measured: 19; the rest is for whoever else uses the machine
