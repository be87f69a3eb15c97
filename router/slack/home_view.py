"""The home tab: budgets as bars, what this month cost, how to ask, and inputs for those who may use them.

At most a hundred blocks, whatever is in it. What an input is for stands in its block's id, so that no change
lands in another channel than the one that its author saw.
https://docs.slack.dev/surfaces/app-home
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from router.domain.access import Who
from router.domain.budget_words import bar, share, standing_words
from router.domain.channel_settings import ChannelSettings, show_value
from router.domain.command import COMMAND, SETTING_NAMES
from router.domain.money import show_usd
from router.slack.blocks import HOME_CHANNEL, HOME_LIMIT, HOME_SETTING, Block, escaped

if TYPE_CHECKING:
    from router.budgets import Standing
    from router.report import Line, Report

MOST_CHANNELS = 20
"""The dearest; the others are counted."""

MOST_MODELS = 10
BAR = 16
LONGEST_NAME = 48
"""Characters of a model's name in a line."""

LONGEST_INPUT = 3_000
"""https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element"""

LONGEST_TEXT = 3_000
"""Of a section: https://docs.slack.dev/reference/block-kit/blocks/section-block."""

HOW_TO_ASK = (
    "Mention me in a channel, or write to me under *Messages*. I answer in the thread, with what it cost and "
    "what is left of the budget under the answer. In a thread that I am in, just go on. "
    f"`{COMMAND} help` in any channel says what else there is."
)
LIMIT_LABEL = "Limit, such as 25 per month (Enter sends it; default takes it back)"
PROMPT_LABEL = "System prompt (Enter sends it; default takes it back)"
NOTHING_YET = "Nothing was answered this month yet."


