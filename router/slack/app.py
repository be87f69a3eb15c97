"""The Bolt app of the worker: Slack's request, verified and queued long before, finds its listener here.

No request is verified again (a late delivery must not be refused), nothing is asked of the network, and a
listener's exception reaches the queue.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult

from router.delivered import Delivered
from router.domain.delivery import PRESSES, body_of
from router.domain.press import read_press
from router.errors import MalformedError

Body = dict[str, Any]
Listener = Callable[[Body, Delivered], None]

_NO_LISTENER = 404


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who listens to what: events by type, actions by `action_id`, commands by name (with the slash)."""

    events: Mapping[str, Listener] = field(default_factory=dict)
    actions: Mapping[str, Listener] = field(default_factory=dict)
    commands: Mapping[str, Listener] = field(default_factory=dict)


def build_app(token: str, listeners: Listeners) -> App:
    """Make the app; each listener gets the body and the delivery of what it listens to."""

    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    logger = logging.getLogger("penny.bolt")
    logger.setLevel(logging.ERROR)  # it warns, at every start, of a token that is not used here
    app = App(
        name="penny",
        logger=logger,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ignoring_self_events_enabled=False,  # what is ours was filtered, and read_message filters again
        ignoring_self_assistant_message_events_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    for kind, listener in sorted(listeners.events.items()):
        app.event(kind)(_acknowledged(listener))
    for action, listener in listeners.actions.items():
        app.action(action)(_acknowledged(listener))
    for command, listener in listeners.commands.items():
        app.command(command)(_acknowledged(listener))
    app.error(_let_through)
    return app


def _acknowledged(listener: Listener) -> Callable[..., None]:
    """Let Bolt call the listener. Slack has its 200; but without `ack` Bolt says that no one listened."""

    def listen(ack: Callable[[], object], body: Body, context: dict[str, Any]) -> None:
        ack()
        listener(body, context["delivered"])

    return listen


def _let_through(error: Exception) -> None:
    """Let the queue know: it delivers again, and parks what never works."""
    raise error


def dispatch(app: App, delivered: Delivered) -> bool:
    """Give a delivered job to its listener; whether there was one.

    Raises what the listener raises, and MalformedError for what no listener can be found for.
    """
    return app.dispatch(_request(delivered)).status != _NO_LISTENER


def _request(delivered: Delivered) -> BoltRequest:
    """Make Bolt's request out of a body that we read ourselves.

    Bolt's own reading loses every command whose text contains `payload`, and JSON whose content type says
    more than `application/json`; it takes a body that is read only in its socket mode. It reads fields as it
    is made, and is not ready for hostile ones.
    """
    job = delivered.job()
    body = body_of(job.content_type, job.body)
    if body.get("type") == PRESSES:
        read_press(body)
    try:
        return BoltRequest(body=body, mode="socket_mode", context={"delivered": delivered})
    except Exception as error:
        raise MalformedError("body: has fields that Bolt cannot read") from error
