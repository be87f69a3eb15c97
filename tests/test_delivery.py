"""What is to be done about each kind of delivery."""

from __future__ import annotations

import json
import re
import string
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.delivery import Challenge, Enqueue, Garbage, Ignore, SslCheck, read_delivery
from tests.slack_requests import FORM, JSON, OUR_USER, command_body, event_body, mention, message, press_body

SQS_ALPHABET = set(string.ascii_letters + string.digits + string.punctuation)
TOO_NESTED = "[" * 200_000
HOSTILE_IDS = ["with space", "x" * 129, "naïve", "\ud800", "line\nbreak", "\x00"]


def assert_fits_sqs(delivery: object) -> None:
    """Assert that both ids are such that SQS takes them."""
    assert isinstance(delivery, Enqueue)
    for name in (delivery.group, delivery.deduplication_id):
        assert 0 < len(name) <= 128
        assert set(name) <= SQS_ALPHABET


# Messages


def test_a_message_waits_for_others_of_its_thread_alone() -> None:
    """The group is the thread, the deduplication id the post."""
    reply = mention(ts="1700000009.000900", thread_ts="1700000000.000100")
    delivery = read_delivery(JSON, event_body(reply))
    assert delivery == Enqueue("app_mention", "C0001:1700000000.000100", "C0001:1700000009.000900")


def test_a_message_outside_threads_starts_its_own() -> None:
    """The root of a thread is in the group of its replies."""
    delivery = read_delivery(JSON, event_body(mention()))
    assert delivery == Enqueue("app_mention", "C0001:1700000000.000100", "C0001:1700000000.000100")


@given(
    channel=st.from_regex(r"C[A-Z0-9]{1,20}", fullmatch=True),
    ts=st.from_regex(r"[0-9]{10}\.[0-9]{6}", fullmatch=True),
    thread=st.none() | st.from_regex(r"[0-9]{10}\.[0-9]{6}", fullmatch=True),
    text=st.text(),
)
def test_twins_have_the_same_ids(channel: str, ts: str, thread: str | None, text: str) -> None:
    """Both events of one post, each with its own event id, make one job."""
    place = {"channel": channel, "ts": ts, **({"thread_ts": thread} if thread else {})}
    one = read_delivery(JSON, event_body(mention(text, **place), event_id="Ev1"))
    other = read_delivery(JSON, event_body(message(text, **place), event_id="Ev2"))
    assert isinstance(one, Enqueue)
    assert isinstance(other, Enqueue)
    assert (one.group, one.deduplication_id) == (other.group, other.deduplication_id)


def test_a_redelivery_through_another_workspace_has_the_same_ids() -> None:
    """In a shared channel one post comes once for each workspace."""
    ours, theirs = (read_delivery(JSON, event_body(mention(), team_id=team)) for team in ("T0001", "T0002"))
    assert ours == theirs


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (message(user=OUR_USER), "own_post"),
        (message(bot_id="B0001"), "bot_post"),
        (message(subtype="message_changed", hidden=True), "edit"),
        (message(subtype="channel_join"), "subtype"),
        (message() | {"text": "nobody in particular"}, "channel_talk"),
        (message(thread_ts="1700000000.000001") | {"text": "<@U0BOB> you?"}, "to_someone_else"),
    ],
)
def test_what_is_not_for_us_goes_no_further(event: dict[str, Any], reason: str) -> None:
    """The reason is kept for the log."""
    assert read_delivery(JSON, event_body(event)) == Ignore("message", reason)


def test_a_message_that_cannot_be_read_is_queued_under_its_event_id() -> None:
    """Nothing is lost: the worker parks it, and it stands in no thread's way."""
    delivery = read_delivery(JSON, event_body(mention(ts=17), event_id="Ev0815"))
    assert isinstance(delivery, Enqueue)
    assert delivery.group == delivery.deduplication_id == "Ev0815"
    assert delivery.reason.startswith("event.ts: ")


@pytest.mark.parametrize("event_id", [None, "", 17, ["Ev1"]])
def test_a_message_with_nothing_to_go_by_is_queued_under_its_own_text(event_id: Any) -> None:
    """The same body has the same ids, another has others."""
    body, other = (event_body(mention(text, ts=None), event_id=None, event_id_=event_id) for text in "ab")
    delivery = read_delivery(JSON, body)
    assert_fits_sqs(delivery)
    assert delivery == read_delivery(JSON, body)
    assert delivery != read_delivery(JSON, other)


