"""Blocks: what stands under an answer.

https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from typing import Any

Block = dict[str, Any]

FOOTER_BLOCK = "penny-footer"
"""The footer's block id."""

MARK = "penny_answer"
"""Type of the metadata by which our replies are known. https://docs.slack.dev/messaging/message-metadata"""

_LONGEST_FOOTER = 300


def mark(message_ts: str, *, is_complete: bool, tier: str = "") -> dict[str, Any]:
    """Make the metadata that says which message a reply answers, if it ends with this part, and its tier."""
    payload = {"message_ts": message_ts, "complete": is_complete} | ({"tier": tier} if tier else {})
    return {"event_type": MARK, "event_payload": payload}


def footer_block(text: str) -> Block:
    """Make the footer; plain text, so that no name of a file or model can format or mention."""
    element = {"type": "plain_text", "text": text[:_LONGEST_FOOTER], "emoji": False}
    return {"type": "context", "block_id": FOOTER_BLOCK, "elements": [element]}
