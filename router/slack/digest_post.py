"""The digest as a post: three plain lines in the channel, and a mark by which it is found again."""

from __future__ import annotations

from typing import Any

from router.adapters.slack_web import SlackWeb
from router.domain.digest import Digest, budget_line, digest_headline, models_line
from router.errors import SlackRefused
from router.slack.blocks import Block

MARK = "penny_digest"
"""Type of the metadata that a digest carries. https://docs.slack.dev/messaging/message-metadata"""

CLOCKS_APART_S = 60.0
"""How far Slack's clock and ours may be from each other when a digest is looked for."""

MOST_PAGES = 10
"""A channel that was busier than this since the first try may get its digest twice."""

_PAGE = 999
"""The most that Slack gives at once: https://docs.slack.dev/reference/methods/conversations.history."""


def post_digest(slack: SlackWeb, channel: str, week: str, digest: Digest) -> str:
    """Post the digest in the channel and return its ts. Raises what `SlackWeb.call` raises."""
    answer = slack.call(
        "chat.postMessage",
        channel=channel,
        text=f"{digest_headline(digest)} {budget_line(digest)}",
        blocks=digest_blocks(digest),
        metadata={"event_type": MARK, "event_payload": {"week": week}},
        unfurl_links=False,
        unfurl_media=False,
    )
    ts = answer.get("ts")
    if not isinstance(ts, str):
        raise SlackRefused("chat.postMessage", "no_ts_in_answer")
    return ts


def digest_blocks(digest: Digest) -> list[Block]:
    """Lay the digest out; plain text, so that no name of a model can format or mention."""
    return [
        {"type": "section", "text": _plain(digest_headline(digest))},
        *(
            {"type": "context", "elements": [_plain(line)]}
            for line in (budget_line(digest), models_line(digest))
        ),
    ]


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def find_digest(slack: SlackWeb, channel: str, week: str, since: float) -> str:
    """Return the ts of the week's digest if it was posted after `since` (epoch seconds), or nothing.

    Raises what `SlackWeb.call` raises.
    """
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = slack.call(
            "conversations.history",
            channel=channel,
            oldest=f"{since - CLOCKS_APART_S:.6f}",
            limit=_PAGE,
            cursor=cursor,
            include_all_metadata=True,
        )
        found = page.get("messages")
        for post in found if isinstance(found, list) else []:
            if isinstance(post, dict) and _is_digest(post.get("metadata"), week):
                return str(post.get("ts", ""))
        after = page.get("response_metadata")
        cursor = after.get("next_cursor") if isinstance(after, dict) else None
        if not cursor:
            break
    return ""


def _is_digest(metadata: object, week: str) -> bool:
    if not isinstance(metadata, dict) or metadata.get("event_type") != MARK:
        return False
    payload = metadata.get("event_payload")
    return isinstance(payload, dict) and payload.get("week") == week
