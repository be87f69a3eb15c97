"""Statuses, prompts, sessions, the home tab and reactions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from playground.slack.directory import ADA, PENNY
from playground.slack.installation import MANIFEST
from tests.slack_wire import ADA_DM, GENERAL, SlackWire, slack_wire

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace."""
    with slack_wire() as wire:
        yield wire


def think(slack: SlackWire, channel: str = ADA_DM, status: str = "is thinking…") -> str:
    """Set a status in a new thread; return the thread."""
    asked = slack.ask(channel)
    slack.ok("assistant.threads.setStatus", channel_id=channel, thread_ts=asked, status=status)
    return asked


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.startStream"])
def test_a_status_goes_when_the_app_posts_there(slack: SlackWire, method: str) -> None:
    """A post or a stream in that thread clears it; one in another thread, or a person's, does not."""
    asked, other = think(slack), think(slack)
    slack.workspace.post_as_user(ADA_DM, "ada", "and?", asked)
    assert slack.workspace.board.status(ADA_DM, asked) == "is thinking…"
    slack.ok(method, channel=ADA_DM, thread_ts=asked, text="done")
    assert slack.workspace.board.status(ADA_DM, asked) == ""
    assert slack.workspace.board.status(ADA_DM, other) == "is thinking…"


def test_a_status_goes_after_two_minutes(slack: SlackWire) -> None:
    """Setting it again starts them anew."""
    asked = think(slack, GENERAL)
    slack.clock.advance(119)
    slack.ok("assistant.threads.setStatus", channel_id=GENERAL, thread_ts=asked, status="still is")
    slack.clock.advance(119)
    assert slack.workspace.board.status(GENERAL, asked) == "still is"
    slack.clock.advance(1)
    assert slack.workspace.board.status(GENERAL, asked) == ""


def test_an_empty_status_clears(slack: SlackWire) -> None:
    """The app may take it away itself."""
    asked = think(slack)
    slack.ok("assistant.threads.setStatus", channel_id=ADA_DM, thread_ts=asked, status="")
    assert slack.workspace.board.status(ADA_DM, asked) == ""


def test_statuses_that_are_refused(slack: SlackWire) -> None:
    """No such thread, no status at all, too many loading messages."""
    asked = slack.ask()
    place = {"channel_id": ADA_DM, "thread_ts": asked}
    unknown = {"channel_id": ADA_DM, "thread_ts": "1700000000.000100", "status": "x"}
    assert slack.error("assistant.threads.setStatus", **unknown) == "invalid_thread_ts"
    assert slack.error("assistant.threads.setStatus", **place) == "invalid_arguments"
    many = slack.error("assistant.threads.setStatus", **place, status="x", loading_messages=["x"] * 11)
    assert many == "invalid_arguments"


def test_an_agent_session_has_four_states(slack: SlackWire) -> None:
    """Any other word is refused."""
    place = {"channel_id": ADA_DM, "thread_ts": slack.ask()}
    for status in ("processing", "active", "suspended", "closed"):
        assert slack.ok("agents.sessions.setStatus", **place, status=status)["agent_status"] == status
    slack.ok("agents.sessions.setStatus", **place, status="processing")
    slack.workspace.press_stop(place["thread_ts"])
    assert slack.events("agent_session_stopped")[-1]["streaming_message_ts"] == []
    assert slack.workspace.sessions[place["channel_id"], place["thread_ts"]] == "active"
    assert slack.error("agents.sessions.setStatus", **place, status="done") == "invalid_arguments"
    assert slack.error("agents.sessions.setStatus", **place) == "invalid_arguments"


def test_one_to_four_prompts_may_be_suggested(slack: SlackWire) -> None:
    """Each has a title and a message."""
    prompt = {"title": "Budget", "message": "What is left?"}
    method = "assistant.threads.setSuggestedPrompts"
    slack.ok(method, channel_id=ADA_DM, prompts=[prompt] * 4)
    assert len(slack.workspace.prompts[ADA_DM]) == 4
    for wrong in ([], [prompt] * 5, [{"title": "x"}], "prompts"):
        assert slack.error(method, channel_id=ADA_DM, prompts=wrong) == "invalid_arguments"


