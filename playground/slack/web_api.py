"""Web API: Slack's methods over HTTP, `/api/<method>`, response URLs, and the files that people uploaded.

A call passes, in this order: the token, the faults that a test asked for, the rate limits, its method. Every
call is recorded in `workspace.calls`. A refusal is a 200 with `ok: false`, a rate limit a 429.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from playground.serving import cut_connection
from playground.slack.arguments import Arguments
from playground.slack.downloads import download_routes
from playground.slack.installation import Call
from playground.slack.methods.table import FORM_ONLY, METHODS, Method
from playground.slack.refusal import RateLimited, Refused
from playground.slack.responses import respond

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from playground.slack.faults import Failure
    from playground.slack.workspace import Workspace

Json = dict[str, Any]

OK = 200
TOO_MANY_REQUESTS = 429
NO_ANSWER = 0
RESPONSE_URL = "response_url"
"""What stands for an answer to a response URL where a test says what shall fail."""

NOT_FOUND = 404
BAD_REQUEST = 400
TOO_LARGE = 413

BODY_BYTES = 1_000_000
"""More than any accepted message needs; Slack says `request_payload_too_large` at some such size."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered; status 0 means that the connection breaks instead."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


def slack_app(workspace: Workspace) -> Starlette:
    """Return the ASGI app that serves the Web API and the response URLs of a workspace."""
    return Starlette(routes=web_api_routes(workspace))


def web_api_routes(workspace: Workspace) -> list[Route]:
    """Return the routes of the Web API, to be put behind those of other apps at the same address."""

    async def call(request: Request) -> Response:
        method = request.path_params["method"]
        try:
            args = await _arguments(request, method)
        except Refused as refused:
            return _response(workspace, _refusal(refused))
        token = _token(request, args)
        answer = await run_in_threadpool(answer_call, workspace, method, token, args)
        if answer.status == NO_ANSWER:
            await cut_connection(dict(request.scope))
        return _response(workspace, answer)

    async def answer_interaction(request: Request) -> Response:
        failure = workspace.faults.take(RESPONSE_URL)
        if failure is not None:
            body = {"ok": False, "error": failure.error}
            return PlainTextResponse(json.dumps(body), failure.status)
        try:
            args = Arguments(await _body(request))
            await run_in_threadpool(respond, workspace, request.path_params["key"], args)
        except Refused as refused:
            gone = refused.code in {"expired_url", "used_url"}
            return PlainTextResponse(refused.code, NOT_FOUND if gone else BAD_REQUEST)
        return PlainTextResponse("ok")

    return [
        Route("/commands/{key}", answer_interaction, methods=["POST"]),
        Route("/actions/{key}", answer_interaction, methods=["POST"]),
        Route("/api/{method}", call, methods=["GET", "POST"]),
        *download_routes(workspace),
    ]


def answer_call(workspace: Workspace, method: str, token: str, args: Json) -> Answer:
    """Answer one call and record it; blocks for as long as the method's latency is set to."""
    time.sleep(workspace.faults.latency_s(method))
    failure = workspace.faults.take(method)
    if failure is not None and not failure.takes_effect:
        answer = _failed(failure)
    else:
        answer = _performed(workspace, method, token, args)
        answer = _failed(failure) if failure is not None else answer
    error = "" if answer.body.get("ok") else str(answer.body.get("error", answer.status))
    with workspace.board.lock:
        workspace.calls.append(Call(method, args, answer.status, error, workspace.clock.now()))
    return answer


def _performed(workspace: Workspace, method: str, token: str, args: Json) -> Answer:
    try:
        _check_token(workspace, token)
        perform = _method(method)
        workspace.limits.admit(method, str(args.get("channel", "")))
        with workspace.board.lock:
            workspace.board.let_time_pass()
            scopes = {"X-OAuth-Scopes": ",".join(sorted(workspace.scopes))}
            return Answer(OK, {"ok": True} | perform(workspace, Arguments(args)), scopes)
    except Refused as refused:
        return _refusal(refused)


def _method(name: str) -> Method:
    if name not in METHODS:
        raise Refused("unknown_method")
    return METHODS[name]


def _check_token(workspace: Workspace, token: str) -> None:
    if not token:
        raise Refused("not_authed")
    if token != workspace.bot_token:
        raise Refused("invalid_auth")
    if workspace.is_token_revoked:
        raise Refused("token_revoked")


def _refusal(refused: Refused) -> Answer:
    body: Json = {"ok": False, "error": refused.code}
    if refused.details:
        body |= {"errors": list(refused.details), "response_metadata": {"messages": list(refused.details)}}
    if isinstance(refused, RateLimited):
        return Answer(TOO_MANY_REQUESTS, body, {"Retry-After": str(refused.retry_after_s)})
    return Answer(TOO_LARGE if refused.code == "request_payload_too_large" else OK, body)


def _failed(failure: Failure) -> Answer:
    if failure.cut:
        return Answer(NO_ANSWER, {})
    if failure.status == TOO_MANY_REQUESTS:
        wait = 1 if failure.retry_after_s is None else failure.retry_after_s
        return Answer(TOO_MANY_REQUESTS, {"ok": False, "error": "ratelimited"}, {"Retry-After": f"{wait:g}"})
    return Answer(failure.status, {"ok": False, "error": failure.error})


def _response(workspace: Workspace, answer: Answer) -> Response:
    if answer.status in {OK, TOO_MANY_REQUESTS, TOO_LARGE}:
        content = json.dumps(answer.body, ensure_ascii=False)
        headers = {"Date": formatdate(workspace.clock.now(), usegmt=True), **answer.headers}
        return Response(content, answer.status, headers, "application/json; charset=utf-8")
    return PlainTextResponse("upstream failure", answer.status or OK)


async def _arguments(request: Request, method: str) -> Json:
    """Read query and body; methods that Slack documents as GET do not look at a JSON body."""
    given: Json = dict(request.query_params)
    if request.method != "POST" or (method in FORM_ONLY and _is_json(request)):
        return given
    return given | await _body(request)


async def _body(request: Request) -> Json:
    raw = await request.body()
    if len(raw) > BODY_BYTES:
        raise Refused("request_payload_too_large")
    if not raw:
        return {}
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Refused("invalid_charset") from None
    if not _is_json(request):
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("invalid_json") from None
    if not isinstance(body, dict):
        raise Refused("json_not_object")
    return body


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("application/json")


def _token(request: Request, args: Json) -> str:
    """Take the token out of the call, so that the record of calls does not hold it."""
    in_args = str(args.pop("token", ""))
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else in_args
