"""The slash command: what a person typed behind `/penny`, done for those allowed, and told to them alone.

What is typed is read by `domain.command`. A change counts once, however often its job is delivered. Who may
not ask learns no figures; who may not change is told so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from router.budgets import WORKSPACE, BudgetName, Budgets, Standing
from router.changes import Changes
from router.delivered import Delivered
from router.domain import notices
from router.domain.access import Person
from router.domain.budget import BudgetKind
from router.domain.command import (
    WEEK,
    ChangeSetting,
    Misunderstood,
    SetBudget,
    ShowReport,
    Typed,
    Wanted,
    Wish,
    read_typed,
    read_wanted,
)
from router.domain.explanation import explain
from router.domain.money import show_usd
from router.domain.usage import month_and_day
from router.errors import SlackRefused
from router.journal import write_line
from router.replying import Tools
from router.report import Report, days_report, make_report, savings_of
from router.slack.blocks import escaped, escaped_but_code
from router.slack.command_words import (
    budget_words,
    help_words,
    settings_words,
)
from router.slack.report_post import report_forms
from router.slack.whisper import Addressee, Form, Forms

DAYS_OF_A_WEEK = 7

NOTHING_ANSWERED = "Nothing was answered here this month or the last one, so there is nothing to explain."
NOTHING_SPENT = "Nothing yet: no answer of this time has been paid for."
ESTIMATED = "{} of it is estimated: nobody could say what was billed."


class SlashCommand:
    """The listener of `/penny`."""

    def __init__(self, tools: Tools, budgets: Budgets, *, clock: Callable[[], float] = time.time) -> None:
        self._tools = tools
        self._budgets = budgets
        self._clock = clock
        self._changes = Changes(tools.settings, budgets, clock=clock)
        self._forms = Forms(tools.slack)

    def run(self, body: dict[str, Any], delivered: Delivered) -> None:
        """Do what was typed and tell who typed it.

        Raises MalformedError for a form that nobody can have sent, and SlackUnavailable when the answer
        reached nobody: the job comes again, and then tells what was done before.
        """
        typed = read_typed(body)
        wanted = read_wanted(typed.text)
        person = self._tools.people.find(typed.user, typed.team, typed.team)
        forms = self._do(typed, wanted, person, delivered.group)
        outcome, reason = "told", ""
        try:
            self._forms.tell(Addressee(typed.channel, typed.user, response_url=typed.response_url), forms)
        except SlackRefused as refused:  # its response URL is too old, and we are not in that channel
            outcome, reason = "undeliverable", refused.code
        kind = wanted.name.lower() if isinstance(wanted, Wish) else type(wanted).__name__
        write_line("command", outcome, job=delivered.id, channel=typed.channel, wanted=kind, reason=reason)

    def _do(self, typed: Typed, wanted: Wanted, person: Person, job: str) -> list[Form]:
        if wanted is Wish.HELP:
            return _words(help_words())
        if not self._tools.settings.may_look(person, typed.channel):
            return _words(notices.turned_away(person.standing, is_open_here=True))
        if isinstance(wanted, ShowReport):
            return self._report(typed.channel, wanted)
        return _words(self._said(typed, wanted, person, job))

    def _said(self, typed: Typed, wanted: Wanted, person: Person, job: str) -> str:
        match wanted:
            case Misunderstood(words):
                return escaped_but_code(words)
            case SetBudget() | ChangeSetting() | Wish.UNSET_BUDGET:
                return self._changes.make(typed.channel, wanted, person, job)
            case Wish.SHOW_SETTINGS:
                book = self._tools.settings
                return settings_words(book.of(typed.channel), book.history(typed.channel))
            case Wish.WHY:
                return escaped(self._why(typed.channel))
        return self._standings(typed.channel, typed.user)

    # budgets

    def _standings(self, channel: str, user: str) -> str:
        shown: list[tuple[str, Standing]] = []
        mine: BudgetName = (BudgetKind.USER, user)
        here: BudgetName = (BudgetKind.CHANNEL, channel)
        for title, name in ((_here(channel), here), ("You", mine), ("The workspace", WORKSPACE)):
            if standing := self._budgets.show(name):
                shown.append((title, standing))
        return budget_words(shown, self._clock())

    # reports

    def _report(self, channel: str, wanted: ShowReport) -> list[Form]:
        usage, now, zone = self._tools.usage, self._clock(), self._tools.config.budget.zone
        if wanted.span == WEEK:
            today = datetime.fromtimestamp(now, zone).date()
            since = today - timedelta(days=DAYS_OF_A_WEEK - 1)
            report, when = days_report(usage, channel, since, today), f"since {_day(since)}"
        else:
            month = wanted.span if wanted.span[0].isdigit() else month_and_day(now, zone)[0]
            report, when = make_report(usage, channel, month, wanted.by), f"in {month}"
        where = "in our direct messages" if channel.startswith("D") else "in this channel"
        return report_forms(report, f"Spent {where} {when}, by {report.by}", self._notes(report))

    def _notes(self, report: Report) -> list[str]:
        if not report.lines:
            return [NOTHING_SPENT]
        total, notes = report.total, list[str]()
        if total.estimated_usd:
            notes.append(ESTIMATED.format(show_usd(total.estimated_usd)))
        saved = savings_of(total, self._tools.config.ladder.tiers[0])
        if saved.saved_usd > 0:
            notes.append(
                f"Always {saved.tier}, at its price caps, would have been {show_usd(saved.cost_usd)}: "
                f"{show_usd(saved.saved_usd)} saved."
            )
        return notes

    # why

    def _why(self, channel: str) -> str:
        """Explain the last answer's choice; one query, at the beginning of a month two."""
        today = datetime.fromtimestamp(self._clock(), self._tools.config.budget.zone)
        before = today.replace(day=1) - timedelta(days=1)
        for month in (f"{today:%Y-%m}", f"{before:%Y-%m}"):
            if record := self._tools.usage.latest(channel, month):
                at = datetime.fromtimestamp(float(record["started_at"]), UTC).astimezone(today.tzinfo)
                return f"The last answer here, of {_day(at)} at {at:%H:%M %Z}: {explain(record)}"
        return NOTHING_ANSWERED


def _words(text: str) -> list[Form]:
    return [Form("text", text)]


def _here(channel: str) -> str:
    return "Our direct messages" if channel.startswith("D") else "This channel"


def _day(day: date) -> str:
    return f"{day:%A}, {day.day} {day:%B}"
