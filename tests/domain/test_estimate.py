"""The estimate: no call can be billed more, and not a token is given away."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.estimate import (
    CACHE_WRITE_SURCHARGE,
    affordable_tokens,
    prompt_token_bound,
    text_token_bound,
    worst_case_usd,
)
from router.domain.ladder import Tier
from router.domain.money import LEDGER_STEP_USD
from tests.domain.rungs import FREE, STANDARD, a_tier, amounts, tiers

hostile = st.text(st.characters(codec=None)) | st.text("\ufdfa\u2126ﬃé🏳️‍🌈", max_size=30)
"""Any code point there is, halves of characters too; and some that normal forms make long."""

prompts = st.integers(0, 100_000) | st.integers(0, 10_000_000)


def dearest_tokens(text: str) -> int:
    """Count tokens as the worst tokenizers do: one for each byte, of the text or of its normal form."""
    forms = (text, unicodedata.normalize("NFKC", text))
    return max(len(form.encode("utf-8", "surrogatepass")) for form in forms)


# Tokens


@given(hostile)
def test_no_tokenizer_makes_more_tokens_of_a_text(text: str) -> None:
    """One token a byte, and one that some put in front, is the worst there is."""
    assert text_token_bound(text) >= dearest_tokens(text) + 1


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 1), ("hello", 6), ("é", 3), ("🙂", 5), ("\ufdfa", 34), ("\ud800", 4), ("\x00", 2)],
)
def test_the_bound_of_a_text_is_its_bytes_and_one(text: str, tokens: int) -> None:
    """Also of a sign that its normal form spells out, and of half a character."""
    assert text_token_bound(text) == tokens


@given(st.lists(hostile, max_size=5), hostile)
def test_each_message_has_room_for_its_frame(texts: list[str], one_more: str) -> None:
    """A prompt's bound is above the sum of its texts, and grows with each message by more than its text."""
    messages = [{"role": "user", "content": text} for text in texts]
    bound = prompt_token_bound(messages)
    assert bound >= sum(text_token_bound(text) for text in texts) + 76
    longer = prompt_token_bound([*messages, {"role": "user", "content": one_more}])
    assert longer > bound + text_token_bound(one_more)


# Dollars


@given(
    tier=tiers,
    bound=prompts,
    share=st.fractions(0, 1),
    cap_shares=st.tuples(st.fractions(0, 1), st.fractions(0, 1)),
    surcharge=st.fractions(0, Fraction(CACHE_WRITE_SURCHARGE)),
    answer_share=st.fractions(0, 1),
)
def test_no_bill_within_the_caps_is_above_the_estimate(
    tier: Tier,
    bound: int,
    share: Fraction,
    cap_shares: tuple[Fraction, Fraction],
    surcharge: Fraction,
    answer_share: Fraction,
) -> None:
    """Whatever a provider asks within the caps, for whatever it counts within the bounds."""
    prompt_price, completion_price = (
        Fraction(cap) * share_of_cap / 1_000_000
        for cap, share_of_cap in zip(
            (tier.max_price_prompt_usd, tier.max_price_completion_usd), cap_shares, strict=True
        )
    )
    completion_tokens = int(tier.max_tokens * answer_share)
    bill = int(bound * share) * prompt_price * surcharge + completion_tokens * completion_price
    assert bill <= Fraction(worst_case_usd(tier, bound, tier.max_tokens))


@given(tier=tiers, bound=prompts)
def test_the_estimate_is_the_dearest_bill_itself(tier: Tier, bound: int) -> None:
    """It is what the caps allow and less than one ledger step more: nothing is set aside for nothing."""
    dearest = (
        Fraction(5, 4) * Fraction(tier.max_price_prompt_usd) * bound
        + Fraction(tier.max_price_completion_usd) * tier.max_tokens
    ) / 1_000_000
    estimate = worst_case_usd(tier, bound, tier.max_tokens)
    assert isinstance(estimate, Decimal)
    assert 0 <= Fraction(estimate) - dearest < Fraction(LEDGER_STEP_USD)


def test_an_estimate_in_dollars() -> None:
    """A thousand prompt tokens at $1.25 and a quarter, and two thousand of the answer at $6.25."""
    assert worst_case_usd(STANDARD, 1000, 2000) == Decimal("0.0140625")


@given(tier=tiers, bound=prompts, money=amounts)
def test_affordable_is_the_largest_that_fits(tier: Tier, bound: int, money: Decimal) -> None:
    """So many tokens fit into the money and one more does not, unless the tier's own cap came first."""
    tokens = affordable_tokens(tier, bound, money)
    assert 0 <= tokens <= tier.max_tokens
    if tokens:
        assert worst_case_usd(tier, bound, tokens) <= money
    if tokens < tier.max_tokens:
        assert worst_case_usd(tier, bound, tokens + 1) > money


@given(
    tier=tiers,
    bound=prompts,
    tokens=st.integers(1, 40),
    more=st.sampled_from(["-1e-12", "-1e-13", "0", "1e-13"]),
)
def test_affordable_is_exact_at_the_edge(tier: Tier, bound: int, tokens: int, more: str) -> None:
    """With just the estimate of so many tokens they are affordable; with anything less they are not."""
    tokens = min(tokens, tier.max_tokens)
    money = worst_case_usd(tier, bound, tokens) + Decimal(more)
    affordable = affordable_tokens(tier, bound, money)
    assert (affordable >= tokens) == (Decimal(more) >= 0)


@given(money=st.decimals(0, 1, places=20), bound=st.integers(0, 1000))
def test_money_finer_than_the_ledger_buys_nothing_more(money: Decimal, bound: int) -> None:
    """The part of an amount that the ledger cannot keep is not promised to anyone."""
    tokens = affordable_tokens(STANDARD, bound, money)
    assert not tokens or worst_case_usd(STANDARD, bound, tokens) <= money


@pytest.mark.parametrize("price", ["0.0000001", "0.0000003", "0.00000777", "0.003"])
def test_a_price_finer_than_the_ledger_can_tell_tokens_apart(price: str) -> None:
    """Also where many tokens share one step of the ledger, what is affordable fits."""
    tier = a_tier(prompt="0.0000001", completion=price, max_tokens=1_000_000)
    for steps in range(1, 20):
        money = steps * LEDGER_STEP_USD
        tokens = affordable_tokens(tier, 1, money)
        assert worst_case_usd(tier, 1, tokens) <= money < worst_case_usd(tier, 1, tokens + 1)


def test_who_cannot_pay_the_prompt_affords_nothing() -> None:
    """Not even one token of an answer; a debt buys nothing either."""
    assert affordable_tokens(STANDARD, 100_000, Decimal("0.1")) == 0
    assert affordable_tokens(STANDARD, 0, Decimal("-0.01")) == 0


def test_what_costs_nothing_is_affordable_without_money() -> None:
    """A free tier gives its longest answer for nothing."""
    assert affordable_tokens(FREE, 100_000, Decimal(0)) == FREE.max_tokens
    assert worst_case_usd(FREE, 100_000, FREE.max_tokens) == 0
