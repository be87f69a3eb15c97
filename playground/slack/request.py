"""Request: one signed HTTP POST by Slack, as an app's endpoint gets it.

Source of the signature: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Purpose(StrEnum):
    """What a request tells the app; only events are delivered again when they fail."""

    EVENT = "event"
    COMMAND = "command"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What Slack wants to tell the app, before it is signed. `content` is the body as data."""

    purpose: Purpose
    content: dict[str, Any]

    @property
    def body(self) -> str:
        """The body as it is sent."""
        if self.purpose is Purpose.EVENT:
            return json.dumps(self.content, ensure_ascii=False)
        if self.purpose is Purpose.COMMAND:
            return urlencode(self.content)
        return urlencode({"payload": json.dumps(self.content, ensure_ascii=False)})

    @property
    def content_type(self) -> str:
        """Its media type."""
        return JSON if self.purpose is Purpose.EVENT else FORM


@dataclass(frozen=True, slots=True)
class SlackRequest:
    """A POST with Slack's headers."""

    body: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def gateway_event(self) -> dict[str, Any]:
        """Return it as an HTTP API (payload 2.0) or a function URL hands it to a Lambda."""
        return {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/slack/events",
            "rawQueryString": "",
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "requestContext": {
                "http": {
                    "method": "POST",
                    "path": "/slack/events",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                },
                "requestId": self.headers.get("X-Slack-Signature", "")[-12:],
            },
            "body": self.body,
            "isBase64Encoded": False,
        }


def sign(outgoing: Outgoing, secret: str, now: float, more: Mapping[str, str] | None = None) -> SlackRequest:
    """Return the request that carries `outgoing`, signed at `now`, with `more` headers."""
    timestamp = str(int(now))
    base = f"v0:{timestamp}:{outgoing.body}".encode()
    signature = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": outgoing.content_type,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={signature}",
    }
    return SlackRequest(outgoing.body, headers | dict(more or {}))
