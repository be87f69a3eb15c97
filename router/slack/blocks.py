"""Blocks: what stands under an answer, and what its buttons say when they are pressed.

https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from router.domain.money import show_most_usd

Block = dict[str, Any]

FOOTER_BLOCK = "penny-footer"
"""The footer's block id."""

MARK = "penny_answer"
"""Type of the metadata by which our replies are known. https://docs.slack.dev/messaging/message-metadata"""

FEEDBACK, STRONGER, STOP, MORE = "penny_feedback", "penny_stronger", "penny_stop", "penny_more"
"""What our buttons are called; what each carries is an object of texts, see `Press.fields`."""

HOME_CHANNEL, HOME_LIMIT, HOME_SETTING = "penny_home_channel", "penny_home_limit", "penny_home_setting"
"""What the inputs of the home tab are called."""

GOOD, BAD = "good", "bad"

_LONGEST_FOOTER = 300


def mark(message_ts: str, *, is_complete: bool, tier: str = "", again: str = "") -> dict[str, Any]:
    """Make the metadata that says which message a reply answers, if it ends with this part, and its tier.

    `again` is the tier that answers a message once more.
    """
    named = {name: value for name, value in (("tier", tier), ("again", again)) if value}
    payload = {"message_ts": message_ts, "complete": is_complete} | named
    return {"event_type": MARK, "event_payload": payload}


def footer_block(text: str) -> Block:
    """Make the footer; plain text, so that no name of a file or model can format or mention."""
    element = {"type": "plain_text", "text": text[:_LONGEST_FOOTER], "emoji": False}
    return {"type": "context", "block_id": FOOTER_BLOCK, "elements": [element]}


def feedback_block(answer: dict[str, str]) -> Block:
    """Make the thumbs. https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element."""

    def thumb(label: str, rating: str) -> dict[str, Any]:
        text = {"type": "plain_text", "text": label}
        return {"text": text, "accessibility_label": label, "value": _value(answer | {"rating": rating})}

    buttons = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": thumb("Good answer", GOOD),
        "negative_button": thumb("Bad answer", BAD),
    }
    return {"type": "context_actions", "elements": [buttons]}


def actions_block(why: dict[str, str], stronger: tuple[dict[str, str], Decimal] | None) -> Block:
    """Make the row under an answer: a stronger model, if there is one, with the most it costs; and more."""
    option = {"text": {"type": "plain_text", "text": "Why this model?"}, "value": _value(why)}
    elements: list[dict[str, Any]] = [{"type": "overflow", "action_id": MORE, "options": [option]}]
    if stronger:
        what, most_usd = stronger
        label = f"Try a stronger model (up to {show_most_usd(most_usd)})"
        elements.insert(0, _button(STRONGER, label, what))
    return {"type": "actions", "elements": elements}


def stop_block(answer: dict[str, str]) -> Block:
    """Make the button that stops an answer where Slack does not show its own."""
    return {"type": "actions", "elements": [_button(STOP, "Stop", answer)]}


def _button(action: str, label: str, value: dict[str, str]) -> dict[str, Any]:
    text = {"type": "plain_text", "text": label}
    return {"type": "button", "action_id": action, "text": text, "value": _value(value)}


def _value(fields: dict[str, str]) -> str:
    return json.dumps(fields, separators=(",", ":"))


def escaped(text: str) -> str:
    """Write text so that Slack shows it as it is: no link, no mention, and no end of a code span.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "\u02cb")


def escaped_but_code(words: str) -> str:
    """Show our own code spans as such, and nothing else that is in the words."""
    return "`".join(escaped(part) for part in words.split("`"))
