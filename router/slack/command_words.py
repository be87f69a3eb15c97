"""What `/penny` answers, but for reports: Slack's own markup, in which nothing from outside can mark up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from router.domain.budget import Limit
from router.domain.budget_words import bar, standing_words
from router.domain.channel_settings import NAMES, ChannelSettings, show_value
from router.domain.command import COMMAND, HELP_LINES, SETTING_NAMES
from router.domain.money import show_usd
from router.slack.blocks import escaped

if TYPE_CHECKING:
    from router.adapters.channel_settings import Change
    from router.budgets import Changed, Standing

LONGEST_SHOWN = 300
"""Characters of a value: a system prompt may have thousands."""

_USER = re.compile(r"[UW][A-Z0-9]{2,31}")

DONE_BEFORE = "That was done already, and nothing has changed since by it."
NO_BUDGETS = "No budget applies here: the operator set no limit."


def help_words() -> str:
    """Say what can be typed, and where."""
    lines = [f"• `{COMMAND} {words}`: {what}" for words, what in HELP_LINES]
    end = (
        "Only you see my answers to commands. Slack takes no commands in threads: type them in the channel. "
        "To ask me something, mention me, or write to me directly."
    )
    return "\n".join([*lines, end])


def budget_words(standings: Sequence[tuple[str, Standing]], now: float) -> str:
    """Say how each budget stands; each comes with its title."""
    return "\n\n".join(_budget(title, one, now) for title, one in standings) or NO_BUDGETS


def _budget(title: str, one: Standing, now: float) -> str:
    lines = [f"*{title}*  `{bar(one.budget)}`", standing_words(one.budget, one.period, now)]
    if one.set_limit:
        lines.append(f"Limit set by {who(one.set_limit.set_by)} on {moment(one.set_limit.set_at)}.")
    return "\n".join(lines)


def changed_words(changed: Changed, now: float) -> str:
    """Say what became of a limit, and how the budget stands."""
    said = DONE_BEFORE
    if not changed.is_repeat:
        said = f"Changed from {_limit(changed.before)} to {_limit(changed.after)}. It counts at once."
    return f"{said}\n{budget_words([('This channel', changed.standing)] if changed.standing else [], now)}"


def _limit(limit: Limit | None) -> str:
    return f"{show_usd(limit.amount_usd)} per {limit.per}" if limit else "no limit"


def settings_words(settings: ChannelSettings, history: Sequence[Change]) -> str:
    """Say what holds in a channel, and who changed what lately."""
    lines = [f"• {SETTING_NAMES[name][0]}: {_value(getattr(settings, name))}" for name in NAMES]
    if history:
        lines += ["Last changes:", *(f"• {change_words(change)}" for change in history[:3])]
    return "\n".join([*lines, f"`{COMMAND} settings footer off` changes one, `default` takes it back."])


def change_words(change: Change) -> str:
    """Tell of a change of a setting."""
    what = f"{SETTING_NAMES[change.setting][0]} from {_value(change.before)} to {_value(change.after)}"
    return f"{what}, by {who(change.by)} on {moment(change.at)}"


def setting_words(name: str, settings: ChannelSettings, change: Change | None) -> str:
    """Say what became of a setting."""
    if change is None:
        return f"It is so already: {SETTING_NAMES[name][0]} is {_value(getattr(settings, name))}."
    return f"Changed: {change_words(change)}. It holds from the next message on."


def _value(value: bool | str | None) -> str:
    shown = show_value(value)
    return escaped(shown if len(shown) <= LONGEST_SHOWN else f"{shown[: LONGEST_SHOWN - 1]}…")


def who(by: str) -> str:
    """Name who made a change: a person, or the command line."""
    return f"<@{by}>" if _USER.fullmatch(by) else escaped(by)


def moment(seconds: int) -> str:
    """Write a moment so that each reader sees it in their own time zone.

    https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    instead = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    return f"<!date^{seconds}^{{date_short_pretty}} at {{time}}|{instead}>"
