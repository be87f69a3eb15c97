"""Dollars: exact in the ledger, readable for people, never rounded in anyone's favour."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.money import LEDGER_STEP_USD, parse_usd, show_usd, to_ledger_usd

finite = st.decimals(-1_000_000, 1_000_000, places=18) | st.decimals(-1, 1, places=25)
"""Amounts large and small, of fewer digits than Decimal computes with, so that the tests are exact too."""


@given(finite)
def test_what_the_ledger_keeps_is_never_less_than_the_bill(amount: Decimal) -> None:
    """Rounding to the ledger's step adds less than a step and takes nothing."""
    kept = to_ledger_usd(amount)
    assert 0 <= kept - amount < LEDGER_STEP_USD
    assert kept % LEDGER_STEP_USD == 0
    assert to_ledger_usd(kept) == kept


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        ("5", "5"),
        ("5.000", "5"),
        ("0.000000000001", "0.000000000001"),
        ("0.0000000000001", "0.000000000001"),
        ("1E-500", "0.000000000001"),
        ("0.1234567890123", "0.123456789013"),
        ("-0.0000000000019", "-0.000000000001"),
        ("99999999999999999999999999.000000000001", "99999999999999999999999999.000000000001"),
    ],
)
def test_the_ledgers_step_is_a_billionth_of_a_tenth_of_a_cent(amount: str, kept: str) -> None:
    """What is finer than the step goes up to it, also where the number has 38 digits."""
    assert to_ledger_usd(Decimal(amount)) == Decimal(kept)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (7, "7"),
        ("0.00014", "0.00014"),
        ("1e-7", "0.0000001"),
        (Decimal("2.50"), "2.50"),
        (-3, "-3"),
        (10**400, str(10**400)),
    ],
)
def test_an_amount_is_read_exactly(value: object, amount: str) -> None:
    """Whole numbers, texts and decimals lose no digit."""
    assert parse_usd(value) == Decimal(amount)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, False, 0.1, float("nan"), [], {}, b"1", 1j),
        *("", " ", "five", "$5", "1,5", "0x10", "1e", "\x00", "NaN", "sNaN", "inf", "-Infinity"),
        *("1e99999999999999999999", Decimal("NaN"), Decimal("Infinity")),
    ],
)
def test_what_is_no_finite_number_is_no_amount(value: object) -> None:
    """Above all a float is none: it has lost digits before it came."""
    assert parse_usd(value) is None


@given(st.text() | st.text("0123456789.eE+-_ ") | st.integers() | st.floats() | st.decimals() | st.booleans())
def test_reading_an_amount_never_fails(value: Any) -> None:
    """Whatever comes from outside is a finite amount or nothing."""
    amount = parse_usd(value)
    assert amount is None or amount.is_finite()


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0"),
        ("0E-12", "$0"),
        ("-0", "$0"),
        ("5", "$5.00"),
        ("1E+2", "$100.00"),
        ("0.1", "$0.10"),
        ("4.999", "$4.99"),
        ("1234567.891", "$1,234,567.89"),
        ("0.0999", "$0.099"),
        ("0.05", "$0.050"),
        ("0.000123", "$0.00012"),
        ("0.00000055", "$0.00000055"),
        ("1E-12", "$0.0000000000010"),
        ("-0.25", "-$0.25"),
        ("-0.001234", "-$0.0013"),
        ("-1234.561", "-$1,234.57"),
    ],
)
def test_dollars_read_well(amount: str, shown: str) -> None:
    """Cents from ten cents up, below that two digits that say something."""
    assert show_usd(Decimal(amount)) == shown


@given(finite)
def test_more_is_never_shown_than_there_is(amount: Decimal) -> None:
    """What is shown is at most the amount, and less than a cent away, or a tenth of it if it is small."""
    text = show_usd(amount)
    shown = Decimal(text.replace("$", "").replace(",", ""))
    step = Decimal("0.01") if abs(amount) >= Decimal("0.1") else abs(amount) / 10
    assert shown == amount or 0 <= amount - shown < step
    assert "E" not in text
