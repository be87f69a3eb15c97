"""Budgets: how they stand and what may be spent, for whoever asks: the command line, or people in Slack.

A limit that is set here wins over the file's from the next message on, in the period that is under way too.
Leaves to the callers who may ask, and how it is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.adapters.ledger import Ledger
from router.adapters.limits import Change, Limits, SetLimit
from router.adapters.usage import UsageTable
from router.config import BudgetConfig
from router.domain.budget import (
    WORKSPACE_ID,
    Budget,
    BudgetKind,
    BudgetPeriod,
    Limit,
    Period,
    PeriodKind,
    period_named,
)
from router.domain.usage import month_and_day

BudgetName = tuple[BudgetKind, str]
"""Whose budget: a channel's or user's id, or `WORKSPACE_ID`."""

WORKSPACE: BudgetName = (BudgetKind.WORKSPACE, WORKSPACE_ID)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a budget stands in its present period, and who set its limit (None: it is the file's)."""

    budget: Budget
    period: Period
    set_limit: SetLimit | None


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a limit: `before` and `after` as they count, the file's too; None: no limit.

    `is_repeat`: it had been done by an earlier delivery of the same job, and nothing changed.
    """

    name: BudgetName
    before: Limit | None
    after: Limit | None
    standing: Standing | None
    is_repeat: bool = False


class Budgets:
    """The budgets of one workspace."""

    def __init__(
        self,
        ledger: Ledger,
        limits: Limits,
        usage: UsageTable,
        config: BudgetConfig,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._limits = limits
        self._usage = usage
        self._config = config
        self._clock = clock

    def show(self, name: BudgetName) -> Standing | None:
        """Return how a budget stands; None when no limit applies to it."""
        found = self._standings([self._asked(name)], [known] if (known := self._limits.get(*name)) else [])
        return found[0] if found else None

    def look(self, names: Sequence[BudgetName]) -> list[Standing]:
        """Return how these budgets stand, without who set them; those without a limit are left out."""
        return self._standings([self._asked(name) for name in names], [])

    def show_all(self) -> list[Standing]:
        """Return the workspace's budget, all whose limit was set, and all that were used this month.

        A few queries, and two reads for each hundred rows; those that cost most come first within their kind.
        """
        known = self._limits.all()
        names = dict.fromkeys([WORKSPACE, *((one.kind, one.id) for one in known), *self._used()])
        found = self._standings([self._asked(name) for name in names], known)
        kinds = list(BudgetKind)[::-1]
        return sorted(found, key=lambda s: (kinds.index(s.budget.kind), -s.budget.spent_usd, s.budget.id))

    def changes(self, name: BudgetName) -> list[Change]:
        """Return every change of a budget's limit, the first one first."""
        return [*self._limits.changes(*name)]

    def set_limit(
        self, name: BudgetName, amount_usd: Decimal, per: PeriodKind | None, set_by: str, job: str = ""
    ) -> Changed:
        """Set a limit, which counts at once. Without `per`, its kind of period stays as it is.

        Below what is spent, what remains is negative and nothing more is admitted. Another kind of period
        begins with nothing spent, or with what was spent in it before. A `job` sets it once.
        """
        before = self._limit(name, self._limits.get(*name))
        limit = Limit(amount_usd, per or (before.per if before else self._config.period))
        return self._change(name, limit, set_by, job)

    def unset_limit(self, name: BudgetName, set_by: str, job: str = "") -> Changed:
        """Take back what was set: the file's limit counts again, at once. A `job` does it once."""
        return self._change(name, None, set_by, job)

    def _change(self, name: BudgetName, limit: Limit | None, set_by: str, job: str) -> Changed:
        before = self._limits.change(*name, limit, set_by, self._clock(), job)
        asked = self._asked(name)
        self._ledger.budgets((asked,), consistent=True)  # moves the period that is under way
        if before is None:
            now_counts = self._limit(name, self._limits.get(*name))
            return Changed(name, now_counts, now_counts, self.show(name), is_repeat=True)
        return Changed(name, before.limit or asked.limit, limit or asked.limit, self.show(name))

    def _limit(self, name: BudgetName, known: SetLimit | None) -> Limit | None:
        return (known.limit if known else None) or self._asked(name).limit

    def _asked(self, name: BudgetName) -> BudgetPeriod:
        return self._config.of(*name, self._clock())

    def _standings(self, asked: list[BudgetPeriod], known: list[SetLimit]) -> list[Standing]:
        set_limits = {(one.kind, one.id): one for one in known if one.limit}
        return [
            Standing(b, period_named(b.period_key, self._config.zone), set_limits.get((b.kind, b.id)))
            for b in self._ledger.peek(tuple(asked))
        ]

    def _used(self) -> list[BudgetName]:
        """Name the channels and users with an answer this month, or in that in which their period began."""
        now = self._clock()
        began = self._asked(WORKSPACE).period(self._config.period).starts.timestamp()
        months = sorted({month_and_day(moment, self._config.zone)[0] for moment in (began, now)})
        dimensions = ((BudgetKind.CHANNEL, "total"), (BudgetKind.USER, "user"))
        return [
            (kind, rollup.channel if kind is BudgetKind.CHANNEL else rollup.value)
            for kind, dimension in dimensions
            for month in months
            for rollup in self._usage.workspace_month(month, dimension)
        ]
