"""Dollars: exact, never float, rounded against spending where they must be rounded at all."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation

LEDGER_STEP_USD = Decimal("1e-12")
"""Finest amount the ledger keeps: far below the price of a token, and 26 digits are left for dollars
in the 38 that DynamoDB stores exactly."""

DEAREST_USD = Decimal(1_000_000)
"""Above this an amount is taken for a slip of the keyboard."""

MOST_DECIMALS = 6
"""Of an amount: then the price of one token is whole in the ledger's step, and estimates are exact."""

_EXACT = Context(prec=38)
_TEN_CENTS = Decimal("0.1")


def to_ledger_usd(amount: Decimal) -> Decimal:
    """Round up to the ledger's step, so that what is written is never less than what was billed."""
    return amount.quantize(LEDGER_STEP_USD, rounding=ROUND_CEILING, context=_EXACT).normalize(_EXACT)


def parse_usd(value: object) -> Decimal | None:
    """Read an amount of dollars that came from outside; None unless it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def show_usd(amount: Decimal) -> str:
    """Write dollars for people: cents from ten cents up, below that two significant digits.

    What is left is never shown as more than it is, so amounts round down, debts too.
    """
    return _show(amount, ROUND_FLOOR)


def show_most_usd(amount: Decimal) -> str:
    """Write a bound for people: as `show_usd`, but rounded up, so that it holds as it is read."""
    return _show(amount, ROUND_CEILING)


def _show(amount: Decimal, rounding: str) -> str:
    if amount == 0:
        return "$0"
    digits = 2 if abs(amount) >= _TEN_CENTS else 1 - amount.adjusted()
    shown = amount.quantize(Decimal(1).scaleb(-digits), rounding=rounding, context=_EXACT)
    return f"{'-' if shown < 0 else ''}${abs(shown):,f}"
