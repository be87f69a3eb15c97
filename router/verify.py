"""Verify: a month's books recomputed from its usage records; every difference is named to the last digit.

Reads every record of the month, by queries alone: the sums that reports use say which channels there are.
A channel none of whose sums is there would go unseen, but for the budgets that it was charged to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import tzinfo
from decimal import Context, Decimal

from router.adapters.ledger import BudgetRow, Ledger, budget_names, read_budget_name
from router.adapters.table import Row
from router.adapters.usage import Rollup, UsageTable
from router.domain.budget import Budget, Period, PeriodKind, period_at, period_named
from router.domain.usage import WORKSPACE_DIMENSIONS

_EXACT = Context(prec=60)
"""More than the 38 digits of one amount: this holds the sum of many of them."""

_EDGE_S = 8 * 24 * 3600
"""A week that reaches out of a month does so by less."""

_FAR = 1e11
"""Epoch seconds that no lease reaches: every open reservation is before it."""

Value = Decimal | int | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the books and the records disagree; None: it is not there at all."""

    row: str
    attribute: str
    books: Value
    recomputed: Value


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and what does not agree."""

    month: str
    records: int
    rollups: int
    budgets: int
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class _Sums:
    """What records add up to; the names are those of a rollup."""

    answers: int = 0
    cost_usd: Decimal = Decimal(0)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated_usd: Decimal = Decimal(0)

    def add(self, record: Row) -> None:
        cost_usd = Decimal(record["cost_usd"])
        self.answers += 1
        self.cost_usd = _EXACT.add(self.cost_usd, cost_usd)
        self.prompt_tokens += int(record["prompt_tokens"])
        self.completion_tokens += int(record["completion_tokens"])
        if record["estimated"]:
            self.estimated_usd = _EXACT.add(self.estimated_usd, cost_usd)


@dataclass(slots=True)
class _Seen:
    """What a walk through the records came to."""

    records: int = 0
    rollups: dict[tuple[str, str, str], _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    """By channel, dimension and value."""
    charged: dict[BudgetRow, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, record: Row) -> None:
        """Add a record of the month."""
        self.records += 1
        values = {
            "total": "all",
            "model": str(record["model"]) or "unknown",
            "user": str(record["user"]),
            "day": str(record["day"]),
        }
        for dimension, value in values.items():
            self.rollups[str(record["channel"]), dimension, value].add(record)
        self.charge(record)

    def charge(self, record: Row) -> None:
        """Add what a record was charged to, whichever month it is of."""
        for name in map(read_budget_name, map(str, record.get("budgets", ()))):
            self.charged[name] = _EXACT.add(self.charged[name], Decimal(record["cost_usd"]))


class Verifying:
    """The recomputing of one month (`2026-11`) in the time zone of the books."""

    def __init__(self, usage: UsageTable, ledger: Ledger, month: str, zone: tzinfo) -> None:
        self._usage = usage
        self._ledger = ledger
        self._zone = zone
        self._month = period_named(month, zone)

    def verify(self) -> Verified:
        """Recompute everything. What is being settled meanwhile may show as a difference."""
        rollups = {(r.channel, r.dimension, r.value): r for r in self._rollups()}
        seen, channels = _Seen(), sorted({channel for channel, _, _ in rollups})
        for channel in channels:
            for record in self._usage.records(channel, self._month.key):
                seen.add(record)
        budgets = self._budgets(seen)
        if any(self._reaches_out(budget) for budget in budgets):
            self._charge_neighbours(seen)
        return Verified(
            month=self._month.key,
            records=seen.records,
            rollups=len(rollups),
            budgets=len(budgets),
            differences=(
                *self._wrong_with_rollups(rollups, seen, channels),
                *self._wrong_with_budgets(budgets, seen),
            ),
        )

    def _rollups(self) -> Iterator[Rollup]:
        for dimension in WORKSPACE_DIMENSIONS:
            yield from self._usage.workspace_month(self._month.key, dimension)

    # rollups

    def _wrong_with_rollups(
        self, indexed: dict[tuple[str, str, str], Rollup], seen: _Seen, channels: list[str]
    ) -> Iterator[Difference]:
        """Compare the sums, both in the table and in its index, with what the records add up to."""
        found = {
            (channel, r.dimension, r.value): r
            for channel in channels
            for r in self._usage.channel_month(channel, self._month.key)
        }
        for key in sorted({*found, *indexed, *seen.rollups}):
            channel, dimension, value = key
            name = f"rollup {channel} {self._month.key} {dimension} {value}"
            recomputed = seen.rollups.get(key) or _Sums()
            yield from _differences(name, found.get(key), recomputed)
            if found.get(key) != indexed.get(key):
                yield from _differences(f"{name} (index)", indexed.get(key), recomputed)

    # budgets

    def _budgets(self, seen: _Seen) -> list[Budget]:
        """Return the rows of all budgets that the month's records were charged to, in every period of it."""
        weeks = [period_at(PeriodKind.WEEK, at, self._zone).key for at in self._edges()]
        month = self._month.key
        return [
            budget
            for kind, budget_id in sorted({(kind, budget_id) for kind, budget_id, _ in seen.charged})
            for first, last in ((month, f"{month}-99"), (weeks[0], weeks[1]))
            for budget in self._ledger.history(kind, budget_id, first, last)
        ]

    def _edges(self) -> tuple[float, float]:
        return self._month.starts.timestamp(), self._month.renews.timestamp() - 1

    def _reaches_out(self, budget: Budget) -> bool:
        period = period_named(budget.period_key, self._zone)
        return period.starts < self._month.starts or period.renews > self._month.renews

    def _charge_neighbours(self, seen: _Seen) -> None:
        """Add what was charged in the weeks that reach into the months before and after."""
        first, last = self._edges()
        for moment, since, until in (
            (first - 1, first - _EDGE_S, first + _EDGE_S),
            (last + 1, last - _EDGE_S, last + _EDGE_S),
        ):
            neighbour: Period = period_at(PeriodKind.MONTH, moment, self._zone)
            for total in self._usage.workspace_month(neighbour.key, "total"):
                for record in self._usage.records(total.channel, neighbour.key, since=since, until=until):
                    seen.charge(record)

    def _wrong_with_budgets(self, budgets: list[Budget], seen: _Seen) -> Iterator[Difference]:
        reserved: dict[str, Decimal] = defaultdict(Decimal)
        for reservation in self._ledger.open_past_lease(_FAR):
            for name in budget_names(reservation):
                reserved[name] = _EXACT.add(reserved[name], reservation.amount_usd)
        known = {budget.row: budget for budget in budgets}
        missing = [name for name in seen.charged if name not in known and self._is_of_month(name)]
        for kind, budget_id, period_key in sorted(missing):
            charged = seen.charged[kind, budget_id, period_key]
            yield Difference(f"budget {kind} {budget_id} {period_key}", "spent_usd", None, charged)
        for row, budget in known.items():
            name = f"budget {budget.kind} {budget.id} {budget.period_key}"
            held = reserved[f"{budget.period_key}#{budget.kind}#{budget.id}"]
            remaining = _EXACT.subtract(budget.limit_usd, _EXACT.add(budget.spent_usd, budget.reserved_usd))
            for attribute, books, recomputed in (
                ("spent_usd", budget.spent_usd, seen.charged.get(row, Decimal(0))),
                ("reserved_usd", budget.reserved_usd, held),
                ("remaining_usd", budget.remaining_usd, remaining),
            ):
                if books != recomputed:
                    yield Difference(name, attribute, books, recomputed)

    def _is_of_month(self, name: BudgetRow) -> bool:
        period = period_named(name[2], self._zone)
        return period.starts < self._month.renews and period.renews > self._month.starts


def _differences(name: str, rollup: Rollup | None, recomputed: _Sums) -> Iterator[Difference]:
    for attribute in (one.name for one in fields(_Sums)):
        books, should = getattr(rollup, attribute, None), getattr(recomputed, attribute)
        if books != should:
            yield Difference(name, attribute, books, should)
