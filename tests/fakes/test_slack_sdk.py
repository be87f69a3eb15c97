"""Slack's own SDK and Bolt as witnesses: they understand what the fake sends and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.aws_lambda import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, MarkdownBlock
from slack_sdk.signature import Clock as SdkClock
from slack_sdk.signature import SignatureVerifier

from playground.clock import SystemClock
from playground.slack.delivery import Delivery
from playground.slack.directory import ADA, PENNY, TEAM
from playground.slack.endpoint import lambda_endpoint
from playground.slack.workspace import Workspace
from tests.slack_wire import ADA_DM, GENERAL, MENTION, START, SlackWire, slack_wire

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace."""
    with slack_wire() as wire:
        yield wire


@pytest.fixture
def sdk(slack: SlackWire) -> WebClient:
    """Make Slack's client for it."""
    return WebClient(token=slack.workspace.bot_token, base_url=f"{slack.client.base_url}/api/")


def test_the_sdk_posts_reads_and_changes(slack: SlackWire, sdk: WebClient) -> None:
    """Its forms, queries and JSON bodies are all understood."""
    root = slack.ask(GENERAL)
    blocks = [
        MarkdownBlock(text="**hello**"),
        ActionsBlock(elements=[ButtonElement(text="Press", action_id="a")]),
    ]
    posted = sdk.chat_postMessage(channel=GENERAL, thread_ts=root, text="x", blocks=blocks)
    ts = str(posted["ts"])
    sdk.chat_update(channel=GENERAL, ts=ts, markdown_text="better")
    sdk.reactions_add(channel=GENERAL, timestamp=root, name="eyes")
    thread = sdk.conversations_replies(channel=GENERAL, ts=root)["messages"]
    assert [message["text"] for message in thread] == ["why?", "better"]
    assert sdk.users_info(user=ADA.id)["user"]["name"] == "ada"
    assert sdk.conversations_info(channel=GENERAL)["channel"]["name"] == "general"
    assert sdk.conversations_open(users=ADA.id)["channel"]["id"] == ADA_DM
    sdk.views_publish(user_id=ADA.id, view={"type": "home", "blocks": [{"type": "divider"}]})
    assert slack.workspace.homes[ADA.id]["blocks"][0]["type"] == "divider"


def test_the_sdks_stream_helper_writes_a_message(slack: SlackWire, sdk: WebClient) -> None:
    """Short pieces are buffered by it, long ones go out at once."""
    stream = sdk.chat_stream(
        channel=GENERAL, thread_ts=slack.ask(GENERAL), recipient_user_id=ADA.id, recipient_team_id=TEAM.id
    )
    for piece in ("a" * 300, "b" * 300, "c"):
        stream.append(markdown_text=piece)
    ts = str(stream.stop()["ts"])
    assert slack.workspace.message(GENERAL, ts).visible_text == "a" * 300 + "b" * 300 + "c"


def test_the_sdk_sees_refusals_and_rate_limits(slack: SlackWire, sdk: WebClient) -> None:
    """Code and Retry-After are where it looks for them."""
    with pytest.raises(SlackApiError) as refused:
        sdk.chat_postMessage(channel="C0UNKNOWN1", text="x")
    assert refused.value.response["error"] == "channel_not_found"
    slack.workspace.fail_next("chat.postMessage", status=429, retry_after=3)
    with pytest.raises(SlackApiError) as limited:
        sdk.chat_postMessage(channel=GENERAL, text="x")
    assert (limited.value.response.status_code, limited.value.response.headers["Retry-After"]) == (429, "3")


class _At(SdkClock):
    def now(self) -> float:
        """Return the fake's time."""
        return START


def test_the_sdk_accepts_the_signature(slack: SlackWire) -> None:
    """A changed body or another secret does not pass."""
    request = slack.workspace.sign(slack.workspace.slash_command("/penny", "grüße"))
    headers = dict(request.headers)
    verifier = SignatureVerifier(slack.workspace.signing_secret, _At())
    assert verifier.is_valid_request(request.body, headers)
    assert not verifier.is_valid_request(request.body + "x", headers)
    assert not SignatureVerifier("another", _At()).is_valid_request(request.body, headers)


def test_bolt_finds_a_listener_for_everything_that_is_sent() -> None:
    """Events, commands, presses in messages and in the home tab: all with their context."""
    heard: list[tuple[Any, ...]] = []
    clock = SystemClock()
    workspace = Workspace(clock)
    app = App(
        signing_secret=workspace.signing_secret,
        process_before_response=True,
        authorize=lambda: AuthorizeResult(
            enterprise_id=None, team_id=TEAM.id, bot_user_id=PENNY.id, bot_id=PENNY.bot_id, bot_token="xoxb-x"
        ),
    )

    def listen(ack: Any, context: Any, payload: Any) -> None:
        ack()
        kind = payload.get("type") or payload.get("command")
        heard.append((kind, context.user_id, context.channel_id, context.team_id))

    for event in ("message", "app_mention", "app_home_opened", "agent_session_stopped"):
        app.event(event)(listen)
    app.command("/penny")(listen)
    app.action("again")(listen)
    delivery = Delivery(workspace, lambda_endpoint(SlackRequestHandler(app).handle), clock, at_once=1)

    text = {"type": "plain_text", "text": "Again"}
    button = {"type": "actions", "elements": [{"type": "button", "action_id": "again", "text": text}]}
    workspace.homes[ADA.id] = {"id": "V1", "type": "home", "blocks": [button]}
    ts = workspace.post_as_user(GENERAL, "ada", f"{MENTION} hello")
    workspace.message(GENERAL, ts).blocks = [button]
    workspace.open_home("ada")
    workspace.run_command("/penny", "help", channel=GENERAL)
    workspace.press(GENERAL, ts, "again")
    workspace.press_home("again")
    workspace.press_stop(ts)
    delivery.run_due()

    here = (ADA.id, GENERAL, TEAM.id)
    assert [one.failure for one in delivery.log] == [""] * 7
    assert heard == [
        ("message", *here),
        ("app_mention", *here),
        ("app_home_opened", ADA.id, ADA_DM, TEAM.id),
        ("/penny", *here),
        ("button", *here),
        ("button", ADA.id, None, TEAM.id),
        ("agent_session_stopped", *here),
    ]
