"""The home tab: published whenever someone opens it, and after each change that is made on it.

Everybody sees the workspace's budget, their own and the dearest channels (Slack names a channel only to those
who may know of it), and of direct messages none but their own. Inputs are for those who may change things.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from router.budgets import WORKSPACE, BudgetName, Budgets, Standing
from router.changes import Changes, Wanted
from router.channel_settings import NOT_YOURS
from router.config import DIRECT_MESSAGE
from router.delivered import Delivered
from router.domain import notices
from router.domain.access import Person
from router.domain.budget import BudgetKind
from router.domain.channel_settings import NAMES, UNSET
from router.domain.command import ChangeSetting, Misunderstood, Wish, read_wanted_limit
from router.domain.press import Press, read_press
from router.domain.usage import month_and_day
from router.errors import MalformedError, SlackRefused
from router.journal import write_line
from router.replying import Tools
from router.report import make_report
from router.slack.blocks import escaped_but_code
from router.slack.home_view import MOST_CHANNELS, Editing, Shown, direct_in, home_view

_ID = re.compile(r"[A-Z0-9]{2,32}")

EMPTY = "There was nothing in it. Write `default` to have the operator's again."

Body = dict[str, Any]


class HomeTab:
    """The listeners of the home tab."""

    def __init__(self, tools: Tools, budgets: Budgets, *, clock: Callable[[], float] = time.time) -> None:
        self._tools = tools
        self._budgets = budgets
        self._changes = Changes(tools.settings, budgets, clock=clock)
        self._clock = clock

    def opened(self, body: Body, delivered: Delivered) -> None:
        """Publish the tab for who opened it. Raises MalformedError for an event that does not say who."""
        event = body.get("event")
        event = event if isinstance(event, dict) else {}
        if event.get("tab") != "home":
            return
        user, team, direct = (
            _id(one) for one in (event.get("user"), body.get("team_id"), event.get("channel"))
        )
        if not user:
            raise MalformedError("event.user: must be an id")
        person = self._tools.people.find(user, team, team)
        self._publish(person, delivered, direct, outcome="opened")

    def choose(self, body: Body, delivered: Delivered) -> None:
        """Show what holds in the channel that was chosen."""
        press = read_press(body)
        person, direct = self._presser(press), direct_in(body.get("view"))
        self._publish(person, delivered, direct, _id(press.value), outcome="chosen")

    def set_limit(self, body: Body, delivered: Delivered) -> None:
        """Set the limit of a channel to what was written, or take it back."""
        press = read_press(body)
        words = press.value.strip()
        is_unset = bool(words) and words.lower() in UNSET
        self._change(press, body, delivered, Wish.UNSET_BUDGET if is_unset else read_wanted_limit(words))

    def set_setting(self, body: Body, delivered: Delivered) -> None:
        """Change one setting of a channel to what was chosen or written."""
        press = read_press(body)
        name, words = press.block.partition(":")[0], press.value.strip()
        is_known = bool(words) and name in NAMES
        self._change(press, body, delivered, ChangeSetting(name, words) if is_known else Misunderstood(EMPTY))

    def _change(self, press: Press, body: Body, delivered: Delivered, wanted: Wanted | Misunderstood) -> None:
        """Make the change that an input asks for, and publish what holds then."""
        person, channel = self._presser(press), _id(press.block.partition(":")[2])
        if not channel:
            said = notices.OLD_BUTTON
        elif isinstance(wanted, Misunderstood):
            said = escaped_but_code(wanted.words)
        else:
            said = self._changes.make(channel, wanted, person, delivered.group)
        self._publish(person, delivered, direct_in(body.get("view")), channel, said, outcome="changed")

    def _presser(self, press: Press) -> Person:
        return self._tools.people.find(press.user, press.user_team, press.team)

    # what is published

    def _publish(
        self,
        person: Person,
        delivered: Delivered,
        direct: str,
        channel: str = "",
        said: str = "",
        *,
        outcome: str,
    ) -> None:
        reason = ""
        try:
            view = self._view(person, direct, channel, said)
            self._tools.slack.call("views.publish", user_id=person.id, view=view)
        except SlackRefused as refused:  # an app whose home tab is switched off is none the worse
            outcome, reason = "refused", refused.code
        write_line("home", outcome, job=delivered.id, channel=channel, reason=reason)

    def _view(self, person: Person, direct: str, channel: str, said: str) -> dict[str, Any]:
        if not self._tools.settings.may_look(person):
            word = notices.turned_away(person.standing, is_open_here=True)
            return home_view(None, None, word, direct)
        if not self._tools.settings.may_change(person):
            word = NOT_YOURS if channel else ""  # who was an admin when the tab was published
            return home_view(self._shown(person, direct), None, word, direct)
        return home_view(self._shown(person, direct), self._editing(channel, said), direct=direct)

    def _shown(self, person: Person, direct: str) -> Shown:
        usage, now = self._tools.usage, self._clock()
        month, _ = month_and_day(now, self._tools.config.budget.zone)
        channels = [
            line.name
            for line in make_report(usage, "", month, "channel").lines
            if not line.name.startswith(DIRECT_MESSAGE)
        ]
        return Shown(
            budgets=self._standings(person.id, direct, channels[:MOST_CHANNELS]),
            more_channels=max(0, len(channels) - MOST_CHANNELS),
            days=make_report(usage, "", month, "day"),
            models=make_report(usage, "", month, "model"),
            now=now,
        )

    def _standings(self, user: str, direct: str, channels: list[str]) -> list[tuple[str, Standing]]:
        """Look at the budgets that someone may see; with twenty channels that is one request."""
        titles: dict[BudgetName, str] = {WORKSPACE: "The workspace", (BudgetKind.USER, user): "You"}
        titles |= {(BudgetKind.CHANNEL, direct): "Our direct messages"} if direct else {}
        titles |= {(BudgetKind.CHANNEL, channel): f"<#{channel}>" for channel in channels}
        found = self._budgets.look(list(titles))
        return [(titles[one.budget.kind, one.budget.id], one) for one in found]

    def _editing(self, channel: str, said: str) -> Editing:
        tiers = tuple(tier.name for tier in self._tools.config.ladder.tiers)
        if not channel:
            return Editing("", None, "", tiers, said)
        standing = self._budgets.show((BudgetKind.CHANNEL, channel))
        limit = f"{standing.budget.limit_usd:f} per {standing.period.kind}" if standing else ""
        return Editing(channel, self._tools.settings.of(channel), limit, tiers, said)


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
