"""The explanation of a choice, from the numbers that a record keeps of it; no word of a message is in it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from router.domain.money import parse_usd, show_usd


def explain(record: Mapping[str, Any]) -> str:
    """Say why a message got its tier; `record` is a usage record's row, or a reservation's facts."""
    wanted, given = str(record.get("tier_wanted", "?")), str(record.get("tier_given", "?"))
    said = [
        f"The tier {given} answered" if wanted == given else f"The tier {given} answered instead of {wanted}"
    ]
    model, cost_usd = record.get("model"), parse_usd(record.get("cost_usd"))
    said += [f"with {model}"] if model else []
    said += [f"for {show_usd(cost_usd)}"] if cost_usd is not None else ["and its cost is not known yet"]
    return f"{' '.join(said)}. {_numbers(record.get('why'))}".strip()


def _numbers(why: object) -> str:
    if not isinstance(why, Mapping) or not why:
        return ""
    return f"What decided: {', '.join(f'{_word(name)} {_number(value)}' for name, value in why.items())}."


def _word(name: object) -> str:
    return str(name).replace("_", " ")


def _number(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)[:80]
