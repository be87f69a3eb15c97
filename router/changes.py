"""Changes: what admins change in a channel from Slack, by command or on the home tab, and what they are told.

Each is recorded with who, when, before and after, by the use case that keeps it, and counts once however
often its job is delivered.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from router.budgets import BudgetName, Budgets
from router.channel_settings import NOT_YOURS, ChannelSettingsBook, NotChanged
from router.domain.access import Person
from router.domain.budget import BudgetKind
from router.domain.command import ChangeSetting, SetBudget, Wish
from router.slack.blocks import escaped
from router.slack.command_words import changed_words, setting_words

Wanted = SetBudget | ChangeSetting | Wish
"""Of the wishes only that to take a limit back."""


class Changes:
    """Makes changes for those who may."""

    def __init__(
        self, settings: ChannelSettingsBook, budgets: Budgets, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._budgets = budgets
        self._clock = clock

    def make(self, channel: str, wanted: Wanted, person: Person, job: str) -> str:
        """Make one change in a channel, and return what to tell, in Slack's markup."""
        if not self._settings.may_change(person):
            return NOT_YOURS
        if isinstance(wanted, ChangeSetting):
            return self._set(channel, wanted, person, job)
        name: BudgetName = (BudgetKind.CHANNEL, channel)
        if isinstance(wanted, SetBudget):
            done = self._budgets.set_limit(name, wanted.amount_usd, wanted.per, person.id, job)
        else:
            done = self._budgets.unset_limit(name, person.id, job)
        return changed_words(done, self._clock())

    def _set(self, channel: str, wanted: ChangeSetting, person: Person, job: str) -> str:
        changed = self._settings.change(channel, person, wanted.name, wanted.words, self._clock(), job)
        if isinstance(changed, NotChanged):
            return escaped(changed.words)
        return setting_words(wanted.name, changed.settings, changed.change)
