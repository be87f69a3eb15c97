"""Commands, presses and the response URLs that come with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from playground.slack.directory import ADA, GRACE, PENNY, TEAM
from playground.slack.refusal import Refused
from playground.slack.request import Purpose
from tests.slack_wire import ADA_DM, ASK_PENNY, GENERAL, LEADS, SlackWire, slack_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from playground.slack.request import Outgoing

BUTTON = {
    "type": "button",
    "action_id": "stronger",
    "text": {"type": "plain_text", "text": "Try"},
    "value": "tier:2",
}
FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "feedback",
    "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "good"},
    "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "bad"},
}
MENU = {
    "type": "overflow",
    "action_id": "menu",
    "options": [{"text": {"type": "plain_text", "text": "Why"}, "value": "why"}],
}
BLOCKS = [
    {"type": "actions", "block_id": "row", "elements": [BUTTON, MENU]},
    {"type": "context_actions", "elements": [FEEDBACK]},
]


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace."""
    with slack_wire() as wire:
        yield wire


def form(outgoing: Outgoing) -> dict[str, str]:
    """Read a command's form."""
    return {name: values[0] for name, values in parse_qs(outgoing.body, keep_blank_values=True).items()}


def payload(outgoing: Outgoing) -> dict[str, Any]:
    """Read the payload of a press."""
    read: dict[str, Any] = json.loads(form(outgoing)["payload"])
    return read


def test_a_command_is_a_form(slack: SlackWire) -> None:
    """With everything Slack says of who, where and what."""
    sent = slack.workspace.slash_command("/penny", "budget set 25", user="grace", channel=ASK_PENNY)
    fields = form(sent)
    assert (fields["command"], fields["text"]) == ("/penny", "budget set 25")
    assert (fields["user_id"], fields["channel_id"], fields["team_id"]) == (GRACE.id, ASK_PENNY, TEAM.id)
    assert (fields["channel_name"], fields["api_app_id"]) == ("ask-penny", PENNY.app_id)
    assert fields["response_url"]
    assert fields["trigger_id"]
    assert slack.sent == []
    assert form(slack.workspace.slash_command("/penny", channel=LEADS))["channel_name"] == "privategroup"
    assert form(slack.workspace.slash_command("/penny", channel=ADA_DM))["channel_name"] == "directmessage"


def test_every_command_has_a_trigger_of_its_own(slack: SlackWire) -> None:
    """It tells two equal commands apart."""
    slack.workspace.run_command("/penny", "help")
    slack.workspace.run_command("/penny", "help")
    first, second = map(form, slack.sent)
    assert first["trigger_id"] != second["trigger_id"]


def test_a_press_says_what_was_pressed_where(slack: SlackWire) -> None:
    """Message, thread, block, action and value are told."""
    root = slack.ask(GENERAL)
    ts = slack.ok("chat.postMessage", channel=GENERAL, thread_ts=root, text="x", blocks=BLOCKS)["ts"]
    slack.workspace.press(GENERAL, ts, "stronger", user="grace")
    told = payload(slack.sent[-1])
    assert slack.sent[-1].purpose is Purpose.ACTION
    assert (told["type"], told["user"]["id"], told["channel"]["id"]) == ("block_actions", GRACE.id, GENERAL)
    assert (told["container"]["message_ts"], told["container"]["thread_ts"]) == (ts, root)
    assert told["message"]["ts"] == ts
    (action,) = told["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("stronger", "row", "tier:2")
    assert (action["type"], bool(action["action_ts"])) == ("button", True)


def test_feedback_and_menus_say_what_was_chosen(slack: SlackWire) -> None:
    """Feedback as the value of its half, a menu as its option."""
    ts = slack.ok("chat.postMessage", channel=GENERAL, text="x", blocks=BLOCKS)["ts"]
    chosen = [slack.workspace.block_action(GENERAL, ts, "feedback", value) for value in ("good", "bad")]
    assert [payload(one)["actions"][0]["value"] for one in chosen] == ["good", "bad"]
    menu = payload(slack.workspace.block_action(GENERAL, ts, "menu", "why"))["actions"][0]
    assert menu["selected_option"] == MENU["options"][0]
    with pytest.raises(LookupError):
        slack.workspace.block_action(GENERAL, ts, "no-such-action")


def test_buttons_below_a_stream_can_be_pressed(slack: SlackWire) -> None:
    """They are part of the message like any other block."""
    ts = slack.start(markdown_text="x")
    slack.ok("chat.stopStream", channel=ADA_DM, ts=ts, blocks=BLOCKS)
    assert payload(slack.workspace.block_action(ADA_DM, ts, "stronger"))["actions"][0]["value"] == "tier:2"


def test_a_press_in_the_home_tab_brings_the_inputs_along(slack: SlackWire) -> None:
    """The view and its state are told instead of a message."""
    select = {"type": "users_select", "action_id": "who"}
    blocks = [
        {"type": "actions", "elements": [BUTTON]},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "accessory": select},
    ]
    slack.ok("views.publish", user_id=ADA.id, view={"type": "home", "blocks": blocks})
    state = {"limit": {"amount": {"type": "plain_text_input", "value": "25"}}}
    slack.workspace.press_home("stronger", state=state)
    slack.workspace.press_home("who", GRACE.id)
    pressed, selected = payload(slack.sent[0]), payload(slack.sent[1])
    assert (pressed["view"]["type"], pressed["view"]["state"]["values"]) == ("home", state)
    assert "message" not in pressed
    assert selected["actions"][0]["selected_user"] == GRACE.id