@dataclass(frozen=True, slots=True)
class Editing:
    """What an admin is about to change: the chosen channel (empty: none yet) and what holds there.

    `said` is what became of the last change, in Slack's markup.
    """

    channel: str
    settings: ChannelSettings | None
    limit: str
    tiers: tuple[str, ...]
    said: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands on someone's home tab; budgets with their titles, in Slack's markup."""

    budgets: Sequence[tuple[str, Standing]]
    more_channels: int
    days: Report
    models: Report
    now: float


def home_view(
    shown: Shown | None, editing: Editing | None, word: str = "", direct: str = ""
) -> dict[str, Any]:
    """Make the view; without `shown` it says `word` instead of figures.

    `direct` is the direct message with whom it is for: presses on the tab do not name it.
    """
    blocks = [_text(word)] if word else []
    if shown:
        blocks += [*_budgets(shown), _DIVIDER, *_month(shown), _DIVIDER]
    blocks += [_header("How to ask"), _text(HOW_TO_ASK)]
    if editing:
        blocks += [_DIVIDER, *_inputs(editing)]
    return {"type": "home", "blocks": blocks, "private_metadata": json.dumps({"direct": direct})}


def direct_in(view: object) -> str:
    """Return the direct message that a view was made with; empty when it does not say."""
    text = view.get("private_metadata") if isinstance(view, dict) else None
    try:
        kept = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return ""
    direct = kept.get("direct") if isinstance(kept, dict) else None
    return direct if isinstance(direct, str) else ""


_DIVIDER: Block = {"type": "divider"}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _header(text: str) -> Block:
    return {"type": "header", "text": _plain(text)}


def _text(markup: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": markup[:LONGEST_TEXT]}}


def _small(markup: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": markup}]}


# figures


def _budgets(shown: Shown) -> list[Block]:
    blocks = [_header("Budgets")]
    for title, one in shown.budgets:
        words = standing_words(one.budget, one.period, shown.now)
        blocks.append(_text(f"*{title}*  `{bar(one.budget)}`\n{words}"))
    if shown.more_channels:
        more = "1 more channel" if shown.more_channels == 1 else f"{shown.more_channels:,} more channels"
        blocks.append(_small(f"The dearest {MOST_CHANNELS}; {more}: `{COMMAND} budget` there shows each."))
    return blocks


def _month(shown: Shown) -> list[Block]:
    total, blocks = shown.days.total, [_header("This month")]
    if not shown.days.lines:
        return [*blocks, _text(NOTHING_YET)]
    answers = "1 answer" if total.answers == 1 else f"{total.answers:,} answers"
    blocks.append(_text(f"{answers} for *{show_usd(total.cost_usd)}* in the whole workspace."))
    blocks.append(_lines("By day", [(line, line.name) for line in shown.days.lines]))
    models = shown.models.lines
    blocks.append(_lines("By model", [(line, line.name) for line in models[:MOST_MODELS]]))
    if len(models) > MOST_MODELS:
        blocks.append(_small(f"And {len(models) - MOST_MODELS} more models."))
    return blocks


def _lines(title: str, lines: Sequence[tuple[Line, str]]) -> Block:
    """Draw lines with bars in a code block, where all characters are equally wide."""
    most = max((line.cost_usd for line, _ in lines), default=Decimal(0))
    rows = [
        f"{share(line.cost_usd, most, BAR):<{BAR}} {show_usd(line.cost_usd):>10}  "
        f"{escaped(name[:LONGEST_NAME])}{_rated(line)}"
        for line, name in lines
    ]
    code = "\n".join(rows)
    return _text(f"*{title}*\n```\n{code}\n```")


def _rated(line: Line) -> str:
    return f"  {line.good} good, {line.bad} bad" if line.good or line.bad else ""


# inputs


def _inputs(editing: Editing) -> list[Block]:
    channels = {
        "type": "conversations_select",
        "action_id": HOME_CHANNEL,
        "placeholder": _plain("Choose a channel"),
        "filter": {"include": ["public", "private", "mpim"], "exclude_bot_users": True},
    }
    if editing.channel:
        channels["initial_conversation"] = editing.channel
    blocks = [_header("Change a channel"), _input("channel", "Channel", channels)]
    blocks += [_text(editing.said)] if editing.said else []
    if not editing.channel or editing.settings is None:
        return blocks
    place, settings = editing.channel, editing.settings
    menus = ((name, _chosen(name, settings, editing.tiers)) for name in _CHOICES)
    return [
        *blocks,
        _input(f"limit:{place}", LIMIT_LABEL, _written(HOME_LIMIT, editing.limit)),
        *(_input(f"{name}:{place}", _label(name), menu) for name, menu in menus),
        _input(f"system_prompt:{place}", PROMPT_LABEL, _written(HOME_SETTING, settings.system_prompt)),
    ]


def _input(block_id: str, label: str, element: dict[str, Any]) -> Block:
    """Make an input that tells at once what was put into it."""
    return {
        "type": "input",
        "block_id": block_id,
        "dispatch_action": True,
        "label": _plain(label),
        "element": element,
    }


def _written(action: str, initial: str) -> dict[str, Any]:
    element = {
        "type": "plain_text_input",
        "action_id": action,
        "max_length": LONGEST_INPUT,
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
    }
    fits = initial and len(initial) <= LONGEST_INPUT
    return element | ({"initial_value": initial} if fits else {})


_CHOICES = ("footer", "follow_ups", "highest_tier", "lowest_tier", "who")


def _label(name: str) -> str:
    return SETTING_NAMES[name][0].capitalize()


def _chosen(name: str, settings: ChannelSettings, tiers: Sequence[str]) -> dict[str, Any]:
    """Make the menu of one setting, on what holds now."""
    values = {"footer": ("on", "off"), "follow_ups": ("on", "off"), "who": tuple(Who)}.get(name, tiers)
    options = [{"text": _plain(value), "value": value} for value in (*values, "default")]
    holds = show_value(getattr(settings, name))
    initial = next((option for option in options if option["value"] == holds), None)
    element = {"type": "static_select", "action_id": HOME_SETTING, "options": options}
    return element | ({"initial_option": initial} if initial else {})
