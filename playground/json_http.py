"""JSON over HTTP: how the playground's own API reads bodies, answers, and refuses.

Every refusal is `{"ok": false, "error": code, "message": plain words}` with a 4xx status.
"""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from playground.slack.refusal import Refused
from playground.slack.workspace import POST_CHARS

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

Json = dict[str, Any]

BODY_BYTES = 20_000_000
"""Ten files of a megabyte each, as base64, and to spare; a bound against nonsense."""

BAD_REQUEST = 400
FORBIDDEN = 403
NOT_FOUND = 404
TOO_LARGE = 413
UNAVAILABLE = 503

REFUSALS: dict[str, tuple[int, str]] = {
    "account_inactive": (FORBIDDEN, "That person's account is deactivated."),
    "body_too_large": (TOO_LARGE, f"The body has more than {BODY_BYTES:,} bytes."),
    "channel_not_found": (NOT_FOUND, "There is no such channel."),
    "event_not_found": (NOT_FOUND, "Nothing was ever delivered about that message."),
    "file_not_found": (NOT_FOUND, "There is no such file."),
    "is_archived": (FORBIDDEN, "That channel is archived."),
    "message_not_found": (NOT_FOUND, "There is no such message."),
    "msg_too_long": (BAD_REQUEST, f"A message has at most {POST_CHARS:,} characters."),
    "no_command_in_thread": (BAD_REQUEST, "Slack has no slash commands inside threads; use the channel."),
    "no_text": (BAD_REQUEST, "A message needs text or a file."),
    "no_such_command": (NOT_FOUND, "There is no such command."),
    "no_such_element": (NOT_FOUND, "There is no such button here any more."),
    "not_found": (NOT_FOUND, "Nothing was published for that home tab."),
    "not_a_person": (FORBIDDEN, "Only people post here, not bots."),
    "not_in_channel": (FORBIDDEN, "That person is not in that channel."),
    "thread_not_found": (NOT_FOUND, "There is no such thread."),
    "user_not_found": (NOT_FOUND, "There is no such person."),
}


def answering(answer: Callable[[Json], Json]) -> Callable[[Request], Any]:
    """Return the endpoint of what is only read; `answer` is given the names in the path."""

    @wraps(answer, assigned=("__doc__",), updated=())
    async def endpoint(request: Request) -> Response:
        return await _answer(answer, dict(request.path_params))

    return endpoint


def taking(act: Callable[[Json], Json]) -> Callable[[Request], Any]:
    """Return the endpoint of what is done; `act` is given the body."""

    @wraps(act, assigned=("__doc__",), updated=())
    async def endpoint(request: Request) -> Response:
        try:
            body = _read(await request.body())
        except Refused as refused:
            return refusal(refused)
        return await _answer(act, body)

    return endpoint


def refusal(refused: Refused) -> Response:
    """Return the response for a refusal."""
    status, words = REFUSALS.get(refused.code, (BAD_REQUEST, refused.code))
    message = " ".join(refused.details) or words
    return JSONResponse({"ok": False, "error": refused.code, "message": message}, status)


async def _answer(answer: Callable[[Json], Json], given: Json) -> Response:
    try:
        return JSONResponse(await run_in_threadpool(answer, given), headers={"Cache-Control": "no-store"})
    except Refused as refused:
        return refusal(refused)


def _read(raw: bytes) -> Json:
    if len(raw) > BODY_BYTES:
        raise Refused("body_too_large")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused("invalid_json", "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise Refused("invalid_json", "The body must be a JSON object.")
    return body


# What a body says


def string(body: Json, name: str, *, optional: bool = False) -> str:
    """Return a string of the body; empty if it is absent and may be."""
    value = body.get(name)
    if value is None and optional:
        return ""
    if not isinstance(value, str):
        raise invalid(f"{name}: must be a string")
    return value


def whole_number(body: Json, name: str, default: int, most: int) -> int:
    """Return a whole number of the body, from 1 on."""
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise invalid(f"{name}: must be a whole number from 1 to {most}")
    return value


def invalid(words: str) -> Refused:
    """Return the refusal of a body in which something is not as it should be."""
    return Refused("invalid_input", words)
