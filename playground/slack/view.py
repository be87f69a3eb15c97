"""View: a message as the playground's page shows it, whole text first.

`blocks` holds what a bot sent or streamed and says the same as `text`, with its layout; people's messages
have none, nor has a stream as long as it consists of nothing but text. `thread_ts` is null for a root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playground.slack.message import Message
    from playground.slack.store import Store

Json = dict[str, Any]

FILE_FIELDS = ("id", "name", "mimetype", "size")


def view_of(store: Store, message: Message) -> Json:
    """Return the message with the counters of its thread."""
    replies = store.replies(message)
    return {
        "channel": message.channel,
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "user": message.author.id,
        "bot": message.author.is_bot,
        "subtype": message.subtype,
        "text": message.visible_text,
        "blocks": _layout(message),
        "streaming": message.is_streaming,
        "edited": message.edited is not None,
        "deleted": False,
        "files": [{name: one[name] for name in FILE_FIELDS} for one in message.files],
        "reactions": {name: len(users) for name, users in message.reactions.items()},
        "reply_count": len(replies),
        "latest_reply": replies[-1].ts if replies else None,
    }


def _layout(message: Message) -> list[Json]:
    blocks = message.shown_blocks
    only_text = all(block["type"] == "markdown" for block in blocks)
    return [] if message.is_streaming and only_text else blocks


def deleted_view(store: Store, message: Message) -> Json:
    """Return what is left to show of a message that was deleted."""
    return view_of(store, message) | {
        "text": "",
        "blocks": [],
        "files": [],
        "streaming": False,
        "deleted": True,
    }
