"""A workload: prompts with what each tier makes of them, and the ladder of those tiers.

Read from a table of results (`prompt`, `score_<model>`, `cost_<model>`), or generated where there is none.
"""

from __future__ import annotations

import csv
import gzip
import math
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from router.domain.ladder import Ladder, Tier
from router.domain.money import parse_usd
from router.domain.weight import weigh

CHARACTERS_PER_TOKEN = 4
"""Of English; the data names no tokens."""

COMPLETION_PER_PROMPT = 5
"""So many times the prompt's price is the answer's; it only splits costs that are known as a whole."""

FINEST_STEP = 50
"""Costs of whole tokens rise in steps of the prompt's price. Steps finer than this part of what a prompt
token can have cost at most come from rounding, and say nothing."""

LONGEST_PROMPT = 250_000
"""In tokens as a bound counts them; the longest thread of the months has nearly as many."""

_MILLION = 1_000_000
_GZIP = b"\x1f\x8b"


class BadData(Exception):  # noqa: N818 - reads as what it says
    """The data cannot be used; the text says where, why and what would be right."""


@dataclass(frozen=True, slots=True)
class Task:
    """One prompt: its length and weight, and what each tier, in the ladder's order, makes of it."""

    length: int
    weight: Decimal
    scores: tuple[float, ...]
    completion_tokens: tuple[int, ...]

    @property
    def prompt_tokens(self) -> int:
        """How long it is without any context."""
        return self.length // CHARACTERS_PER_TOKEN + 1


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """Tasks and the ladder, dearest tier first. `max_tokens` of a tier is its longest answer here."""

    tasks: tuple[Task, ...]
    ladder: Ladder


Line = dict[str, str]


def read_workload(path: Path, pool: Mapping[str, str]) -> Workload:
    """Read a CSV file, packed with gzip or not; `pool` names the model of each tier (empty: every model).

    Raises BadData for what is missing or no number.
    """
    try:
        with _opened(path) as file:
            return _workload(path, csv.DictReader(file), pool)
    except OSError as error:
        raise BadData(f"{path}: cannot be read ({error.strerror or error})") from error
    except (UnicodeDecodeError, EOFError, csv.Error) as error:
        raise BadData(f"{path}: is no CSV in UTF-8 ({error})") from error


def _opened(path: Path) -> TextIO:
    csv.field_size_limit(sys.maxsize)
    with path.open("rb") as file:
        is_packed = file.read(len(_GZIP)) == _GZIP
    if is_packed:
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _workload(path: Path, rows: csv.DictReader[str], pool: Mapping[str, str]) -> Workload:
    names = list(rows.fieldnames or ())
    there = [name.removeprefix("score_") for name in names if name.startswith("score_")]
    models = pool or {model: model for model in there}
    needed = [f"{kind}_{model}" for model in models.values() for kind in ("score", "cost")]
    missing = [name for name in ("prompt", *needed) if name not in names]
    if missing or not models:
        raise BadData(
            f"{path}: has no column {(missing or ['score_<model>'])[0]!r}; "
            f"it has results of {', '.join(there) or 'no model'}"
        )
    lengths: list[tuple[int, Decimal]] = []
    scores: dict[str, list[float]] = {tier: [] for tier in models}
    costs: dict[str, list[Decimal]] = {tier: [] for tier in models}
    for row in rows:
        where = f"{path}, line {rows.line_num}"
        prompt = row["prompt"] or ""
        lengths.append((len(prompt), weigh(prompt).value))
        for tier, model in models.items():
            scores[tier].append(float(_number(where, f"score_{model}", row)))
            costs[tier].append(_number(where, f"cost_{model}", row, least=0))
    if not lengths:
        raise BadData(f"{path}: has a head and no rows")
    return _made_of(lengths, scores, costs)


def _number(where: str, column: str, row: Line, least: int | None = None) -> Decimal:
    number = parse_usd((row.get(column) or "").strip())
    if number is None or (least is not None and number < least):
        raise BadData(
            f"{where}: {column} is {row.get(column)!r}; write a number{' of 0 or more' * (least is not None)}"
        )
    return number


def _made_of(
    lengths: Sequence[tuple[int, Decimal]],
    scores: Mapping[str, Sequence[float]],
    costs: Mapping[str, Sequence[Decimal]],
) -> Workload:
    """Split each cost into prompt and answer, and order the tiers by what they cost on average."""
    tokens = [length // CHARACTERS_PER_TOKEN + 1 for length, _ in lengths]
    names = sorted(costs, key=lambda tier: (-sum(costs[tier]), tier))
    tiers, completions = [], []
    for name in names:
        price = _prompt_price_usd(costs[name], tokens)
        answers = [
            max(0, round((cost / price - n) / COMPLETION_PER_PROMPT)) if price else 0
            for cost, n in zip(costs[name], tokens, strict=True)
        ]
        tiers.append(_tier(name, price * _MILLION, COMPLETION_PER_PROMPT, max(answers)))
        completions.append(answers)
    tasks = [
        Task(length, weight, tuple(scores[n][i] for n in names), tuple(c[i] for c in completions))
        for i, (length, weight) in enumerate(lengths)
    ]
    return Workload(tuple(tasks), Ladder(tuple(tiers)))


def _tier(name: str, price: Decimal, completion: int, longest: int) -> Tier:
    return Tier(name, (name,), price, price * completion, max(1, longest), LONGEST_PROMPT)


def _prompt_price_usd(costs: Sequence[Decimal], tokens: Sequence[int]) -> Decimal:
    """Find what a prompt token costs: at most what the cheapest answer cost for each token of its prompt.

    Models that think show no cheap answer. Their costs, as those of all, are sums of whole tokens; where
    the step between them is no mere rounding, it is the price.
    """
    at_most = min((cost / n for cost, n in zip(costs, tokens, strict=True) if cost), default=Decimal(0))
    places = max(-int(cost.as_tuple().exponent) for cost in costs)
    step = Decimal(math.gcd(*(int(cost.scaleb(places)) for cost in costs))).scaleb(-places)
    return min(at_most, step) if step * FINEST_STEP >= at_most else at_most


# generated

GENERATED = 1500
"""Prompts: enough that a month meets each only now and then."""

_TIERS = (("premium", "1.25", 1200, 1.9), ("standard", "0.5", 300, 1.6), ("economy", "0.1", 170, 0.9))
"""Name, price of a million prompt tokens, median answer (the premium tier thinks) and skill of each tier."""


def generated_workload(seed: int = 0) -> Workload:
    """Make prompts whose hardness shows in their length a little; a tier scores by its skill against it."""
    lots = random.Random(f"workload {seed}")  # noqa: S311 - chance that can be repeated, not a secret
    tasks = []
    for _ in range(GENERATED):
        length = round(lots.lognormvariate(math.log(150), 1.0)) + 5
        hardness = lots.gauss(0.1 * math.log(length / 150), 1.0)
        scores = [1 / (1 + math.exp(-3 * (skill - hardness) - lots.gauss(0, 0.7))) for *_, skill in _TIERS]
        wordy = lots.gauss(0, 0.6)
        answers = [round(median * math.exp(wordy + lots.gauss(0, 0.4))) for *_, median, _ in _TIERS]
        tasks.append(Task(length, weigh("a" * length).value, tuple(scores), tuple(answers)))
    tiers = [
        _tier(name, Decimal(price), COMPLETION_PER_PROMPT, max(task.completion_tokens[k] for task in tasks))
        for k, (name, price, *_) in enumerate(_TIERS)
    ]
    return Workload(tuple(tasks), Ladder(tuple(tiers)))
