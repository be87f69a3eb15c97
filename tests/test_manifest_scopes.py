"""The Slack app asks for what the code uses, and for nothing else; each with its reason in the docs."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from router.domain.command import COMMAND
from router.domain.delivery import LISTENED_EVENTS

ROOT = Path(__file__).resolve().parent.parent
MANIFEST: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
SCOPES = frozenset(MANIFEST["oauth_config"]["scopes"]["bot"])
EVENTS = frozenset(MANIFEST["settings"]["event_subscriptions"]["bot_events"])
DOCS = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")

READING = frozenset({"channels:history", "groups:history", "im:history", "mpim:history"})

NEEDED_BY_METHOD = {
    "agents.sessions.setStatus": {"chat:write"},
    "assistant.threads.setStatus": {"chat:write"},
    "assistant.threads.setSuggestedPrompts": {"assistant:write"},
    "auth.test": set[str](),
    "chat.appendStream": {"chat:write"},
    "chat.delete": {"chat:write"},
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.startStream": {"chat:write"},
    "chat.stopStream": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.history": READING,
    "conversations.list": {"channels:read", "groups:read"},
    "conversations.replies": READING,
    "users.info": {"users:read"},
    "views.publish": set[str](),
}
"""https://docs.slack.dev/reference/methods"""

NEEDED_BY_EVENT = {
    "agent_session_stopped": set[str](),
    "app_home_opened": set[str](),
    "app_mention": {"app_mentions:read"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
    "message.mpim": {"mpim:history"},
}
"""https://docs.slack.dev/reference/events"""

NEEDED_BESIDE = {"files:read", "commands"}
"""To download what hangs on a message: https://docs.slack.dev/reference/objects/file-object; and to have a
command: https://docs.slack.dev/interactivity/implementing-slash-commands."""


def methods_called() -> Iterator[str]:
    """Yield the methods of the Web API that the code names in a call."""
    for file in (ROOT / "router").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="call" | "_call"), args=[ast.Constant(value=str(name)), *_]
                ):
                    if "." in name:
                        yield name


def test_every_scope_has_its_use_and_every_use_its_scope() -> None:
    """No permission is asked for that no method, event or file needs."""
    called = set(methods_called())

    assert called == set(NEEDED_BY_METHOD), "say which scope a method needs, and drop what is not called"
    by_methods = set().union(*(NEEDED_BY_METHOD[method] for method in called))
    by_events = set().union(*(NEEDED_BY_EVENT[event] for event in EVENTS))
    assert by_methods | by_events | NEEDED_BESIDE == SCOPES


def test_every_event_has_its_listener_and_every_listener_its_event() -> None:
    """What Slack is asked to send is what is listened to."""
    assert {event.partition(".")[0] for event in EVENTS} == LISTENED_EVENTS


def test_the_command_is_registered_as_it_is_listened_to() -> None:
    """Under its name, at the same address as all else, with words that Slack has room for."""
    (command,) = MANIFEST["features"]["slash_commands"]

    assert command["command"] == COMMAND
    assert command["url"] == MANIFEST["settings"]["event_subscriptions"]["request_url"]
    assert len(command["description"]) <= 2000
    assert len(command["usage_hint"]) <= 1000
    assert f"`{COMMAND}`" in DOCS


def test_presses_are_delivered() -> None:
    """The buttons under an answer need interactivity, at the same address as all else."""
    interactivity = MANIFEST["settings"]["interactivity"]

    assert interactivity["is_enabled"] is True
    assert interactivity["request_url"] == MANIFEST["settings"]["event_subscriptions"]["request_url"]


@pytest.mark.parametrize("name", sorted(SCOPES | EVENTS))
def test_each_has_its_reason(name: str) -> None:
    """Who installs the app reads why it asks for what it asks for."""
    assert f"`{name}`" in DOCS
