"""A command: what a person typed behind `/penny`, read into what they want.

Whatever they typed has an answer: words that mean nothing come back as a sentence that says what would be
right. Leaves to the use case who may have it done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from router.domain.budget import PeriodKind
from router.domain.limit_words import WrongLimit, read_limit_words
from router.domain.usage import is_month
from router.errors import MalformedError

COMMAND = "/penny"
"""As manifest.json registers it."""

WAYS = ("model", "user", "day")
"""How a channel's report can be summed up."""

MONTH, WEEK = "month", "week"

LONGEST_SHOWN = 40
"""Characters of a wrong word that a sentence repeats."""

_ID = re.compile(r"[A-Z0-9]{2,32}")

HELP_LINES = (
    ("budget", "what is spent and left here, of your own budget and of the workspace's"),
    ("budget set 25 per month", "what this channel may spend; also per day or per week (admins)"),
    ("budget unset", "back to the operator's limit (admins)"),
    ("report", "what this month cost here, by model"),
    ("report 2026-11 by user", "another month; by model, user or day"),
    ("report week", "the last seven days"),
    ("settings", "how I answer in this channel"),
    ("settings footer off", "change one of them; `default` takes it back (admins)"),
    ("why", "why the last answer here came from its model"),
)
"""What can be typed, and what it does."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A command as it came: who typed what, where. `response_url` is where the answer goes."""

    text: str
    user: str
    team: str
    channel: str
    response_url: str


class Wish(StrEnum):
    """What is wanted, where one word says all."""

    HELP = "help"
    SHOW_BUDGET = "budget"
    UNSET_BUDGET = "budget unset"
    SHOW_SETTINGS = "settings"
    WHY = "why"


@dataclass(frozen=True, slots=True)
class SetBudget:
    """Another limit for this channel; without `per` its kind of period stays."""

    amount_usd: Decimal
    per: PeriodKind | None


@dataclass(frozen=True, slots=True)
class ShowReport:
    """What this channel cost in `span`: a month such as 2026-11, or the present `month` or `week`."""

    span: str
    by: str


@dataclass(frozen=True, slots=True)
class ChangeSetting:
    """Another value for one setting of this channel, in the person's words."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Misunderstood:
    """Nothing that means anything; `words` say what would be right."""

    words: str


Wanted = Wish | SetBudget | ShowReport | ChangeSetting | Misunderstood


def read_typed(body: dict[str, Any]) -> Typed:
    """Read Slack's form; raises MalformedError when it does not say who typed where.

    https://docs.slack.dev/interactivity/implementing-slash-commands
    """
    ids = {}
    for name in ("user_id", "team_id", "channel_id"):
        value = body.get(name)
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise MalformedError(f"{name}: must look like {_ID.pattern}")
        ids[name] = value
    text, url = body.get("text", ""), body.get("response_url", "")
    if not isinstance(text, str) or not isinstance(url, str):
        raise MalformedError("text, response_url: must be strings")
    return Typed(text, ids["user_id"], ids["team_id"], ids["channel_id"], url)


def read_wanted(text: str) -> Wanted:
    """Read what is wanted out of what stands behind the command."""
    first, _, rest = text.strip().partition(" ")
    words = rest.split()
    match first.lower():
        case "" | "help":
            return Wish.HELP
        case "why":
            return Wish.WHY
        case "budget":
            return _budget([word.lower() for word in words])
        case "report":
            return _report([word.lower() for word in words])
        case "settings" | "setting":
            return _setting(words, rest)
    return Misunderstood(
        f"I do not know {_quoted(first)}. There are: help, budget, report, settings, why. "
        f"`{COMMAND} help` says what each does."
    )


def _budget(words: list[str]) -> Wanted:
    match words:
        case []:
            return Wish.SHOW_BUDGET
        case ["unset"]:
            return Wish.UNSET_BUDGET
        case ["set", *limit]:
            return read_wanted_limit(" ".join(limit))
    return Misunderstood(
        f"I do not know what to do with {_quoted(' '.join(words))} behind budget. There are "
        f"`{COMMAND} budget`, `{COMMAND} budget set 25 per month` and `{COMMAND} budget unset`."
    )


def read_wanted_limit(words: str) -> SetBudget | Misunderstood:
    """Read the limit that is wanted for a channel."""
    if not words.strip():
        return Misunderstood(f"To how much? Write for example `{COMMAND} budget set 25 per month`.")
    try:
        return SetBudget(*read_limit_words(words.lower()))
    except WrongLimit as wrong:
        return Misunderstood(f"{wrong}. For example: `{COMMAND} budget set 25 per month`.")


def _report(words: list[str]) -> Wanted:
    """Read a span and a way, in either order; of two of a kind none is meant."""
    spans, ways = [], []
    rest = iter(words)
    for word in rest:
        if word == "by":
            ways.append(next(rest, ""))
        else:
            spans.append(word)
    span, by = (*spans, MONTH)[0], (*ways, "day" if WEEK in spans else "model")[0]
    if len(spans) > 1 or not (span in (MONTH, WEEK) or is_month(span)):
        wrong = spans[0] if len(spans) == 1 else " ".join(spans)
        return Misunderstood(f"{_quoted(wrong)} is no month: write one such as 2026-11, or month or week.")
    if len(ways) > 1 or by not in WAYS:
        return Misunderstood(f"{_quoted(' '.join(ways))} is no way to sum up: write by model, user or day.")
    if span == WEEK and by != "day":
        return Misunderstood(f"A week is summed up by day alone; `{COMMAND} report month by {by}` there is.")
    return ShowReport(span, by)


SETTING_NAMES = {
    "footer": ("footer",),
    "follow_ups": ("follow ups", "followups", "follow up"),
    "highest_tier": ("highest tier", "highest"),
    "lowest_tier": ("lowest tier", "lowest"),
    "system_prompt": ("system prompt", "prompt"),
    "who": ("who may ask", "who"),
}
"""The settings, and what people call them: the longest name first."""


def _setting(words: Sequence[str], rest: str) -> Wanted:
    """Read a setting's name, with spaces, hyphens or underscores, and leave the value as it was written."""
    if not words:
        return Wish.SHOW_SETTINGS
    said = rest.strip()
    for name, called in SETTING_NAMES.items():
        for one in called:
            found = re.match(one.replace(" ", r"[\s_-]+") + r"(?:\s+|$)", said, re.IGNORECASE)
            if found:
                value = said[found.end() :].strip()
                return ChangeSetting(name, value) if value else Misunderstood(_how_to_set(one))
    known = ", ".join(called[0] for called in SETTING_NAMES.values())
    return Misunderstood(f"There is no setting {_quoted(words[0])}. There are: {known}.")


def _how_to_set(called: str) -> str:
    return f"To what? Write `{COMMAND} settings {called} <value>`, or `default` to have the operator's again."


def _quoted(words: str) -> str:
    shown = words if len(words) <= LONGEST_SHOWN else f"{words[: LONGEST_SHOWN - 1]}…"
    return f"“{shown.replace('`', '')}”"
