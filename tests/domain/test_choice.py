"""The choice: as good as the money bears, found by giving up length first and tiers then."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.choice import Offer, Terms, Wanted, fit
from router.domain.estimate import worst_case_usd
from router.domain.ladder import Ladder, Tier
from tests.domain.rungs import ECONOMY, FREE, LADDER, PREMIUM, STANDARD, a_question, a_tier, amounts, prices

USEFUL = 400
PROMPT = 2000


def offered(
    money: str, wanted: Tier = PREMIUM, ladder: Ladder = LADDER, useful: int = USEFUL
) -> Offer | None:
    """Fit a call with a prompt of 2,000 tokens, the same for every tier."""
    return fit(ladder, wanted, lambda _: PROMPT, Decimal(money), useful)


def test_a_rich_budget_gives_the_whole_wish() -> None:
    """The tier that is wanted, its longest answer, and just its worst case."""
    estimate = worst_case_usd(PREMIUM, PROMPT, PREMIUM.max_tokens)
    assert offered("5") == offered(str(estimate)) == Offer(PREMIUM, PROMPT, PREMIUM.max_tokens, estimate)


def test_less_money_first_shortens_the_answer() -> None:
    """The tier stays as long as a useful answer of it can be paid."""
    offer = offered("0.0125")
    assert offer == Offer(PREMIUM, PROMPT, 500, Decimal("0.0125"))


def test_a_tier_is_left_when_its_answer_would_be_useless() -> None:
    """One token below the useful length the next tier down gives a longer answer instead."""
    at_the_limit = worst_case_usd(PREMIUM, PROMPT, USEFUL)
    assert offered(str(at_the_limit)) == Offer(PREMIUM, PROMPT, USEFUL, at_the_limit)
    below = offered(str(at_the_limit - Decimal("1e-12")))
    assert below is not None
    assert (below.tier, below.max_tokens) == (STANDARD, 1299)


def test_the_wanted_tier_is_the_best_there_is() -> None:
    """Money for more is no reason to give more than was wanted."""
    assert [o.tier for o in (offered("5", tier) for tier in LADDER.tiers) if o] == list(LADDER.tiers)


def test_nothing_fits_into_nothing() -> None:
    """Without money, and with a debt, there is no offer but of what is free."""
    assert offered("0") is offered("-1") is offered("0.0001") is None
    with_free = Ladder((*LADDER.tiers, FREE))
    assert offered("0", ladder=with_free) == Offer(FREE, PROMPT, FREE.max_tokens, Decimal(0))


def test_a_short_tier_is_useful_at_its_own_length() -> None:
    """A tier whose longest answer is below the useful length is not passed over for that."""
    short = a_tier("short", max_tokens=100)
    offer = offered("1", short, Ladder((short,)))
    assert offer is not None
    assert offer.max_tokens == 100


def test_each_tier_is_asked_for_its_own_prompt() -> None:
    """A tier with a smaller window has a shorter prompt, and that is what is paid."""
    offer = fit(LADDER, PREMIUM, lambda t: 100 if t is ECONOMY else 100_000, Decimal("0.01"), USEFUL)
    assert offer is not None
    assert (offer.tier, offer.prompt_tokens) == (ECONOMY, 100)


@given(
    money=amounts,
    rungs=st.lists(
        st.tuples(prices, prices, st.integers(16, 50), st.integers(0, 50_000)), min_size=1, max_size=4
    ),
    wanted=st.integers(0, 3),
    useful=st.integers(16, 60),
)
def test_an_offer_is_the_first_that_fits(
    money: Decimal, rungs: list[tuple[Decimal, Decimal, int, int]], wanted: int, useful: int
) -> None:
    """Trying every tier from the wanted one down and every length from the longest down finds the same."""
    ladder = Ladder(tuple(a_tier(str(i), *rung[:3]) for i, rung in enumerate(rungs)))
    prompt = {str(i): rung[3] for i, rung in enumerate(rungs)}
    wanted = min(wanted, len(rungs) - 1)

    found = next(
        (
            (tier, tokens)
            for tier in ladder.tiers[wanted:]
            for tokens in range(tier.max_tokens, min(useful, tier.max_tokens) - 1, -1)
            if worst_case_usd(tier, prompt[tier.name], tokens) <= money
        ),
        None,
    )
    offer = fit(ladder, ladder.tiers[wanted], lambda t: prompt[t.name], money, useful)

    assert (offer and (offer.tier, offer.max_tokens)) == found
    if offer:
        assert offer.estimate_usd == worst_case_usd(offer.tier, prompt[offer.tier.name], offer.max_tokens)
        assert offer.estimate_usd <= money


# Files

SIGHTED = {"premium": 0, "standard": 1, "economy": 0, "free": 1}
"""How many files each tier does not read."""


def unread(tier: Tier) -> int:
    """Say how many files a tier does not read."""
    return SIGHTED[tier.name]


@pytest.mark.parametrize(
    ("policys", "allowed", "wanted", "why"),
    [
        (PREMIUM, LADDER, PREMIUM, {}),
        (STANDARD, LADDER, ECONOMY, {"reads_fewer_files": "standard"}),
        (STANDARD, Ladder((PREMIUM, STANDARD)), PREMIUM, {"reads_fewer_files": "standard"}),
        (STANDARD, Ladder((STANDARD,)), STANDARD, {}),
        (
            ECONOMY,
            Ladder((PREMIUM, STANDARD)),
            PREMIUM,
            {"not_allowed_here": "economy", "reads_fewer_files": "standard"},
        ),
    ],
)
def test_a_tier_that_reads_the_files_is_wanted(
    policys: Tier, allowed: Ladder, wanted: Tier, why: dict[str, str]
) -> None:
    """The nearest one that is allowed, the lower of two; the one that was wanted if none reads more."""
    found = Terms(allowed).wanted(lambda *_: Wanted(policys, {}), a_question(1), (), LADDER, unread)

    assert found == Wanted(wanted, why)


def test_a_tier_that_reads_the_files_is_taken_before_one_that_does_not() -> None:
    """When the wanted tier is too dear, the next one down that reads them; without money the free one."""
    ladder = Ladder((*LADDER.tiers, FREE))
    too_dear = worst_case_usd(PREMIUM, PROMPT, USEFUL) - Decimal("0.001")

    taken = [
        fit(ladder, PREMIUM, lambda _: PROMPT, money, USEFUL, unread) for money in (too_dear, Decimal(0))
    ]

    assert [offer.tier for offer in taken if offer] == [ECONOMY, FREE]


# The ladder


def test_a_ladder_is_walked_down() -> None:
    """From any rung to the lowest, in order; below the lowest is itself."""
    assert LADDER.from_tier_down(STANDARD) == (STANDARD, ECONOMY)
    assert [LADDER.one_below(tier) for tier in LADDER.tiers] == [STANDARD, ECONOMY, ECONOMY]


def test_a_tier_is_found_by_its_name() -> None:
    """A name that no tier has is an error of the caller."""
    assert LADDER.named("economy") is ECONOMY
    with pytest.raises(KeyError):
        LADDER.named("Economy")


@pytest.mark.parametrize(
    ("prompt", "completion", "free"), [("0", "0", True), ("0", "0.01", False), ("0.01", "0", False)]
)
def test_free_is_what_costs_nothing_at_all(prompt: str, completion: str, free: bool) -> None:
    """A tier that costs for the prompt or for the answer is not free."""
    assert a_tier(prompt=prompt, completion=completion).is_free is free
