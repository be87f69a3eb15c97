"""API: what the playground's page and outside checks read and do, JSON in and JSON out.

People's text is turned into Slack's form here, as Slack's own client does it: `&`, `<` and `>` escaped,
@names as mentions, a leading slash as a command. How bodies are read and refused is `json_http`'s.
"""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from playground.json_http import UNAVAILABLE, answering, invalid, refusal, string, taking, whole_number
from playground.slack.delivery import view_of_delivery
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

FILES = 10
NAME_CHARS = 255
TIMES = 100
"""The most repetitions of an event that one request may ask for."""

DELIVERIES = 100
"""How many of the latest are told."""

SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Uploads that a browser may show on the page's own address; it is only offered to save the others."""

_COMMAND = re.compile(r"(/[a-z][a-z0-9_-]*)(?:\s+(.*))?", re.DOTALL)
_AT = re.compile(r"(?<![\w@])@([a-z0-9]+)\b", re.IGNORECASE)
_MASS = frozenset({"channel", "here", "everyone"})


def playground_api(
    workspace: Workspace, delivery: Delivery, ledger: Callable[[], Json], ready: Callable[[], str | None]
) -> list[Route]:
    """Return the routes of the page and its API.

    `ledger` returns what `/api/ledger` shows; `ready` what is still being started, None once all is up.
    """
    api = _Api(workspace, delivery, ledger, ready)
    return [
        Route("/api/health", api.health),
        Route("/api/workspace", answering(api.describe)),
        Route("/api/messages", taking(api.post), methods=["POST"]),
        Route("/api/actions", taking(api.press), methods=["POST"]),
        Route("/api/stop", taking(api.stop), methods=["POST"]),
        Route("/api/again", taking(api.deliver_again), methods=["POST"]),
        Route("/api/home", taking(api.open_home), methods=["POST"]),
        Route("/api/home/{user}", answering(api.home)),
        Route("/api/files/{id}", api.file),
        Route("/api/channels/{channel}/messages", answering(api.channel)),
        Route("/api/threads/{channel}/{ts}", answering(api.thread)),
        Route("/api/ledger", answering(api.ledger)),
        Route("/api/deliveries", answering(api.deliveries)),
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
        """Say that all is up (`default_channel`), or with 503 what is still `starting`."""
        starting = await run_in_threadpool(self._ready)
        if starting is not None:
            return JSONResponse({"ok": False, "starting": starting}, UNAVAILABLE)
        return JSONResponse({"ok": True, "default_channel": self._default_channel})

    async def stream(self, _request: Request) -> Response:
        """Follow every change as Server-Sent Events; nothing from before is repeated."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            live_changes(self._workspace), media_type="text/event-stream", headers=headers
        )

    # What is there to see

    def describe(self, _names: Json) -> Json:
        """Describe the workspace: `users`, `channels`, `commands`, `prompts`, and where to start."""
        slack, directory = self._workspace, self._workspace.directory
        return {
            "team": {"id": directory.team.id, "name": directory.team.name},
            "users": [
                _user(user, directory.team.id) for user in directory.users.values() if not user.deleted
            ],
            "channels": [_channel(channel, directory.bot) for channel in directory.channels.values()],
            "bot_user": directory.bot.id,
            "default_channel": self._default_channel,
            "me": ADA.id,
            "commands": list(slack.commands.values()),
            "has_home_tab": slack.has_home_tab,
            "prompts": {channel: slack.prompts[channel] for channel in slack.prompts},
            "first_prompts": slack.first_prompts,
        }

    def channel(self, names: Json) -> Json:
        """Return what a channel shows, oldest first: `messages`, each with `reply_count`."""
        board = self._workspace.board
        with board.lock:
            board.let_time_pass()
            channel = self._workspace.directory.channel(names["channel"])
            return {"messages": [view_of(board.store, one) for one in board.store.in_channel(channel.id)]}

    def thread(self, names: Json) -> Json:
        """Return a thread, root first: `messages`, each with its whole visible `text`."""
        board = self._workspace.board
        with board.lock:
            messages = self._workspace.thread(names["channel"], names["ts"])
            if not messages:
                raise Refused("thread_not_found")
            return {"messages": [view_of(board.store, one) for one in messages]}

    def home(self, names: Json) -> Json:
        """Return the `view` of a person's home tab; null while nothing was published."""
        user = self._workspace.directory.user(names["user"])
        return {"user": user.id, "view": self._workspace.homes.get(user.id)}

    def ledger(self, _names: Json) -> Json:
        """Return `budgets`, `reservations` and the latest `usage` records; amounts are decimal strings."""
        return self._ledger()

    def deliveries(self, _names: Json) -> Json:
        """Return the latest requests that Slack sent to Penny, with their content and what came back."""
        latest = self._delivery.log[-DELIVERIES:]
        return {"deliveries": [view_of_delivery(one) | {"content": one.outgoing.content} for one in latest]}

    async def file(self, request: Request) -> Response:
        """Return an upload; nothing in it may run on the page's address."""
        try:
            upload = self._workspace.files.find(request.path_params["id"])
        except Refused as refused:
            return refusal(refused)
        is_shown = upload.mimetype in SHOWN_INLINE
        headers = {
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": "inline" if is_shown else "attachment",
        }
        kind = upload.mimetype if is_shown else "application/octet-stream"
        return Response(upload.content, media_type=kind, headers=headers)

    # What people do

    def post(self, body: Json) -> Json:
        """Post `text` as `user` into `channel`, a `thread_ts` or none, with `files` (content as base64).

        A leading slash makes it a command.
        """
        user = self._person(body)
        channel = self._workspace.directory.channel(string(body, "channel"))
        text, files = string(body, "text", optional="files" in body), _files(body)
        thread_ts = string(body, "thread_ts", optional=True) or None
        if len(text) > POST_CHARS:
            raise Refused("msg_too_long")
        command = _COMMAND.fullmatch(text)
        if command:
            return self._run(command.group(1), command.group(2) or "", user, channel, thread_ts)
        posted = self._workspace.post_as_user(channel.id, user.id, self._typed(text), thread_ts, files)
        return {"ok": True, "channel": channel.id, "ts": posted}

    def press(self, body: Json) -> Json:
        """Press `action_id` with a `value` in a `message_ts` of a `channel`; without those, at `user`'s home.

        `block_id` and `inputs` may say which block, and what inputs hold.
        """
        user, action_id = self._person(body), string(body, "action_id")
        value = string(body, "value", optional=True)
        how: Json = {
            "block_id": string(body, "block_id", optional=True),
            "inputs": _inputs(body),
            "user": user.id,
        }
        try:
            if "message_ts" in body:
                channel = self._workspace.directory.channel(string(body, "channel"))
                self._workspace.press(channel.id, string(body, "message_ts"), action_id, value, **how)
            else:
                self._workspace.press_home(action_id, value, **how)
        except LookupError:
            raise Refused("no_such_element") from None
        return {"ok": True}

    def open_home(self, body: Json) -> Json:
        """Open the app as `user`, at its `tab` home or messages; the app is told."""
        user, tab = self._person(body), string(body, "tab", optional=True) or "home"
        if tab not in {"home", "messages"}:
            raise invalid("tab: must be home or messages")
        if not self._workspace.directory.has_direct_message(user.id):
            raise Refused("not_in_channel", "That person cannot open Penny: they are of another workspace.")
        self._workspace.open_home(user.id, tab)
        return {"ok": True}

    def stop(self, body: Json) -> Json:
        """Press Slack's own stop in the thread of message `ts`, as `user`."""
        user = self._person(body)
        self._workspace.press_stop(string(body, "ts"), user.id)
        return {"ok": True}

    def deliver_again(self, body: Json) -> Json:
        """Deliver the event of message `ts` (the last one if not given) so many `times` more."""
        times = whole_number(body, "times", 1, TIMES)
        try:
            ts = string(body, "ts") if "ts" in body else self._delivery.last_post()
            self._delivery.deliver_again(ts, times)
        except LookupError:
            raise Refused("event_not_found") from None
        return {"ok": True, "times": times}

    @property
    def _default_channel(self) -> str:
        return self._workspace.directory.direct_message(ADA.id).id

    def _person(self, body: Json) -> User:
        user = self._workspace.directory.user(string(body, "user"))
        if user.is_bot:
            raise Refused("not_a_person")
        return user

    def _run(self, command: str, words: str, user: User, channel: Channel, thread_ts: str | None) -> Json:
        if thread_ts:
            raise Refused("no_command_in_thread")
        if command not in self._workspace.commands:
            raise Refused("no_such_command", f"There is no command {command} here: no app registers it.")
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


def _user(user: User, home_team: str) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "bot": user.is_bot,
        "role": _role(user, home_team),
    }