@pytest.mark.parametrize("event_id", HOSTILE_IDS)
def test_an_id_that_sqs_refuses_becomes_one_that_it_takes(event_id: str) -> None:
    """Equal ids stay equal and different ones different."""
    delivery = read_delivery(JSON, event_body(mention(ts=None), event_id=event_id))
    assert_fits_sqs(delivery)
    assert delivery == read_delivery(JSON, event_body(mention("other", ts=None), event_id=event_id))
    assert delivery != read_delivery(JSON, event_body(mention(ts=None), event_id=event_id + "."))


@pytest.mark.parametrize("field", ["channel", "ts", "thread_ts", "user", "text", "subtype", "files", "type"])
@pytest.mark.parametrize("value", [7, [], {}, ["x"], {"x": 1}, True, "\ud800", "x" * 10_000])
def test_a_field_of_any_type_has_an_answer(field: str, value: Any) -> None:
    """A message with one hostile field is queued, ignored or garbage, and nothing is raised."""
    delivery = read_delivery(JSON, event_body(message(**{field: value})))
    assert isinstance(delivery, Enqueue | Ignore | Garbage)
    if isinstance(delivery, Enqueue):
        assert_fits_sqs(delivery)


# Other events


def test_an_event_that_is_listened_to_has_ids_of_its_own() -> None:
    """A press on Stop does not wait behind the answer that it should stop."""
    body = event_body({"type": "agent_session_stopped", "channel": "C0001"}, event_id="Ev42")
    delivery = read_delivery(JSON, body, listened=frozenset({"agent_session_stopped"}))
    assert delivery == Enqueue("agent_session_stopped", "Ev42", "Ev42")


def test_an_event_that_no_one_listens_to_is_ignored() -> None:
    """Slack gets its 200 and the queue nothing."""
    delivery = read_delivery(JSON, event_body({"type": "reaction_added"}))
    assert delivery == Ignore("reaction_added", "not_listened_to")


def test_what_the_log_names_is_short() -> None:
    """A name of any length does not fill the log."""
    delivery = read_delivery(JSON, event_body({"type": "x" * 5000}))
    assert isinstance(delivery, Ignore)
    assert len(delivery.kind) == 64


def test_a_challenge_is_answered_with_itself() -> None:
    """Slack checks an address with a word that it wants back."""
    body = json.dumps({"type": "url_verification", "token": "x", "challenge": "3eZbrw1aBm"})
    assert read_delivery(JSON, body) == Challenge("3eZbrw1aBm")


def test_a_warning_about_the_rate_is_acknowledged() -> None:
    """`app_rate_limited` is no event, and its name is kept for the log."""
    body = json.dumps({"type": "app_rate_limited", "minute_rate_limited": 1518467820})
    assert read_delivery(JSON, body) == Ignore("app_rate_limited", "not_an_event")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "7",
        '"text"',
        "[]",
        "{}",
        TOO_NESTED,
        '{"a":' * 200_000,
        "9" * 10_000,
        '{"type": ["event_callback"]}',
        '{"type": "event_callback"}',
        '{"type": "event_callback", "event": "message"}',
        '{"type": "event_callback", "event": {"type": {}}}',
        '{"type": "url_verification"}',
        '{"type": "url_verification", "challenge": {"a": 1}}',
        "\ufeff{}",
    ],
)
def test_json_that_slack_never_sends_is_garbage(body: str) -> None:
    """Its reason names the place and never repeats the body."""
    delivery = read_delivery(JSON, body)
    assert isinstance(delivery, Garbage)
    assert len(delivery.reason) < 80


# Forms


def test_a_command_has_ids_of_its_own() -> None:
    """The trigger id names one use of a command."""
    delivery = read_delivery(FORM, command_body(trigger_id="1.2.abc"))
    assert delivery == Enqueue("command", "1.2.abc", "1.2.abc")


def test_a_command_without_a_trigger_is_queued_under_its_own_text() -> None:
    """Two commands that differ at all are two jobs."""
    one, other = (read_delivery(FORM, command_body(text, trigger_id="")) for text in ("budget", "report"))
    assert_fits_sqs(one)
    assert one != other


