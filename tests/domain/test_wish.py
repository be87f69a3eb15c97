"""A wish: a tier or model asked for by name, told from the same words said by the way."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.domain.ladder import Ladder
from router.domain.wish import WISHES, Wish, read_wish
from tests.domain.rungs import LADDER, a_tier

PREMIUM = Wish("premium")


def wish_in(text: str, *allowed: str, ladder: Ladder = LADDER) -> Wish:
    """Read a message of someone who may wish everything, or what is `allowed`."""
    return read_wish(text, ladder, allowed or WISHES)


@pytest.mark.parametrize(
    "text",
    [
        "premium: what is love?",
        "<@U0PENNY001> premium: what is love?",
        "Use premium. What is love?",
        "please use the premium tier, what is love",
        "use PREMIUM for this: what is love",
        "What is love? Use premium",
        "What is love? please use the premium model!",
        "Was ist Liebe? Nimm premium",
        "这是什么？使用 premium",
        "use `premium` what is love",
    ],
)
def test_an_instruction_at_either_end_is_a_wish(text: str) -> None:
    """However it is written."""
    assert wish_in(text) == PREMIUM


@pytest.mark.parametrize(
    "text",
    [
        "",
        "What does premium cost?",
        "Our premium plan: what is in it? Which customers have it?",
        "premium customers complain",
        "users ask for premium",
        "How do we use premium fuel in the standard engine of this car",
        "premiums: what are they?",
        "use premium-plus: what",
        "reuse premium",
    ],
)
def test_the_same_words_by_the_way_are_none(text: str) -> None:
    """A name that is only mentioned changes nothing."""
    assert wish_in(text) == Wish()


def test_a_model_is_wished_with_its_tier() -> None:
    """By its whole name, or without its vendor; a tier of the same name comes first."""
    ladder = Ladder((a_tier("best"), a_tier("mini")))
    assert wish_in("use vendor/best: hello", ladder=ladder) == Wish("best", "vendor/best")
    assert wish_in("mini: hello", ladder=ladder) == Wish("mini")


@pytest.mark.parametrize(
    "text", ["use gpt-99: hello", "use openai/gpt-99", "use free: hello", "use vendor/premium:free"]
)
def test_what_the_operator_does_not_offer_is_no_wish(text: str) -> None:
    """A model that no tier names is never called, whoever asks for it."""
    assert wish_in(text) == Wish()


def test_only_what_is_allowed_counts() -> None:
    """Tiers and models are allowed one by one."""
    ladder = Ladder((a_tier("best"), a_tier("other")))
    assert wish_in("use best", "model", ladder=ladder) == Wish()
    assert wish_in("use vendor/best", "tier", ladder=ladder) == Wish()
    assert wish_in("use best", "tier", ladder=ladder) == Wish("best")
    assert read_wish("use best", ladder, ()) == Wish()


@pytest.mark.parametrize("text", ["use PREMİUM", "premıum: why?", "use Prem\u0131um"])
def test_names_are_known_in_turkish_letters(text: str) -> None:
    """Where i has two capitals, and one of its forms no dot, a name is still that name."""
    assert wish_in(text, ladder=Ladder((a_tier("premium"),))).tier == "premium"


@example("", [": "])
@given(
    st.text(max_size=500),
    st.lists(st.text(min_size=1, max_size=32), min_size=1, max_size=3, unique_by=str.casefold),
)
def test_no_text_and_no_name_makes_it_fail(text: str, names: list[str]) -> None:
    """Names may hold whatever a file may hold; what is wished is on the ladder."""
    ladder = Ladder(tuple(a_tier(name) for name in names))
    for said in (text, f"{names[0]}: {text}", f"{text} use {names[0]}"):
        assert wish_in(said, ladder=ladder).tier in {"", *names}
