"""Channels by name: for people at a command line, who do not know ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from router.adapters.slack_web import SlackWeb

_ID = re.compile(r"[CDG][A-Z0-9]{6,}")
"""Names of channels are in lower case, so nothing is both."""

_PAGE = 999
"""Slack wants less than 1,000: https://docs.slack.dev/reference/methods/conversations.list."""


def is_channel_id(text: str) -> bool:
    """Whether `text` is a channel's id rather than its name."""
    return bool(_ID.fullmatch(text))


def find_channel(slack: SlackWeb, name: str) -> str | None:
    """Return the id of the channel called `name`, with or without `#`; None if the bot sees no such one.

    Raises what `SlackWeb.call` raises; SlackRefused with `missing_scope` when the app may not list channels.
    """
    wanted = name.removeprefix("#").casefold()
    for channel in _channels(slack):
        if str(channel.get("name", "")).casefold() == wanted and isinstance(channel.get("id"), str):
            return str(channel["id"])
    return None


def _channels(slack: SlackWeb) -> Iterator[dict[str, Any]]:
    """Yield all channels, page by page; a page that was there before ends it."""
    cursors = {""}
    cursor = ""
    while True:
        page = slack.call(
            "conversations.list",
            types="public_channel,private_channel",
            limit=_PAGE,
            cursor=cursor or None,
        )
        yield from (channel for channel in _list(page.get("channels")) if isinstance(channel, dict))
        after = page.get("response_metadata")
        cursor = str(after.get("next_cursor") or "") if isinstance(after, dict) else ""
        if cursor in cursors:
            return
        cursors.add(cursor)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
