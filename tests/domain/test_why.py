"""Why: the numbers of a record make one sentence, whatever of them is there."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.bands import Band, bands_policy
from router.domain.pacing import Pace, paced_policy
from router.domain.why import told
from tests.domain.rungs import LADDER, a_budget, a_question


def test_a_paced_choice_is_told_by_its_numbers() -> None:
    """What it may cost, what it or the better tier usually costs, and what the allowance was made of."""
    question = a_question(1200, weight=Decimal("1.38"), signs=("code",), last_tier="standard")
    wanted = paced_policy(Pace())(question, (a_budget("0.12"),), LADDER)

    assert told(wanted.why, wanted.tier.name, wanted.tier.name) == (
        "standard, since this message of 1,200 characters may cost $0.011 and premium usually costs $0.013 "
        "(in a thread that standard answered): the allowance is $0.0027, which is $0.12 left less a floor of "
        "$0.032 over 32 messages, and the weight is 1.38 for code."
    )
    rich = paced_policy(Pace())(a_question(1200, wish="premium"), (a_budget("5"),), LADDER)
    assert told(rich.why, "premium", "standard").startswith(
        "premium, since this message of 1,200 characters may cost $1.88 and that usually costs $0.013 (asked "
        "for premium): the allowance is "
    )
    assert told(rich.why, "premium", "standard").endswith("; the answer came from standard in the end.")


def test_a_band_is_told_by_its_length() -> None:
    """And by what was left, where that was too little."""
    policy = bands_policy((Band(80, "economy"), Band(None, "premium")), Decimal("0.2"))
    plain, low = (policy(a_question(3000), (a_budget(left),), LADDER) for left in ("3", "0.5"))

    assert told(plain.why, "premium", "premium") == (
        "premium, since 3,000 characters are in the band of premium; 60 % of the budget was left."
    )
    assert told(low.why, "standard", "standard") == (
        "standard, since 3,000 characters are in the band of premium, but 10 % of the budget was left, "
        "less than 20 %."
    )


names = st.sampled_from(
    [
        "policy",
        "length",
        "weight",
        "usual_usd",
        "reach_usd",
        "to_come",
        "better",
        "better_usd",
        "wish",
        "left",
    ]
)


@given(st.dictionaries(names, st.sampled_from(["paced", "bands"]) | st.text(max_size=20)))
def test_any_numbers_make_a_sentence(why: dict[str, str]) -> None:
    """Records of other releases lack some, or say them otherwise."""
    assert told(why, "premium", "premium").startswith("premium, ")


@pytest.mark.parametrize("why", [{}, {"policy": "random"}, {"policy": "paced"}, {"policy": "bands"}])
def test_what_is_not_known_is_not_invented(why: dict[str, str]) -> None:
    """A number that is missing is a question mark."""
    sentence = told(why, "premium", "premium")
    assert "?" in sentence or "does not know" in sentence


def test_another_tier_than_the_policys_is_told() -> None:
    """What the policy chose comes first, then why it was not to be that."""
    why = {"policy": "bands", "length": "19", "band": "economy", "left": "1"}

    for other in ("not_allowed_here", "reads_fewer_files"):
        sentence = told(why | {other: "economy"}, "standard", "standard")

        assert sentence.startswith("economy, since 19 characters")
        assert sentence.endswith("so standard.")
    assert (
        told({"policy": "again"}, "premium", "premium") == "premium, since someone pressed the button for it."
    )
