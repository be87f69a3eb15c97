"""A whisper: words that only one person sees, because they asked for them or pressed something."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from router.adapters.slack_web import SlackWeb
from router.errors import SlackRefused, SlackUnavailable


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who is to hear it and where. `response_url` reaches also channels that the bot is not in."""

    channel: str
    user: str
    thread: str = ""
    response_url: str = ""


def whisper(
    slack: SlackWeb, addressee: Addressee, text: str, blocks: list[dict[str, Any]] | None = None
) -> bool:
    """Show `text` to one person; whether Slack took it. It never raises: a whisper is no reason to fail.

    An answer to a response URL that got lost is said once more in the channel: heard twice is better than not
    at all.
    """
    said = {"text": text, "blocks": blocks, "thread_ts": addressee.thread or None}
    said = {name: value for name, value in said.items() if value}
    with contextlib.suppress(SlackRefused, SlackUnavailable):
        if addressee.response_url:
            slack.respond(
                addressee.response_url, said | {"response_type": "ephemeral", "replace_original": False}
            )
            return True
    with contextlib.suppress(SlackRefused, SlackUnavailable):
        slack.call("chat.postEphemeral", channel=addressee.channel, user=addressee.user, **said)
        return True
    return False
