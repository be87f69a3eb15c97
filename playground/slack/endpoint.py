"""Endpoint: where the app takes Slack's requests: a URL, or a Lambda function in this very process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from playground.slack.request import SlackRequest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PATIENCE_S = 3.0
"""How long Slack waits for an answer. https://docs.slack.dev/apis/events-api#responding"""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the endpoint answered."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


Send = Callable[[SlackRequest], int | Reply]
"""Brings a request to the app; raises TimeoutError or ConnectionError when there is no answer."""


@contextlib.contextmanager
def endpoint_at(url: str) -> Iterator[Send]:
    """Yield a sender that posts to `url` over kept-alive connections."""
    with httpx.Client(timeout=PATIENCE_S) as client:

        def send(request: SlackRequest) -> Reply:
            try:
                answer = client.post(url, content=request.body.encode(), headers=dict(request.headers))
            except httpx.TimeoutException as late:
                raise TimeoutError(str(late)) from late
            except httpx.TransportError as broken:
                raise ConnectionError(str(broken)) from broken
            return Reply(answer.status_code, dict(answer.headers), answer.text)

        yield send


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What Lambda hands to a function beside the event, as far as anything looks at it."""

    function_name: str = "playground"
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:playground"
    aws_request_id: str = "00000000-0000-4000-8000-000000000000"


def lambda_endpoint(function: Callable[[dict[str, Any], Any], dict[str, Any]]) -> Send:
    """Return a sender that calls a Lambda function as an HTTP API would; what it raises is raised here."""

    def send(request: SlackRequest) -> Reply:
        answer = function(request.gateway_event(), LambdaContext())
        return Reply(int(answer["statusCode"]), answer.get("headers") or {}, answer.get("body") or "")

    return send