def home(*blocks: dict[str, Any]) -> dict[str, Any]:
    """Make a home view."""
    return {"type": "home", "blocks": list(blocks)}


def test_a_home_tab_is_published_and_replaced(slack: SlackWire) -> None:
    """It keeps its id; its hash guards against writing over a newer one."""
    first = slack.ok("views.publish", user_id=ADA.id, view=home({"type": "divider"}))["view"]
    second = slack.ok("views.publish", user_id=ADA.id, view=home(), hash=first["hash"])["view"]
    assert (second["id"], slack.workspace.homes[ADA.id]["blocks"]) == (first["id"], [])
    assert slack.error("views.publish", user_id=ADA.id, view=home(), hash=first["hash"]) == "hash_conflict"


def test_home_tabs_that_are_refused(slack: SlackWire) -> None:
    """A hundred blocks are the most, some types belong into messages only, and a view has a size."""
    divider = {"type": "divider"}
    assert slack.ok("views.publish", user_id=ADA.id, view=home(*[divider] * 100))
    refused = {
        "101 blocks": home(*[divider] * 101),
        "a block of messages": home({"type": "markdown", "text": "x"}),
        "a modal": {"type": "modal", "blocks": []},
        "no blocks": {"type": "home"},
        "no view": None,
    }
    for name, view in refused.items():
        assert slack.error("views.publish", user_id=ADA.id, view=view) == "invalid_arguments", name
    big = home() | {"private_metadata": "x" * 250_000}
    assert slack.error("views.publish", user_id=ADA.id, view=big) == "view_too_large"
    assert slack.error("views.publish", user_id="U0UNKNOWN1", view=home()) == "user_not_found"


def test_an_opened_home_tab_is_told_with_what_it_shows(slack: SlackWire) -> None:
    """The messages tab has the same event without a view."""
    slack.workspace.open_home("ada")
    slack.ok("views.publish", user_id=ADA.id, view=home())
    slack.workspace.open_home("ada")
    slack.workspace.open_home("ada", "messages")
    events = slack.events("app_home_opened")
    assert [(event["tab"], "view" in event) for event in events] == [
        ("home", False),
        ("home", True),
        ("messages", False),
    ]


def test_a_reaction_is_added_once(slack: SlackWire) -> None:
    """A second time it is already there; names are checked, and so is the message."""
    asked = slack.ask(GENERAL)
    place = {"channel": GENERAL, "timestamp": asked}
    slack.ok("reactions.add", **place, name="eyes")
    assert slack.workspace.message(GENERAL, asked).reactions == {"eyes": [PENNY.id]}
    assert slack.error("reactions.add", **place, name="eyes") == "already_reacted"
    assert slack.error("reactions.add", **place, name="NOT AN EMOJI") == "invalid_name"
    unknown = {"channel": GENERAL, "timestamp": "1700000000.000100"}
    assert slack.error("reactions.add", **unknown, name="eyes") == "message_not_found"


def test_the_token_says_who_we_are(slack: SlackWire) -> None:
    """auth.test names user, bot and team."""
    answer = slack.ok("auth.test")
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == (PENNY.id, "B0PENNY001", "T0PENNY001")


def test_the_token_says_what_it_may_do(slack: SlackWire) -> None:
    """A header names the scopes of the token: those of manifest.json, unless a test says otherwise."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    told = slack.post("auth.test").headers["x-oauth-scopes"]
    slack.workspace.scopes = frozenset({"chat:write"})

    assert told.split(",") == sorted(manifest["oauth_config"]["scopes"]["bot"])
    assert slack.post("auth.test").headers["x-oauth-scopes"] == "chat:write"
