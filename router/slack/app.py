"""The Bolt app of the worker: Slack's request, verified and queued long before, finds its listener here.

No request is verified again (a late delivery must not be refused), nothing is asked of the network, and a
listener's exception reaches the queue.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from slack_bolt import App, BoltRequest
from slack_bolt.authorization import AuthorizeResult

from router.delivered import Delivered
from router.domain.delivery import MESSAGE_EVENTS
from router.errors import MalformedError

OnEvent = Callable[[dict[str, Any], Delivered], None]

_NO_LISTENER = 404


def build_app(token: str, on_message: OnEvent) -> App:
    """Make the app. `on_message` gets the body of every event that carries a message."""

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

    def listener(body: dict[str, Any], context: dict[str, Any]) -> None:
        on_message(body, context["delivered"])

    for event in sorted(MESSAGE_EVENTS):
        app.event(event)(listener)
    app.error(_let_through)
    return app


def _let_through(error: Exception) -> None:
    """Let the queue know: it delivers again, and parks what never works."""
    raise error


def dispatch(app: App, delivered: Delivered) -> bool:
    """Give a delivered job to its listener; whether there was one.

    Raises what the listener raises, and MalformedError for what no listener can be found for.
    """
    return app.dispatch(_request(delivered)).status != _NO_LISTENER


def _request(delivered: Delivered) -> BoltRequest:
    """Make Bolt's request. It reads fields as it is made, and is not ready for hostile ones."""
    job = delivered.job()
    headers: dict[str, str | Sequence[str]] = {"content-type": [job.content_type]}
    try:
        return BoltRequest(body=job.body, headers=headers, context={"delivered": delivered})
    except Exception as error:
        raise MalformedError("body: has fields that Bolt cannot read") from error
