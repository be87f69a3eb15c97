"""The digest: once a week, each channel is told what its last seven days came to.

Reads rollups only and calls no model, so it costs the same however much was asked. Nothing is posted where
nothing happened, in direct messages neither, and nothing twice, whatever runs again.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from router.adapters.digests import Digests, NoTurn, Phase, Turn
from router.adapters.ledger import Ledger
from router.adapters.slack_web import SlackWeb
from router.adapters.usage import Rollup, UsageTable
from router.config import DIRECT_MESSAGE, BudgetConfig
from router.domain.alert import gone_on
from router.domain.budget import BudgetKind, PeriodKind, period_at, period_named
from router.domain.digest import Digest, ModelUse
from router.domain.ladder import Tier
from router.errors import SlackRateLimited, SlackRefused, SlackUnavailable
from router.journal import write_line
from router.report import Line, savings_of, sum_up
from router.slack.digest_post import find_digest, post_digest

DAYS_BACK = 7
"""From the same day of the week before, so that of successive weeks none misses an hour."""

STOP_BEFORE_S = 45.0
"""Before Lambda stops us: two calls that take all of their 10 s, and the row that says what came of them."""

LONGEST_WAIT_S = 60.0
"""Slack limits posts by the minute: https://docs.slack.dev/apis/web-api/rate-limits."""


class Ending(StrEnum):
    """What became of one channel's digest in one run."""

    POSTED = "posted"
    POSTED_BEFORE = "posted_before"
    IN_PROGRESS = "in_progress"
    """Another run is posting it, or died doing so within the last minutes."""
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    OUT_OF_TIME = "out_of_time"
    """This run has no time for it."""
    GIVEN_UP = "given_up"
    """It was tried often enough this week."""


LEFT = (Ending.UNREACHABLE, Ending.OUT_OF_TIME, Ending.IN_PROGRESS)
"""What a run soon after may well bring to an end."""

ENDING_OF = {
    Phase.POSTED: Ending.POSTED_BEFORE,
    Phase.POSTING: Ending.IN_PROGRESS,
    Phase.REFUSED: Ending.GIVEN_UP,
    Phase.UNREACHABLE: Ending.GIVEN_UP,
}
"""What it means that there is no turn to be had."""


@dataclass(frozen=True, slots=True)
class Week:
    """What a channel used from the midnight that begins `since` until now."""

    channel: str
    since: date
    total: Line
    months: tuple[str, ...]
    models: tuple[ModelUse, ...]


def read_weeks(usage: UsageTable, since: date, until: date) -> list[Week]:
    """Return the week of each channel that was answered in these days, two queries for each month of them."""
    months = tuple(sorted({f"{since:%Y-%m}", f"{until:%Y-%m}"}))
    days = _by_channel(
        day for month in months for day in usage.workspace_month(month, "day") if day.value >= f"{since}"
    )
    models = _by_channel(model for month in months for model in usage.workspace_month(month, "model"))
    return [_week(channel, since, months, days[channel], models.get(channel, [])) for channel in sorted(days)]


def _by_channel(rollups: Iterable[Rollup]) -> dict[str, list[Rollup]]:
    found: dict[str, list[Rollup]] = {}
    for rollup in rollups:
        found.setdefault(rollup.channel, []).append(rollup)
    return found


def _week(
    channel: str, since: date, months: tuple[str, ...], days: list[Rollup], models: list[Rollup]
) -> Week:
    total = sum_up(days, channel, "", "day").total
    uses = (
        ModelUse(line.name, line.answers, line.cost_usd, line.good, line.bad)
        for line in sum_up(models, channel, "", "model").lines
    )
    return Week(channel, since, total, months, tuple(uses))


@dataclass(frozen=True, slots=True)
class ToldOf:
    """What of the file a digest tells: budgets, and the best tier, which its costs are compared with."""

    budget: BudgetConfig
    best: Tier


