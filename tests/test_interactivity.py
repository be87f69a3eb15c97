"""Commands and presses on their way to a listener: read whole, each alone, whatever their text says."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from router.delivered import Delivered
from router.domain.delivery import Enqueue, body_of, read_delivery
from router.domain.job import Job
from router.domain.press import Press, read_press
from router.errors import MalformedError
from router.slack.app import Listeners, build_app, dispatch
from tests.slack_requests import FORM, JSON, command_body, event_body, press_body

CONTAINER = {
    "type": "message",
    "message_ts": "1700000001.000200",
    "channel_id": "C0001",
    "thread_ts": "1700000000.000100",
}


def delivered(body: str, content_type: str = FORM) -> Delivered:
    """Make a job as the worker gets it."""
    return Delivered("job-1", "receipt", 1, "group", Job(content_type, body, 0.0).to_text(), 0.0)


def heard(body: str, content_type: str = FORM, *, command: str = "/penny") -> list[dict[str, Any]]:
    """Dispatch a body and return what a listener heard."""
    bodies: list[dict[str, Any]] = []

    def listener(heard_body: dict[str, Any], _delivered: Delivered) -> None:
        bodies.append(heard_body)

    listeners = Listeners(
        events={"app_home_opened": listener}, actions={"stop": listener}, commands={command: listener}
    )
    dispatch(build_app("xoxb-1", listeners), delivered(body, content_type))
    return bodies


@pytest.mark.parametrize("text", ["help", "", "payload", "a payload=x&y {", "payload=%7B%7D", "€5"])
def test_a_command_arrives_whatever_its_text(text: str) -> None:
    """Also with words in which others read a press."""
    (body,) = heard(command_body(text))

    assert (body["command"], body["text"]) == ("/penny", text)


def test_a_press_arrives() -> None:
    """By the name of its button."""
    (body,) = heard(press_body(container=CONTAINER))

    assert body["actions"][0]["action_id"] == "stop"


@pytest.mark.parametrize("content_type", [JSON, "application/json; charset=utf-8", "Application/JSON"])
def test_an_event_arrives_under_any_spelling_of_its_type(content_type: str) -> None:
    """A parameter of the content type changes nothing."""
    event = {"type": "app_home_opened", "user": "U0ADA", "channel": "D0001", "tab": "messages"}

    (body,) = heard(event_body(event), content_type)

    assert body["event"]["tab"] == "messages"


def test_what_nobody_listens_to() -> None:
    """It is no error, and nothing happens."""
    assert heard(command_body(), command="/other") == []
    assert heard(press_body(actions=[{"action_id": "unknown", "type": "button"}])) == []


@pytest.mark.parametrize(
    "body", ["", "payload=", "payload=[]", "payload={", urlencode({f"f{n}": "" for n in range(101)})]
)
def test_a_body_that_is_nothing(body: str) -> None:
    """It is parked with its reason."""
    with pytest.raises(MalformedError):
        body_of(FORM, body)


def test_a_press_waits_for_no_other() -> None:
    """Stop has a group of its own; what asks for an answer waits for its turn in its thread."""

    def group(action: str, container: object = CONTAINER) -> str:
        actions = [{"action_id": action, "action_ts": "1700000009.000100"}]
        found = read_delivery(FORM, press_body(actions=actions, container=container))
        assert isinstance(found, Enqueue)
        assert found.deduplication_id == "1700000009.000100:U0ADA"
        return found.group

    assert group("penny_stop") == "1700000009.000100:U0ADA"
    assert group("penny_stronger") == "C0001:1700000000.000100"
    for garbled in (7, None, {}, {"channel_id": 7, "thread_ts": []}):
        assert group("penny_stronger", garbled) == "1700000009.000100:U0ADA"


def test_what_a_press_says() -> None:
    """Who pressed what, and where; a choice from a menu carries the option's value."""
    body = {
        "user": {"id": "U0ADA", "team_id": "T0FAR"},
        "team": {"id": "T0001"},
        "container": CONTAINER,
        "actions": [
            {"action_id": "more", "selected_option": {"value": '{"a":"b"}'}, "action_ts": "1700000009.000100"}
        ],
        "response_url": "https://hooks.slack.com/actions/1",
    }

    press = read_press(body)

    assert press == Press(
        action="more",
        value='{"a":"b"}',
        user="U0ADA",
        user_team="T0FAR",
        team="T0001",
        channel="C0001",
        message_ts="1700000001.000200",
        thread="1700000000.000100",
        response_url="https://hooks.slack.com/actions/1",
        at="1700000009.000100",
    )
    assert press.fields == {"a": "b"}


@pytest.mark.parametrize("wrong", [None, 7, [], {}, "x", [7], [{}], [{"action_id": 7}], "\ud800"])
def test_a_field_of_a_press_may_be_anything(wrong: Any) -> None:
    """What says who pressed what is demanded; anything else that is odd is absent."""
    sound = {"user": {"id": "U0ADA"}, "actions": [{"action_id": "stop"}]}
    for name in ("user", "actions"):
        with pytest.raises(MalformedError):
            read_press(sound | {name: wrong})
    for name in ("container", "team", "response_url"):
        assert read_press(sound | {name: wrong}).channel == ""
    assert read_press(sound | {"actions": [{"action_id": "a", "value": wrong}]}).fields == {}
