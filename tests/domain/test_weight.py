"""The weight of a message: by plain signs, in every script, within bounds and in bounded time."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.weight import HEAVIEST, LIGHTEST, weigh

QUESTION = "What is the difference between a mutex and a semaphore?"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "hi",
            "Hello there!",
            "thanks",
            "Thank you so much!!",
            "<@U0PENNY001> good morning",
            "ok",
            "👋",
            "",
        ),
        *("Danke schön!", "merci beaucoup", "¡Hola! Buenos días", "obrigada :)", "grazie mille", "cześć"),
        *("Привет!", "спасибо большое", "γεια σας", "مرحبا", "شكرا!", "תודה רבה", "धन्यवाद", "ขอบคุณ"),
        *("谢谢！", "你好。", "ありがとうございます！", "감사합니다", ":wave:", "   ", "😀😀😀", "!!!"),
    ],
)
def test_a_greeting_weighs_nothing(text: str) -> None:
    """Hello, thanks or nothing at all, in whatever language."""
    assert weigh(text).value == 0
    assert weigh(text).signs == ("greeting",)


def test_a_file_is_more_than_its_greeting() -> None:
    """Who posts a file with a word of thanks wants it to be looked at."""
    assert weigh("thanks!", has_files=True).value == 1


@pytest.mark.parametrize(
    "text",
    [
        "thanks, but why?",
        "hi, is prod down?",
        "ok so what now",
        "谢谢，但是为什么？",
        "привет, что это",
        "𠀀𠀁",
    ],
)
def test_a_greeting_with_a_question_is_a_question(text: str) -> None:
    """One word more than a greeting is no greeting."""
    assert weigh(text).value > 0


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        (QUESTION, ()),
        ("Fix this: ```for x in y: pass```", ("code",)),
        ("why does `x.y` fail", ("code",)),
        ("Traceback (most recent call last)", ("code",)),
        ("From what I see, select the right import for us to return", ()),
        ("What is it? And who made it?", ("several steps",)),
        ("这是什么？谁做的？", ("several steps",)),
        ("ما هذا؟ ومن صنعه؟", ("several steps",)),
        ("Do:\n1. read\n2. write", ("several steps",)),
        ("Think hard: is P equal to NP", ("think hard",)),
        ("Denk gründlich nach, bitte", ("think hard",)),
        ("请仔细想一下这个问题", ("think hard",)),
        ("Quick question: what time is it in Tokyo", ("quick",)),
        ("quickly, who is the CEO", ("quick",)),
        ("the quick brown fox jumps", ()),
    ],
)
def test_signs_are_seen(text: str, signs: tuple[str, ...]) -> None:
    """Each of them, and not what only looks like it."""
    assert weigh(text).signs == signs


def test_what_the_operator_forbids_is_not_heeded() -> None:
    """Asking is then a text like any other."""
    asked = weigh("Think hard: is P equal to NP", heeded=())
    assert (asked.signs, asked.value) == ((), weigh("Guess oft: is P equal to NP").value)


def test_longer_weighs_more_but_not_much() -> None:
    """From four fifths to five quarters, and no more for a book."""
    weights = [weigh("word " * n).value for n in (1, 8, 40, 200, 8000)]
    assert weights == sorted(weights)
    assert (weights[0], weights[-1]) == (Decimal("0.80"), Decimal("1.25"))


def test_scripts_are_weighed_alike() -> None:
    """The same sentence weighs about the same, in few characters or in many."""
    same = [
        "Please explain in a few sentences how the new travel policy differs from the old one.",
        "请用几句话解释新的差旅政策与旧政策有什么不同，以及谁必须批准出差。",
        "新しい出張規程が以前のものとどう違うのか、誰が出張を承認するのかを数文で説明してください。",
        "Объясни, пожалуйста, в нескольких предложениях, чем новая политика поездок отличается от старой.",
        "يرجى شرح كيف تختلف سياسة السفر الجديدة عن القديمة في بضع جمل ومن يجب أن يوافق على الرحلات.",
    ]
    weights = [weigh(text).value for text in same]
    assert max(weights) - min(weights) <= Decimal("0.1")


@given(st.text(st.characters(), max_size=300))
def test_every_text_has_a_weight(text: str) -> None:
    """Nothing people can type makes it fail or leave its bounds."""
    value = weigh(text).value
    assert value == 0 or Decimal(f"{LIGHTEST}") <= value <= Decimal(f"{HEAVIEST}")


@pytest.mark.parametrize(
    "piece", ["a", "`", "((((", "1. a\n", " ", "\n", "<@", ":a", "think ", "😀", "あ", "\u202e", "?"]
)
def test_forty_thousand_characters_cost_no_more_than_two(piece: str) -> None:
    """The longest message of Slack, of whatever it consists, is weighed in a moment."""
    text = piece * (40_000 // len(piece))
    began = time.perf_counter()
    assert weigh(text).value >= 0
    assert time.perf_counter() - began < 0.1