def test_a_press_is_named_by_its_time_and_its_user() -> None:
    """Two people may press the same button at the same moment."""
    delivery = read_delivery(FORM, press_body())
    assert delivery == Enqueue("block_actions", "1700000001.000200:U0ADA", "1700000001.000200:U0ADA")


@pytest.mark.parametrize(
    "fields",
    [
        {"actions": []},
        {"actions": "press"},
        {"actions": [7]},
        {"actions": [{}]},
        {"actions": [{"action_ts": 17}]},
        {"user": None},
        {"user": {}},
        {"user": {"id": "\ud800"}},
    ],
)
def test_a_press_that_does_not_say_when_or_who_is_still_queued(fields: dict[str, Any]) -> None:
    """Its own text is its name."""
    assert_fits_sqs(read_delivery(FORM, press_body(**fields)))


@pytest.mark.parametrize("kind", ["view_submission", "block_suggestion", "shortcut", "message_action", "x"])
def test_other_interactions_are_ignored(kind: str) -> None:
    """There are no modals and no shortcuts."""
    assert read_delivery(FORM, press_body(type=kind)) == Ignore(kind, "not_listened_to")


def test_a_check_of_the_certificate_is_answered() -> None:
    """Slack looks at a command's address from time to time."""
    assert read_delivery(FORM, urlencode({"ssl_check": "1", "token": "x"})) == SslCheck()


def test_of_a_field_that_comes_twice_the_last_counts() -> None:
    """The worker's Bolt reads a form the same way, so both see one command."""
    delivery = read_delivery(FORM, command_body(trigger_id="first") + "&trigger_id=last")
    assert delivery == Enqueue("command", "last", "last")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "&&&",
        "ssl_check=0",
        "payload",
        "payload=",
        "payload=%7B",
        "payload=[]",
        "payload=%7B%22type%22:7%7D",
        "payload=" + TOO_NESTED,
        "command&" * 200,
        '{"type": "event_callback"}',
    ],
)
def test_a_form_that_slack_never_sends_is_garbage(body: str) -> None:
    """Missing and surplus fields alike have an answer."""
    assert isinstance(read_delivery(FORM, body), Garbage)


# Anything at all


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/jsonp", "json", "\ud800", "multipart/form-data"]
)
def test_another_content_type_is_garbage(content_type: str) -> None:
    """Slack sends JSON and forms."""
    assert isinstance(read_delivery(content_type, event_body(mention())), Garbage)


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", " application/json "]
)
def test_a_content_type_may_be_written_in_its_usual_ways(content_type: str) -> None:
    """Case, spaces and parameters do not matter."""
    assert isinstance(read_delivery(content_type, event_body(mention())), Enqueue)


names = st.sampled_from(
    [
        "type",
        "event",
        "event_id",
        "authorizations",
        "user_id",
        "channel",
        "ts",
        "user",
        "text",
        "actions",
        "id",
    ]
) | st.text(max_size=3)
known = st.sampled_from(["event_callback", "message", "app_mention", "block_actions", OUR_USER, "C1", "1.2"])
words = known | st.text(st.characters(), max_size=5) | st.just("\ud800")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=6),
    max_leaves=20,
)


@given(
    body=st.dictionaries(names, values, max_size=6) | values,
    kind=st.sampled_from(["event_callback", "block_actions"]),
)
def test_any_json_has_an_answer(body: Any, kind: str) -> None:
    """Whatever is nested in whatever, nothing is raised and ids fit."""
    text = json.dumps({"type": kind, **body} if isinstance(body, dict) else body)
    for delivery in (read_delivery(JSON, text), read_delivery(FORM, urlencode({"payload": text}))):
        if isinstance(delivery, Enqueue):
            assert_fits_sqs(delivery)


@given(content_type=st.sampled_from([JSON, FORM]) | st.text(max_size=30), text=st.text(max_size=200))
def test_any_text_has_an_answer(content_type: str, text: str) -> None:
    """No text is refused by an exception, and no reason breaks a log line."""
    delivery = read_delivery(content_type, text)
    if isinstance(delivery, Garbage):
        assert re.fullmatch(r"[ -~]+", delivery.reason)
