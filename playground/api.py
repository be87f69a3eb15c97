"""API: what the playground's page and outside checks read and do, JSON in and JSON out.

Every refusal is `{"ok": false, "error": code, "message": plain words}` with a 4xx status. People's text is
turned into Slack's form here, as Slack's own client does it: `&`, `<` and `>` escaped, @names as mentions, a
leading slash as a command.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles

from playground.slack.directory import ADA, Kind
from playground.slack.live import live_changes
from playground.slack.refusal import Refused
from playground.slack.view import view_of
from playground.slack.workspace import POST_CHARS

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from playground.slack.delivery import Delivery
    from playground.slack.directory import Channel, User
    from playground.slack.workspace import Workspace

Json = dict[str, Any]

PAGE = StaticFiles(directory=Path(__file__).parent / "page", check_dir=False)
"""The page's files; their names in one another are relative, so they are served at `/` and at `/page/`."""

BODY_BYTES = 1_000_000
"""Far above the longest message; a bound against nonsense."""
FILES = 10
NAME_CHARS = 255
TIMES = 100
"""The most repetitions of an event that one request may ask for."""

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
    "is_archived": (FORBIDDEN, "That channel is archived."),
    "message_not_found": (NOT_FOUND, "There is no such message."),
    "msg_too_long": (BAD_REQUEST, f"A message has at most {POST_CHARS:,} characters."),
    "no_command_in_thread": (BAD_REQUEST, "Slack has no slash commands inside threads; use the channel."),
    "no_text": (BAD_REQUEST, "A message needs text or a file."),
    "no_such_element": (NOT_FOUND, "That message has no such button."),
    "not_a_person": (FORBIDDEN, "Only people post here, not bots."),
    "not_in_channel": (FORBIDDEN, "That person is not in that channel."),
    "thread_not_found": (NOT_FOUND, "There is no such thread."),
    "user_not_found": (NOT_FOUND, "There is no such person."),
}

_COMMAND = re.compile(r"(/[a-z][a-z0-9_-]*)(?:\s+(.*))?", re.DOTALL)
_AT = re.compile(r"(?<![\w@])@([a-z0-9]+)\b", re.IGNORECASE)
_MASS = frozenset({"channel", "here", "everyone"})


def playground_api(
    workspace: Workspace, delivery: Delivery, ledger: Callable[[], Json], ready: Callable[[], str | None]
) -> list[BaseRoute]:
    """Return the routes of the page and its API.

    `ledger` returns what `/api/ledger` shows; `ready` what is still being started, None once all is up.
    """
    api = _Api(workspace, delivery, ledger, ready)
    return [
        Route("/api/health", api.health),
        Route("/api/workspace", _answering(api.describe)),
        Route("/api/messages", _taking(api.post), methods=["POST"]),
        Route("/api/actions", _taking(api.press), methods=["POST"]),
        Route("/api/stop", _taking(api.stop), methods=["POST"]),
        Route("/api/again", _taking(api.deliver_again), methods=["POST"]),
        Route("/api/channels/{channel}/messages", _answering(api.channel)),
        Route("/api/threads/{channel}/{ts}", _answering(api.thread)),
        Route("/api/ledger", _answering(api.ledger)),
        Route("/api/stream", api.stream),
        Route("/", _page_file),
        Route("/page/", _page_file),
        Route("/page/{name}", _page_file),
        Route("/{name}", _page_file),
    ]