def _role(user: User, home_team: str) -> str:
    if user.team != home_team:
        return "Slack Connect"
    return "admin" if user.is_admin else "guest" if user.is_guest else ""


def _channel(channel: Channel, bot: User) -> Json:
    talks = channel.kind in {Kind.IM, Kind.MPIM}
    return {
        "id": channel.id,
        "name": channel.name,
        "is_im": channel.kind is Kind.IM,
        "is_private": not channel.is_public,
        "with": sorted(channel.members - {bot.id}) if talks else [],
        "members": sorted(channel.members),
    }


# Bodies


def _files(body: Json) -> list[Json]:
    files = body.get("files") or []
    if not isinstance(files, list) or len(files) > FILES:
        raise invalid(f"files: must be a list of at most {FILES}")
    return [_file(one) for one in files]


def _file(given: Any) -> Json:
    if not isinstance(given, dict):
        raise invalid("files: each must be an object with name and mimetype")
    name, mimetype = string(given, "name"), string(given, "mimetype", optional=True)
    if not name or len(name) > NAME_CHARS or len(mimetype) > NAME_CHARS or "/" in name:
        raise invalid(f"files: names and mimetypes have 1 to {NAME_CHARS} characters, names no slash")
    try:
        content = base64.b64decode(string(given, "content", optional=True), validate=True)
    except (ValueError, binascii.Error):
        raise invalid("files: content must be base64") from None
    return {"name": name, "mimetype": mimetype, "content": content}


def _inputs(body: Json) -> Json:
    """Return what inputs hold, as `{block_id: {action_id: value}}`, all of it strings."""
    inputs = body.get("inputs", {})
    if not isinstance(inputs, dict) or not all(_is_of_strings(held) for held in inputs.values()):
        raise invalid("inputs: must be {block_id: {action_id: value}} with strings as values")
    return inputs


def _is_of_strings(held: Any) -> bool:
    return isinstance(held, dict) and all(isinstance(value, str) for value in held.values())


async def _page_file(request: Request) -> Response:
    name = request.path_params.get("name", "index.html")
    response = await PAGE.get_response(name, request.scope)
    response.headers["Cache-Control"] = "no-cache"
    return response