def test_inputs_tell_what_they_hold(slack: SlackWire) -> None:
    """Each stateful element in its own form, as it began or as people changed it; blocks tell twins apart."""
    options = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("a", "b", "c")]
    elements = [
        {"type": "static_select", "action_id": "one", "options": options, "initial_option": options[1]},
        {"type": "checkboxes", "action_id": "some", "options": options},
        {"type": "users_select", "action_id": "who", "initial_user": ADA.id},
    ]
    blocks = [{"type": "actions", "block_id": block_id, "elements": elements} for block_id in ("x", "y")]
    ts = slack.ok("chat.postMessage", channel=GENERAL, text="x", blocks=blocks)["ts"]
    inputs = {"y": {"some": "a\nc", "who": GRACE.id}}
    sent = slack.workspace.block_action(GENERAL, ts, "one", "c", block_id="y", inputs=inputs)
    told, values = payload(sent), payload(sent)["state"]["values"]
    assert (told["actions"][0]["block_id"], told["actions"][0]["selected_option"]) == ("y", options[2])
    assert (values["x"]["one"]["selected_option"], values["x"]["some"]["selected_options"]) == (
        options[1],
        [],
    )
    assert (values["x"]["who"]["selected_user"], values["y"]["who"]["selected_user"]) == (ADA.id, GRACE.id)
    assert values["y"]["some"]["selected_options"] == [options[0], options[2]]


def test_what_one_person_sees_can_be_pressed_replaced_and_deleted(slack: SlackWire) -> None:
    """By that person alone; the press says that it is ephemeral and brings no message along."""
    args = {"channel": GENERAL, "user": ADA.id, "text": "x", "blocks": BLOCKS}
    ts = slack.ok("chat.postEphemeral", **args)["message_ts"]
    told = payload(slack.workspace.block_action(GENERAL, ts, "stronger"))
    assert (told["container"]["is_ephemeral"], told["container"]["message_ts"]) == (True, ts)
    assert "message" not in told
    respond(slack, told["response_url"], text="instead", replace_original=True)
    assert slack.workspace.ephemerals[-1]["text"] == "instead"
    with pytest.raises(Refused):
        slack.workspace.block_action(GENERAL, ts, "stronger", user="grace")
    respond(slack, told["response_url"], delete_original=True)
    with pytest.raises(Refused):
        slack.workspace.block_action(GENERAL, ts, "stronger")


def respond(slack: SlackWire, url: str, **body: Any) -> httpx.Response:
    """Post to a response URL."""
    return slack.client.post(url, json=body)


def command_url(slack: SlackWire, channel: str = ASK_PENNY) -> str:
    """Return the response URL of a new command."""
    return form(slack.workspace.slash_command("/penny", "help", channel=channel))["response_url"]


def test_a_command_is_answered_to_its_author(slack: SlackWire) -> None:
    """Only with response_type in_channel does everybody see it."""
    url = command_url(slack)
    assert respond(slack, url, text="for you").text == "ok"
    assert slack.workspace.ephemerals[-1]["user"] == ADA.id
    respond(slack, url, text="for all", response_type="in_channel")
    assert slack.events("message")[-1]["text"] == "for all"


def test_a_press_may_replace_or_delete_its_message(slack: SlackWire) -> None:
    """Without either flag its answer is an ephemeral as well."""
    ts = slack.ok("chat.postMessage", channel=GENERAL, text="x", blocks=BLOCKS)["ts"]
    url = payload(slack.workspace.block_action(GENERAL, ts, "stronger"))["response_url"]
    respond(slack, url, text="beside")
    assert slack.workspace.ephemerals[-1]["text"] == "beside"
    respond(slack, url, text="instead", replace_original=True)
    assert slack.workspace.message(GENERAL, ts).visible_text == "instead"
    respond(slack, url, delete_original=True)
    assert respond(slack, url, delete_original=True).text == "message_not_found"


def test_a_response_url_works_five_times_within_thirty_minutes(slack: SlackWire) -> None:
    """Then it is used up, or expired; refused answers do not count."""
    url, other = command_url(slack), command_url(slack)
    assert (respond(slack, url).status_code, respond(slack, url).text) == (400, "no_text")
    answers = [respond(slack, url, text="x") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert answers[-1].text == "used_url"
    slack.clock.advance(1801)
    assert (respond(slack, other, text="x").status_code, respond(slack, other, text="x").text) == (
        404,
        "expired_url",
    )
    assert respond(slack, f"{slack.client.base_url}/commands/unknown", text="x").status_code == 404


def test_a_malformed_answer_is_a_400(slack: SlackWire) -> None:
    """Blocks are checked as everywhere, and so is the JSON."""
    url = command_url(slack)
    assert respond(slack, url, blocks=[{"type": "unknown"}]).text == "invalid_blocks"
    headers = {"Content-Type": "application/json"}
    assert slack.client.post(url, content="{", headers=headers).text == "invalid_json"
    assert slack.client.post(url, content="[]", headers=headers).text == "json_not_object"