class _Api:
    """One method for each address."""

    def __init__(
        self,
        workspace: Workspace,
        delivery: Delivery,
        ledger: Callable[[], Json],
        ready: Callable[[], str | None],
    ) -> None:
        self._workspace = workspace
        self._delivery = delivery
        self._ledger = ledger
        self._ready = ready

    async def health(self, _request: Request) -> Response:
        starting = await run_in_threadpool(self._ready)
        if starting is not None:
            return JSONResponse({"ok": False, "starting": starting}, UNAVAILABLE)
        return JSONResponse({"ok": True, "default_channel": self._default_channel})

    async def stream(self, _request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            live_changes(self._workspace), media_type="text/event-stream", headers=headers
        )

    def describe(self, _names: Json) -> Json:
        directory = self._workspace.directory
        return {
            "team": {"id": directory.team.id, "name": directory.team.name},
            "users": [_user(user) for user in directory.users.values() if not user.deleted],
            "channels": [_channel(channel, directory.bot) for channel in directory.channels.values()],
            "bot_user": directory.bot.id,
            "default_channel": self._default_channel,
            "me": ADA.id,
        }

    def channel(self, names: Json) -> Json:
        board = self._workspace.board
        with board.lock:
            board.let_time_pass()
            channel = self._workspace.directory.channel(names["channel"])
            return {"messages": [view_of(board.store, one) for one in board.store.in_channel(channel.id)]}

    def thread(self, names: Json) -> Json:
        board = self._workspace.board
        with board.lock:
            messages = self._workspace.thread(names["channel"], names["ts"])
            if not messages:
                raise Refused("thread_not_found")
            return {"messages": [view_of(board.store, one) for one in messages]}

    def ledger(self, _names: Json) -> Json:
        return self._ledger()

    def post(self, body: Json) -> Json:
        user = self._person(body)
        channel = self._workspace.directory.channel(_string(body, "channel"))
        text, files = _string(body, "text", optional="files" in body), _files(body)
        thread_ts = _string(body, "thread_ts", optional=True) or None
        if len(text) > POST_CHARS:
            raise Refused("msg_too_long")
        command = _COMMAND.fullmatch(text)
        if command:
            return self._run(command.group(1), command.group(2) or "", user, channel, thread_ts)
        posted = self._workspace.post_as_user(channel.id, user.id, self._typed(text), thread_ts, files)
        return {"ok": True, "channel": channel.id, "ts": posted}

    def press(self, body: Json) -> Json:
        user, channel = self._person(body), self._workspace.directory.channel(_string(body, "channel"))
        ts, action_id = _string(body, "message_ts"), _string(body, "action_id")
        value = _string(body, "value", optional=True)
        try:
            self._workspace.press(channel.id, ts, action_id, value, user=user.id)
        except LookupError:
            raise Refused("no_such_element") from None
        return {"ok": True}

    def stop(self, body: Json) -> Json:
        user = self._person(body)
        self._workspace.press_stop(_string(body, "ts"), user.id)
        return {"ok": True}

    def deliver_again(self, body: Json) -> Json:
        ts, times = _string(body, "ts"), body.get("times", 1)
        if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= TIMES:
            raise _invalid(f"times: must be a whole number from 1 to {TIMES}")
        try:
            self._delivery.deliver_again(ts, times)
        except LookupError:
            raise Refused("event_not_found") from None
        return {"ok": True, "times": times}

    @property
    def _default_channel(self) -> str:
        return self._workspace.directory.direct_message(ADA.id).id

    def _person(self, body: Json) -> User:
        user = self._workspace.directory.user(_string(body, "user"))
        if user.is_bot:
            raise Refused("not_a_person")
        return user

    def _run(self, command: str, words: str, user: User, channel: Channel, thread_ts: str | None) -> Json:
        if thread_ts:
            raise Refused("no_command_in_thread")
        self._workspace.run_command(command, words, user=user.id, channel=channel.id)
        return {"ok": True, "channel": channel.id, "ts": None}

    def _typed(self, text: str) -> str:
        """Return what Slack's client makes of typed text."""
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return _AT.sub(self._mention, escaped)

    def _mention(self, found: re.Match[str]) -> str:
        name = found.group(1).lower()
        if name in _MASS:
            return f"<!{name}>"
        try:
            return f"<@{self._workspace.directory.user(name).id}>"
        except Refused:
            return found.group()


def _user(user: User) -> Json:
    return {"id": user.id, "name": user.name, "real_name": user.real_name, "bot": user.is_bot}


def _channel(channel: Channel, bot: User) -> Json:
    talks = channel.kind in {Kind.IM, Kind.MPIM}
    return {
        "id": channel.id,
        "name": channel.name,
        "is_im": channel.kind is Kind.IM,
        "is_private": not channel.is_public,
        "with": sorted(channel.members - {bot.id}) if talks else [],
    }


# Bodies


def _string(body: Json, name: str, *, optional: bool = False) -> str:
    value = body.get(name)
    if value is None and optional:
        return ""
    if not isinstance(value, str):
        raise _invalid(f"{name}: must be a string")
    return value


def _files(body: Json) -> list[dict[str, str]]:
    files = body.get("files") or []
    if not isinstance(files, list) or len(files) > FILES:
        raise _invalid(f"files: must be a list of at most {FILES}")
    return [_file(one) for one in files]


def _file(given: Any) -> dict[str, str]:
    if not isinstance(given, dict):
        raise _invalid("files: each must be an object with name and mimetype")
    name, mimetype = _string(given, "name"), _string(given, "mimetype", optional=True)
    if not name or len(name) > NAME_CHARS or len(mimetype) > NAME_CHARS:
        raise _invalid(f"files: names and mimetypes have 1 to {NAME_CHARS} characters")
    return {"name": name, "mimetype": mimetype}


def _invalid(words: str) -> Refused:
    return Refused("invalid_input", words)


# HTTP


def _answering(answer: Callable[[Json], Json]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return await _answer(answer, dict(request.path_params))

    return endpoint


def _taking(act: Callable[[Json], Json]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            body = _read(await request.body())
        except Refused as refused:
            return _refusal(refused)
        return await _answer(act, body)

    return endpoint


async def _answer(answer: Callable[[Json], Json], given: Json) -> Response:
    try:
        return JSONResponse(await run_in_threadpool(answer, given), headers={"Cache-Control": "no-store"})
    except Refused as refused:
        return _refusal(refused)


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


def _refusal(refused: Refused) -> Response:
    status, words = REFUSALS.get(refused.code, (BAD_REQUEST, refused.code))
    message = " ".join(refused.details) or words
    return JSONResponse({"ok": False, "error": refused.code, "message": message}, status)


async def _page_file(request: Request) -> Response:
    name = request.path_params.get("name", "index.html")
    response = await PAGE.get_response(name, request.scope)
    response.headers["Cache-Control"] = "no-cache"
    return response
