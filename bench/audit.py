"""The audit: what became of each question, and whether the books agree; computed from what stands there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bench.crowd import answer_to, number_in
from bench.tables import Row

DIMENSIONS = ("total", "model", "user", "day")
"""Of the rollups: each of them sums up all usage records of a channel."""

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Post:
    """What Penny said once: the text that people see, the footer included."""

    text: str
    is_finished: bool


@dataclass(frozen=True, slots=True)
class Answers:
    """Which questions (by number) ended in which way, and posts that no question had need of."""

    answered: frozenset[int]
    lost: frozenset[int]
    half_written: frozenset[int]
    duplicates: int
    """Posts about a question beyond its first."""
    notices: int
    """Posts about no question."""


def find_answers(posts: Iterable[Post], questions: int) -> Answers:
    """Hold what Penny said against what was asked: a question wants one finished post with all its words."""
    posts_of: dict[int | None, list[Post]] = defaultdict(list)
    for post in posts:
        posts_of[number_in(post.text)].append(post)
    numbers = frozenset(range(1, questions + 1))
    answered = frozenset(n for n in numbers if any(_is_answer(post, n) for post in posts_of[n]))
    lost = frozenset(n for n in numbers if not posts_of[n])
    return Answers(
        answered=answered,
        lost=lost,
        half_written=numbers - answered - lost,
        duplicates=sum(len(posts_of[n]) - 1 for n in numbers - lost),
        notices=len(posts_of[None]),
    )


def _is_answer(post: Post, number: int) -> bool:
    return post.is_finished and post.text.startswith(answer_to(number))


@dataclass(frozen=True, slots=True)
class Books:
    """What the tables say, in USD. `disagreements` tell which sums differ that should be the same."""

    spent_usd: Decimal
    estimated_usd: Decimal
    overspend_usd: Decimal
    calls: int
    disagreements: tuple[str, ...]


def read_books(rows: Sequence[Row]) -> Books:
    """Sum up budgets, usage records and rollups, and compare them channel by channel.

    The rows must be of one month, and the period of the budgets a month as well.
    """
    budgets, records, rollups = (_beginning("pk", of, rows) for of in ("budget#", "records#", "rollup#"))
    costs = _sums(records, "cost_usd")
    pairs = {"budgets": (_sums(budgets, "spent_usd"), costs)}
    for dimension in DIMENSIONS:
        of_dimension = _beginning("sk", f"{dimension}#", rollups)
        pairs[f"rollups by {dimension}"] = _sums(of_dimension, "cost_usd"), costs
        pairs[f"answers by {dimension}"] = _sums(of_dimension, "answers"), _sums(records, "")
    pairs["remaining"] = _sums(budgets, "remaining_usd"), {_channel(b): _remaining_usd(b) for b in budgets}
    return Books(
        spent_usd=sum((row["spent_usd"] for row in budgets), _ZERO),
        estimated_usd=sum((row["cost_usd"] for row in records if row["estimated"]), _ZERO),
        overspend_usd=sum((max(_ZERO, -_remaining_usd(row)) for row in budgets), _ZERO),
        calls=len(records),
        disagreements=tuple(text for name, pair in pairs.items() for text in _differences(name, *pair)),
    )


def _beginning(key: str, prefix: str, rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row[key].startswith(prefix)]


def _channel(row: Row) -> str:
    """Name the channel of a budget (`budget#channel#C`), a record or a rollup (`records#C#2026-11`)."""
    parts: list[str] = row["pk"].split("#")
    return parts[2] if parts[0] == "budget" else parts[1]


def _sums(rows: Iterable[Row], attribute: str) -> dict[str, Decimal]:
    """Add up an attribute for each channel; without a name, count the rows."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[_channel(row)] += row[attribute] if attribute else 1
    return sums


def _remaining_usd(budget: Row) -> Decimal:
    remaining: Decimal = budget["limit_usd"] - budget["spent_usd"] - budget["reserved_usd"]
    return remaining


def _differences(name: str, these: dict[str, Decimal], those: dict[str, Any]) -> list[str]:
    return [
        f"{name} of {channel}: {these.get(channel, 0)} and {those.get(channel, 0)}"
        for channel in sorted(these.keys() | those.keys())
        if these.get(channel, 0) != those.get(channel, 0)
    ]
