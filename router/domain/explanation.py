"""The explanation of an answer, from the numbers that a record keeps of it; no word of a message is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.domain.money import parse_usd, show_usd
from router.domain.why import told


def explain(record: Mapping[str, Any]) -> str:
    """Say who answered, for how much and why; `record` is a usage record's row, or a reservation's facts."""
    wanted, given = str(record.get("tier_wanted", "?")), str(record.get("tier_given", "?"))
    model, cost_usd = record.get("model"), parse_usd(record.get("cost_usd"))
    said = [f"The tier {given} answered"]
    said += [f"with {model}"] if model else []
    said += [f"for {show_usd(cost_usd)}"] if cost_usd is not None else ["and its cost is not known yet"]
    return f"{' '.join(said)}. It was {told(_numbers(record.get('why')), wanted, given)}"


def _numbers(why: object) -> dict[str, str]:
    """Read the numbers, whatever a row of another release holds."""
    return {str(name): str(value) for name, value in why.items()} if isinstance(why, Mapping) else {}
