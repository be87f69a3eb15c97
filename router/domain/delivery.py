"""A delivery: one signed request of Slack's, sorted into what is to be done about it.

Every text has an answer and none raises. Ids are such that SQS takes them, and one post has one id however
often and by whichever event it is delivered. What a job means is left to the worker.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from router.domain.message import NotForUs, read_message
from router.errors import MalformedError

MESSAGE_EVENTS = frozenset({"app_mention", "message"})
"""Events that carry a message; a mention in a channel comes as both."""

STOP_EVENT = "agent_session_stopped"
"""Someone pressed the stop button that is Slack's own: https://docs.slack.dev/ai/agent-sessions."""

HOME_EVENT = "app_home_opened"
"""Someone opened our home or messages tab."""

LISTENED_EVENTS = MESSAGE_EVENTS | {STOP_EVENT, HOME_EVENT}
"""Events that the worker has a listener for; all others are acknowledged and go no further."""

PRESSES = "block_actions"
"""What Slack calls a press on a button or a choice from a menu."""

PAID_ACTIONS = frozenset({"penny_stronger"})
"""Buttons that ask for an answer: it waits for its turn in its thread, as a message would."""

MOST_FIELDS = 100
"""Of a form. Slack's have about a dozen."""

LONGEST_WORD = 64
"""Of what the log names from a body. Slack's own names are far shorter."""

_SQS_ID = re.compile(r"[!-~]{1,128}")
"""Letters, digits and ASCII punctuation, which is all of ASCII that prints but the space:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"""


@dataclass(frozen=True, slots=True)
class Challenge:
    """Slack asks whether this address is ours; `text` goes back to it."""

    text: str


@dataclass(frozen=True, slots=True)
class SslCheck:
    """Slack looks at our certificate and wants no more than an answer."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nothing to do; `kind` and `reason` are for the log."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Enqueue:
    """A job for the worker. Jobs of one group are done in order; of those with one deduplication id, one.

    `reason` is empty unless the job is known to be one that cannot be done: the worker parks it.
    """

    kind: str
    group: str
    deduplication_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Signed, and yet nothing that Slack is known to send."""

    reason: str


Delivery = Challenge | SslCheck | Ignore | Enqueue | Garbage


def read_delivery(content_type: str, text: str, listened: frozenset[str] = LISTENED_EVENTS) -> Delivery:
    """Sort the body of a request by what is to be done about it."""
    media_type = _media_type(content_type)
    if media_type == "application/json":
        return _read_json(text, listened)
    if media_type == "application/x-www-form-urlencoded":
        return _read_form(text)
    return Garbage("content-type: neither JSON nor a form")


def body_of(content_type: str, text: str) -> dict[str, Any]:
    """Read a body that was sorted before: an event, a command, or what a press carries in `payload`.

    Raises MalformedError when it is none of them.
    """
    if _media_type(content_type) == "application/json":
        body = _object(text)
    else:
        form = _form(text)
        body = form if form is None or "payload" not in form else _object(form["payload"])
    if not body:
        raise MalformedError("body: neither an event, nor a command, nor a press")
    return body


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _form(text: str) -> dict[str, Any] | None:
    """Read a form; of fields that come twice the last counts. None when it is none of Slack's."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return None


def _read_json(text: str, listened: frozenset[str]) -> Delivery:
    """Read a request of the Events API."""
    body = _object(text)
    if body is None:
        return Garbage("body: not a JSON object")
    kind = body.get("type")
    if kind == "url_verification":
        challenge = body.get("challenge")
        return Challenge(challenge) if isinstance(challenge, str) else Garbage("challenge: must be a string")
    if kind == "event_callback":
        return _read_event(body, text, listened)
    return Ignore(_word(kind), "not_an_event") if isinstance(kind, str) else Garbage("type: must be a string")


def _read_event(body: dict[str, Any], text: str, listened: frozenset[str]) -> Delivery:
    event = body.get("event")
    kind = event.get("type") if isinstance(event, dict) else None
    if not isinstance(kind, str):
        return Garbage("event.type: must be a string")
    if kind not in listened:
        return Ignore(_word(kind), "not_listened_to")
    if kind in MESSAGE_EVENTS:
        return _read_message_event(kind, body, text)
    return _alone(kind, body.get("event_id"), text)


def _read_message_event(kind: str, body: dict[str, Any], text: str) -> Delivery:
    """Read an event that carries a message: one group a thread, one id a post.

    One that cannot be read is queued all the same, so that it is parked with its reason and not lost.
    """
    try:
        message = read_message(body)
    except MalformedError as error:
        return _alone(kind, body.get("event_id"), text, reason=str(error))
    except TypeError:  # a list or an object where Slack has a word
        return _alone(kind, body.get("event_id"), text, reason="event: a field is of the wrong type")
    if isinstance(message, NotForUs):
        return Ignore(kind, message.value)
    group = f"{message.channel}:{message.thread}"
    return Enqueue(kind, _sqs_id(group), _sqs_id(f"{message.channel}:{message.ts}"))


def _read_form(text: str) -> Delivery:
    """Read a slash command or an interaction."""
    form = _form(text)
    if form is None:
        return Garbage("body: more fields than any form of Slack's")
    if form.get("ssl_check") == "1":
        return SslCheck()
    if "payload" in form:
        return _read_interaction(form["payload"], text)
    if "command" in form:
        return _alone("command", form.get("trigger_id"), text)
    return Garbage("body: neither a command nor an interaction")


def _read_interaction(payload: str, text: str) -> Delivery:
    body = _object(payload)
    kind = body.get("type") if body else None
    if body is None or not isinstance(kind, str):
        return Garbage("payload: not a JSON object with a type")
    if kind != PRESSES:
        return Ignore(_word(kind), "not_listened_to")
    press = _alone(kind, _press(body), text)
    thread = _thread_of_paid(body)
    return replace(press, group=_sqs_id(thread)) if thread else press


def _thread_of_paid(body: dict[str, Any]) -> str:
    """Name the group of the thread in which a press asks for an answer; empty if it asks for none."""
    actions, container = body.get("actions"), body.get("container")
    action = actions[0] if isinstance(actions, list) and actions else None
    if not (isinstance(action, dict) and isinstance(container, dict)):
        return ""
    channel, ts = container.get("channel_id"), container.get("thread_ts")
    is_paid = action.get("action_id") in PAID_ACTIONS
    return f"{channel}:{ts}" if is_paid and isinstance(channel, str) and isinstance(ts, str) else ""


def _press(body: dict[str, Any]) -> str:
    """Name one press of a button: when, and by whom. Empty when the body does not say."""
    actions, user = body.get("actions"), body.get("user")
    action = actions[0] if isinstance(actions, list) and actions else None
    if not (isinstance(action, dict) and isinstance(user, dict)):
        return ""
    pressed_at, presser = action.get("action_ts"), user.get("id")
    return f"{pressed_at}:{presser}" if isinstance(pressed_at, str) and isinstance(presser, str) else ""


def _alone(kind: str, own_id: Any, text: str, reason: str = "") -> Enqueue:
    """Queue a job that waits for no other; a body without an id of its own is its own id."""
    name = _sqs_id(own_id if isinstance(own_id, str) and own_id else text)
    return Enqueue(kind, group=name, deduplication_id=name, reason=reason)


def _sqs_id(name: str) -> str:
    """Make `name` an id that SQS takes; equal names make equal ids."""
    if _SQS_ID.fullmatch(name):
        return name
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # not JSON, a number of thousands of digits, or absurdly nested
        return None
    return value if isinstance(value, dict) else None


def _word(kind: str) -> str:
    return kind[:LONGEST_WORD]
