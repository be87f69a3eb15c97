"""Events: the bodies that Slack's Events API sends to an app, built from what happened.

Field by field after https://docs.slack.dev/reference/events; nothing here changes or sends anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playground.slack.directory import Channel, Directory

Json = dict[str, Any]

VERIFICATION_TOKEN = "playground-verification-token"
"""Slack's deprecated `token` field; nothing may rely on it."""

NOT_IN_A_MENTION = frozenset({"files", "subtype", "reactions", "attachments", "root"})
"""Fields of a `message` event that its `app_mention` twin lacks."""


@dataclass(frozen=True, slots=True)
class EventId:
    """What names one delivery of an event: it changes when the same event is sent anew."""

    id: str
    time: int


def message_event(message: Json, channel: Channel) -> Json:
    """Return the `message` event of a new post."""
    return message | {"channel": channel.id, "channel_type": channel.kind.value, "event_ts": message["ts"]}


def mention_event(message: Json, channel: Channel) -> Json:
    """Return the `app_mention` twin of a post, which says less than the `message` event does."""
    kept = {name: value for name, value in message.items() if name not in NOT_IN_A_MENTION}
    return kept | {"type": "app_mention", "channel": channel.id, "event_ts": message["ts"]}


def changed_event(message: Json, previous: Json, channel: Channel, event_ts: str) -> Json:
    """Return the `message_changed` event of an edit, an unfurl, an update or the end of a stream."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": message,
        "previous_message": previous,
        "channel": channel.id,
        "channel_type": channel.kind.value,
        "hidden": True,
        "ts": event_ts,
        "event_ts": event_ts,
    }


def deleted_event(previous: Json, channel: Channel, event_ts: str) -> Json:
    """Return the `message_deleted` event."""
    return {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": previous,
        "deleted_ts": previous["ts"],
        "channel": channel.id,
        "channel_type": channel.kind.value,
        "hidden": True,
        "ts": event_ts,
        "event_ts": event_ts,
    }


def stopped_event(channel: str, thread_ts: str, user: str, streams: list[str], event_ts: str) -> Json:
    """Return the `agent_session_stopped` event of a press on Slack's own stop button."""
    return {
        "type": "agent_session_stopped",
        "channel": channel,
        "thread_ts": thread_ts,
        "user": user,
        "streaming_message_ts": streams,
        "event_ts": event_ts,
    }


def home_event(user: str, channel: str, tab: str, view: Json | None, event_ts: str) -> Json:
    """Return the `app_home_opened` event; `view` is what was published last for the home tab."""
    opened = {"type": "app_home_opened", "user": user, "channel": channel, "tab": tab, "event_ts": event_ts}
    return opened | ({"view": view} if view and tab == "home" else {})


def envelope(event: Json, directory: Directory, channel: Channel | None, name: EventId) -> Json:
    """Return the `event_callback` body around an event; the same event sent anew has a new name."""
    bot, team = directory.bot, directory.team.id
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": team,
        "context_team_id": team,
        "context_enterprise_id": None,
        "enterprise_id": None,
        "api_app_id": bot.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": name.id,
        "event_time": name.time,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": team,
                "user_id": bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": bool(channel and channel.shared_with),
        "event_context": f"4-{name.id}",
    }
