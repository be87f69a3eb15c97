"""A press: what a person did to a button or a menu of ours, as read from a `block_actions` payload.

https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from router.errors import MalformedError

_ID = re.compile(r"[A-Z0-9]{2,32}")
_TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")

LONGEST_VALUE = 3_000
"""Of an input, which takes more than a button:
https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element."""


@dataclass(frozen=True, slots=True)
class Press:
    """Who pressed what, and where. Empty is what the payload does not say: outside of messages the place.

    `value` is the button's or input's, or that of the option or channel that was chosen; `block` is the id of
    the block that it is in. `user_team` is the presser's own
    workspace, `team` is ours. `at` is Slack's moment of the press.
    """

    action: str
    value: str
    user: str
    user_team: str
    team: str
    channel: str
    message_ts: str
    thread: str
    response_url: str
    at: str
    block: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """Read the value as the object of texts that we write into our buttons; empty if it is none."""
        try:
            value = json.loads(self.value)
        except ValueError:
            return {}
        is_ours = isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
        return value if is_ours else {}


def read_press(body: dict[str, Any]) -> Press:
    """Read a payload. Raises MalformedError when it does not say who pressed what."""
    actions = body.get("actions")
    action = actions[0] if isinstance(actions, list) and actions else None
    if not isinstance(action, dict) or not isinstance(action.get("action_id"), str):
        raise MalformedError("actions[0].action_id: must be a string")
    user, container = _object(body.get("user")), _object(body.get("container"))
    presser = _like(_ID, user.get("id"))
    if not presser:
        raise MalformedError(f"user.id: must look like {_ID.pattern}")
    message_ts = _like(_TS, container.get("message_ts"))
    team = _like(_ID, _object(body.get("team")).get("id"))
    return Press(
        action=action["action_id"],
        value=_value(action),
        user=presser,
        user_team=_like(_ID, user.get("team_id")) or team,
        team=team,
        channel=_like(_ID, container.get("channel_id")),
        message_ts=message_ts,
        thread=_like(_TS, container.get("thread_ts")) or message_ts,
        response_url=_text(body.get("response_url")),
        at=_like(_TS, action.get("action_ts")),
        block=_text(action.get("block_id")),
    )


def _value(action: dict[str, Any]) -> str:
    chosen = _text(_object(action.get("selected_option")).get("value"))
    return _text(action.get("value")) or chosen or _text(action.get("selected_conversation"))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= LONGEST_VALUE else ""


def _like(form: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and form.fullmatch(value) else ""
