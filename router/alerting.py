"""Alerting: whoever answers for a budget hears in time that its money runs out, once for each threshold.

It is looked for after every settlement and every refusal, off the way of the reply. What a worker left
untold when it died, the reconciler tells.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from router.adapters.alerts import Alert, Alerts, Phase
from router.adapters.ledger import BudgetRow, Ledger
from router.adapters.slack_web import SlackWeb
from router.config import BudgetConfig
from router.domain.alert import USED_UP, alert_words, crossed
from router.domain.budget import Budget, BudgetKind, period_named
from router.errors import PennyError, SlackRefused, SlackUnavailable
from router.journal import write_line

GIVE_UP_AFTER_S = 24 * 3600
"""An alert that is older says nothing that a refusal or the digest has not said."""


class Alerting:
    """Tells of the thresholds that budgets have crossed."""

    def __init__(
        self,
        ledger: Ledger,
        alerts: Alerts,
        slack: SlackWeb,
        config: BudgetConfig,
        admins: tuple[str, ...] = (),
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._alerts = alerts
        self._slack = slack
        self._config = config
        self._admins = admins
        self._clock = clock

    def look(self, names: tuple[BudgetRow, ...], used_up: BudgetRow | None = None) -> None:
        """Tell what these budgets have crossed and nobody was told; `used_up` bears no answer any more.

        Raises nothing that is to be expected: what could not be looked at is, after the next settlement.
        """
        if not self._config.alerts:
            return
        try:
            for budget in self._ledger.rows(names):
                self._tell(budget, self._threshold(budget, used_up))
        except PennyError as error:
            write_line("alert", "not_looked", reason=str(error))

    def _threshold(self, budget: Budget, used_up: BudgetRow | None) -> int:
        is_used_up = used_up == budget.row
        if is_used_up and USED_UP in self._config.alerts:
            return USED_UP
        return crossed(budget, self._config.alerts)

    def _tell(self, budget: Budget, threshold: int) -> None:
        if threshold <= budget.alerted:
            return
        for alert in self._alerts.mark(budget, threshold, self._receivers(budget), self._clock()):
            self._post(alert, budget)

    def _receivers(self, budget: Budget) -> tuple[str, ...]:
        return (budget.id,) if budget.kind is BudgetKind.CHANNEL else self._config.notify

    def post_left(self) -> dict[str, int]:
        """Post the alerts whose worker died, or that Slack did not take; returns what became of how many.

        Raises TableUnavailable.
        """
        counts: Counter[str] = Counter()
        for alert in self._alerts.left(self._clock()):
            if self._alerts.take(alert, self._clock()):
                for budget in self._ledger.rows(((alert.kind, alert.id, alert.period_key),)):
                    counts[self._post(alert, budget)] += 1
        return dict(counts)

    def _post(self, alert: Alert, budget: Budget) -> Phase:
        """Post an alert with the figures of now, and write down what became of it."""
        phase, reason = Phase.POSTED, ""
        try:
            self._slack.call(
                "chat.postMessage",
                channel=alert.to,
                text=self._words(alert, budget),
                unfurl_links=False,
                unfurl_media=False,
            )
        except SlackRefused as refused:
            phase, reason = Phase.REFUSED, refused.code
        except SlackUnavailable as unavailable:
            is_old = self._clock() >= alert.began_at + GIVE_UP_AFTER_S
            phase, reason = (Phase.GIVEN_UP if is_old else Phase.POSTING), str(unavailable)
        if phase is not Phase.POSTING:  # or it waits for the reconciler
            self._alerts.end(alert, phase, self._clock(), reason)
        write_line(
            "alert",
            phase.value,
            budget=f"{alert.kind}#{alert.id}",
            period=alert.period_key,
            threshold=alert.threshold,
            to=alert.to,
            reason=reason,
        )
        return phase

    def _words(self, alert: Alert, budget: Budget) -> str:
        period = period_named(budget.period_key, self._config.zone)
        return alert_words(budget, period, alert.threshold, self._clock(), self._admins)
