"""A thread as Slack has it. https://docs.slack.dev/reference/methods/conversations.replies."""

from __future__ import annotations

from typing import Any

from router.adapters.slack_web import SlackWeb

PAGE = 1000
"""Messages a call, the most Slack gives to an app that a company made for itself."""

MOST_PAGES = 10
"""A thread comes oldest first, so its newest posts are on the last page; threads of more than 10,000 posts
lose those."""


def read_thread(slack: SlackWeb, channel: str, thread: str) -> list[dict[str, Any]]:
    """Return the messages of a thread, oldest first; for a message without replies, itself alone."""
    messages: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        page = slack.call(
            "conversations.replies",
            channel=channel,
            ts=thread,
            limit=PAGE,
            cursor=cursor,
            include_all_metadata=True,
        )
        found = page.get("messages")
        messages += [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []
        metadata = page.get("response_metadata")
        cursor = metadata.get("next_cursor") if isinstance(metadata, dict) else None
        if not cursor:
            break
    return messages
