"""Requests as Slack makes them, signed, in the form in which Lambda hands them to `receive`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
OUR_USER = "U0PENNY"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def event_body(event: dict[str, Any], event_id: str | None = "Ev0001", **envelope: Any) -> str:
    """Write the body of an Events API request around `event`."""
    body = {
        "token": "gone-out-of-use",
        "team_id": "T0001",
        "api_app_id": "A0001",
        "type": "event_callback",
        "event": event,
        "event_time": 1700000000,
        "authorizations": [{"team_id": "T0001", "user_id": OUR_USER, "is_bot": True}],
        **({"event_id": event_id} if event_id else {}),
        **envelope,
    }
    return json.dumps(body)


def mention(text: str = "hello", **fields: Any) -> dict[str, Any]:
    """Make the `app_mention` event of a post in a channel."""
    return {
        "type": "app_mention",
        "user": "U0ADA",
        "text": f"<@{OUR_USER}> {text}",
        "ts": "1700000000.000100",
        "channel": "C0001",
        "event_ts": "1700000000.000100",
        **fields,
    }


def message(text: str = "hello", **fields: Any) -> dict[str, Any]:
    """Make the `message` event of the post of which `mention` is the other twin."""
    return mention(text) | {"type": "message", "channel_type": "channel", **fields}


def command_body(text: str = "report", **fields: str) -> str:
    """Write the body of a slash command; a field that is given as empty is still there."""
    form = {
        "command": "/penny",
        "text": text,
        "user_id": "U0ADA",
        "channel_id": "C0001",
        "team_id": "T0001",
        "response_url": "https://hooks.slack.com/commands/1",
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
    }
    return urlencode(form | fields)


def press_body(**fields: Any) -> str:
    """Write the body of a press on a button."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U0ADA"},
        "actions": [{"action_id": "stop", "action_ts": "1700000001.000200"}],
        "trigger_id": "1.2.3",
    }
    return urlencode({"payload": json.dumps(payload | fields)})


def signature_of(body: bytes, timestamp: str, secret: str = SECRET) -> str:
    """Sign a body, written down from Slack's documentation and apart from the product's own code."""
    digest = hmac.new(secret.encode(), b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
    return f"v0={digest}"


def lambda_event(
    body: str | bytes, content_type: str = JSON, *, base64_encoded: bool = False, **headers: str
) -> dict[str, Any]:
    """Make the event that Lambda gets for a request signed now; `headers` (with _ for -) win over ours."""
    raw = body.encode() if isinstance(body, str) else body
    timestamp = str(int(time.time()))
    signed = {
        "content-type": content_type,
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": signature_of(raw, timestamp),
    }
    return {
        "version": "2.0",
        "rawPath": "/slack/events",
        "headers": signed | {name.replace("_", "-"): value for name, value in headers.items()},
        "requestContext": {"http": {"method": "POST", "path": "/slack/events"}},
        "body": base64.b64encode(raw).decode() if base64_encoded else raw.decode(),
        "isBase64Encoded": base64_encoded,
    }
