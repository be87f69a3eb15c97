"""A limit in words: what is one, and what people are told of everything else."""

from __future__ import annotations

import pytest

from router.domain.budget import PeriodKind
from router.domain.limit_words import WrongLimit, read_limit_words
from tests.money import usd


@pytest.mark.parametrize(
    ("words", "amount", "per"),
    [
        ("25", "25", None),
        ("$25", "25", None),
        ("0", "0", None),
        ("0.50 per day", "0.50", PeriodKind.DAY),
        (" 1000000  per week ", "1000000", PeriodKind.WEEK),
        ("2.000001 per month", "2.000001", PeriodKind.MONTH),
    ],
)
def test_a_limit_in_words(words: str, amount: str, per: PeriodKind | None) -> None:
    """An amount, with or without the sign, and a period where one is wanted."""
    assert read_limit_words(words) == (usd(amount), per)


@pytest.mark.parametrize(
    "words",
    [
        *("", "-5", "NaN", "inf", "1e3", "1000000.01", "1,000", "0.0000001", "five", "$", "٢٥"),
        *("25 per year", "25 month", "25 per", "25 per day now", "9" * 5000, "25 " + "x" * 5000),
    ],
)
def test_anything_else_is_told(words: str) -> None:
    """What is no amount or no period is refused with what would be one, and never repeated at length."""
    with pytest.raises(WrongLimit, match="write ") as wrong:
        read_limit_words(words)

    assert len(str(wrong.value)) < 200


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        ("€5", "US dollars"),
        ("5€", "US dollars"),
        ("5EUR", "US dollars"),
        ("1e9", "written out"),
        ("-3", "below zero"),
        ("five", "in digits"),
        ("25,50", "behind a point"),
        ("1,000", "commas"),
        ("1,000.50", "commas"),
    ],
)
def test_a_slip_is_named(amount: str, why: str) -> None:
    """Who wrote what people write by mistake hears which mistake it is."""
    with pytest.raises(WrongLimit, match=why):
        read_limit_words(f"{amount} per month")