class Digesting:
    """Posts the digests of one workspace."""

    def __init__(
        self,
        usage: UsageTable,
        ledger: Ledger,
        digests: Digests,
        slack: SlackWeb,
        told_of: ToldOf,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._usage = usage
        self._ledger = ledger
        self._digests = digests
        self._slack = slack
        self._budget = told_of.budget
        self._best = told_of.best
        self._clock = clock
        self._sleep = sleep

    def post_all(self, seconds_left: float) -> dict[str, int]:
        """Post the digest of each channel that has used something; returns how many ended in which way.

        Raises SlackUnavailable at the end when some are left that a run soon after may post, so that Lambda
        makes one, and TableUnavailable as soon as a table does not answer.
        """
        now = self._clock()
        give_up = now + seconds_left - STOP_BEFORE_S
        today = datetime.fromtimestamp(now, self._budget.zone).date()
        run = _Run(period_at(PeriodKind.WEEK, now, self._budget.zone).key, uuid.uuid4().hex, give_up)
        counts: Counter[Ending] = Counter()
        for week in read_weeks(self._usage, today - timedelta(days=DAYS_BACK), today):
            if not week.channel.startswith(DIRECT_MESSAGE):
                counts[self._post(week, run)] += 1
        if left := sum(counts[ending] for ending in LEFT):
            raise SlackUnavailable(f"digests that are still to be posted: {left} of {counts.total()}")
        return {ending.value: count for ending, count in counts.items()}

    def _post(self, week: Week, run: _Run) -> Ending:
        """Post one channel's digest, if its turn is to be had, and write one line in the journal."""
        ending, reason = Ending.OUT_OF_TIME, ""
        if self._clock() < run.give_up:
            digest = self._digest(week)
            turn = self._digests.take(week.channel, run.week, run.owner, self._clock())
            if isinstance(turn, NoTurn):
                ending = ENDING_OF[turn.phase]
            else:
                ending, reason = self._use(turn, digest, run.give_up)
        write_line(
            "digest",
            ending.value,
            channel=week.channel,
            week=run.week,
            answers=week.total.answers,
            spent_usd=week.total.cost_usd,
            reason=reason,
        )
        return ending

    def _digest(self, week: Week) -> Digest:
        now = self._clock()
        (budget,) = self._ledger.peek((self._budget.of(BudgetKind.CHANNEL, week.channel, now),))
        period = period_named(budget.period_key, self._budget.zone)
        gone = gone_on(budget, period, now) if budget.remaining_usd > 0 else None
        return Digest(
            since=week.since,
            answers=week.total.answers,
            cost_usd=week.total.cost_usd,
            budget=budget,
            period=period,
            months=week.months,
            models=week.models,
            gone=gone.date() if gone else None,
            saved_usd=savings_of(week.total, self._best).saved_usd,
            best_tier=self._best.name,
        )

    def _use(self, turn: Turn, digest: Digest, give_up: float) -> tuple[Ending, str]:
        """Post within a turn and note what came of it; returns that, and why when it is not posted."""
        try:
            ts = self._found(turn) or self._patiently(turn, digest, give_up)
        except SlackRefused as refused:
            self._digests.note(turn, Phase.REFUSED, reason=refused.code)
            return Ending.REFUSED, refused.code
        except SlackUnavailable as unavailable:
            self._digests.note(turn, Phase.UNREACHABLE, reason=str(unavailable))
            return Ending.UNREACHABLE, str(unavailable)
        self._digests.note(turn, Phase.POSTED, ts=ts)
        return Ending.POSTED, ""

    def _found(self, turn: Turn) -> str:
        """Return the ts of what an earlier turn posted without our knowing, or nothing."""
        if turn.tried_since is None:
            return ""
        return find_digest(self._slack, turn.channel, turn.week, turn.tried_since)

    def _patiently(self, turn: Turn, digest: Digest, give_up: float) -> str:
        """Post, and once more after the wait that Slack asks for, where there is time for it."""
        try:
            return post_digest(self._slack, turn.channel, turn.week, digest)
        except SlackRateLimited as limited:
            if limited.after_s > LONGEST_WAIT_S or self._clock() + limited.after_s >= give_up:
                raise
            self._sleep(limited.after_s)
        return post_digest(self._slack, turn.channel, turn.week, digest)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: the week it is in, who owns its turns, and until when it begins another channel."""

    week: str
    owner: str
    give_up: float
