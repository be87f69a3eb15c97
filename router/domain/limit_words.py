"""A limit in words: `25 per month`, as people write it at the command line and in Slack."""

from __future__ import annotations

import re
from decimal import Decimal

from router.domain.budget import PeriodKind
from router.domain.money import DEAREST_USD, MOST_DECIMALS
from router.errors import PennyError

_AMOUNT = re.compile(rf"\$?([0-9]{{1,12}}(?:\.[0-9]{{1,{MOST_DECIMALS}}})?)")
_LONGEST_SHOWN = 40
"""Characters of a wrong word that an error repeats."""

_RIGHT = (
    f"write dollars from 0 to {DEAREST_USD} with at most {MOST_DECIMALS} decimals, such as 25 or 0.50 per day"
)

_SLIPS = (
    (re.compile(r"-.*"), "a limit is not below zero"),
    (re.compile(r"\$?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?"), "commas are not read"),
    (re.compile(r"\$?[0-9]+,[0-9]*"), "cents stand behind a point"),
    (re.compile(r"\$?[0-9.]+[eE][+-]?[0-9]+"), "an amount is written out in digits"),
    (re.compile(r"[€£¥₹][0-9.,]+|[0-9.,]+(€|£|¥|₹|eur|gbp)", re.IGNORECASE), "limits are in US dollars"),
    (re.compile(r"[a-z]+", re.IGNORECASE), "an amount is written in digits"),
)
"""What people write instead of an amount, and what is wrong with it; the first that fits is told."""


class WrongLimit(PennyError):  # noqa: N818 - reads as what it says
    """Words that are no limit. The text says why, and what would be one."""


def read_limit_words(words: str) -> tuple[Decimal, PeriodKind | None]:
    """Read `25` or `$25 per month`; without a period the one that counts at present is meant.

    Raises WrongLimit.
    """
    amount, *rest = words.split() or [""]
    found = _AMOUNT.fullmatch(amount)
    if not found or Decimal(found[1]) > DEAREST_USD:
        raise WrongLimit(f"{amount[:_LONGEST_SHOWN]!r} is no limit: {_slip(amount)}{_RIGHT}")
    match rest:
        case []:
            return Decimal(found[1]), None
        case ["per", ("day" | "week" | "month") as per]:
            return Decimal(found[1]), PeriodKind(per)
    raise WrongLimit(
        f"{' '.join(rest)[:_LONGEST_SHOWN]!r} is no period; write per day, per week or per month"
    )


def _slip(amount: str) -> str:
    return next((f"{why}; " for form, why in _SLIPS if form.fullmatch(amount[: _LONGEST_SHOWN + 1])), "")
