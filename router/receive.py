"""Receive: acknowledge a request of Slack's, after its job is safely on the queue.

Standard library alone, so that a cold start acks long before Slack's three seconds are over. Of a request
that Slack did not sign nothing is looked at or written but one log line. A new signing secret is found by
itself: the first signature that fails for the old one has it read again.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sys
import time
from dataclasses import dataclass

from router.adapters.gateway import Request, Response
from router.adapters.queue import Queue
from router.adapters.secrets import Secrets
from router.adapters.sigv4 import credentials_of
from router.domain.delivery import Challenge, Enqueue, Garbage, Ignore, SslCheck, read_delivery
from router.domain.job import Job
from router.domain.signature import Flaw, find_flaw
from router.errors import MalformedError, QueueUnavailable, SecretsUnavailable, SettingsError
from router.settings import Settings

ACKNOWLEDGED = Response(200)
"""Empty: for a slash command Slack would post any text of ours."""

TRY_AGAIN = Response(503, headers={"retry-after": "1"})
"""Slack delivers an event again at once, after a minute and after five:
https://docs.slack.dev/apis/events-api/#retries"""

RETRY_NUMS = frozenset({"1", "2", "3"})
"""Slack's words for its further deliveries; the first has none."""

OUR_NAME = "-receive"
"""How this function's name ends: all functions load this module, and the others may not read our secret."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended: our response, and words for the log, none of them a person's."""

    name: str
    response: Response
    kind: str = ""
    reason: str = ""
    job: str = ""


def receive(request: Request, settings: Settings, now: float) -> Response:
    """Answer one request (`now` in epoch seconds) and log its outcome.

    200 when it is queued or nothing is to be done, 405 when it is no POST, 401 when Slack did not sign it,
    400 when it did but never sends such, 503 when the queue does not take it, our secret cannot be read or a
    setting is missing.
    """
    began = time.monotonic()
    outcome = _outcome(request, settings, now)
    _log(outcome, took_s=time.monotonic() - began)
    return outcome.response


def get_ready(settings: Settings) -> None:
    """Do ahead of the first request what takes long and can be done without it: a start gets more CPU.

    What is missing or fails now is told to the request that needs it.
    """
    with contextlib.suppress(SettingsError, SecretsUnavailable):
        _queue(settings)
        if settings.aws_lambda_function_name.endswith(OUR_NAME):
            _secrets(settings).get("slack_signing_secret", time.time())


def _outcome(request: Request, settings: Settings, now: float) -> Outcome:
    if request.method != "POST":
        return Outcome("wrong_method", Response(405, headers={"allow": "POST"}))
    try:
        flaw = _find_flaw(request, settings, now)
        if flaw is not None:
            return Outcome("unsigned", Response(401), reason=flaw.value)
        return _take(request, settings, now)
    except SettingsError as error:
        return Outcome("misconfigured", TRY_AGAIN, reason=str(error))
    except SecretsUnavailable as error:
        return Outcome("secrets_unavailable", TRY_AGAIN, reason=str(error))


def _find_flaw(request: Request, settings: Settings, now: float) -> Flaw | None:
    """Find what is wrong with a signature, also by our newest secret when that alone can make it right."""
    timestamp = request.header("x-slack-request-timestamp")
    signature = request.header("x-slack-signature")
    secrets = _secrets(settings)
    secret = secrets.get("slack_signing_secret", now)
    flaw = find_flaw(request.body, timestamp, signature, secret, now)
    if flaw is Flaw.WRONG:
        newest = secrets.renewed("slack_signing_secret", secret, now)
        if newest != secret:
            flaw = find_flaw(request.body, timestamp, signature, newest, now)
    return flaw


def _take(request: Request, settings: Settings, now: float) -> Outcome:
    """Do what a signed request asks for."""
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        return _answer(Garbage("body: not UTF-8"))
    delivery = read_delivery(request.header("content-type"), text)
    if isinstance(delivery, Enqueue):
        return _enqueue(delivery, _job(request, text, now), settings)
    return _answer(delivery)


def _answer(delivery: Challenge | SslCheck | Ignore | Garbage) -> Outcome:
    """Answer what needs no job."""
    match delivery:
        case Challenge(text):
            body = json.dumps({"challenge": text})
            return Outcome("challenged", Response(200, body, {"content-type": "application/json"}))
        case SslCheck():
            return Outcome("ssl_checked", ACKNOWLEDGED)
        case Ignore(kind, reason):
            return Outcome("ignored", ACKNOWLEDGED, kind, reason)
        case Garbage(reason):
            return Outcome("garbage", Response(400), reason=reason)


def _job(request: Request, text: str, now: float) -> Job:
    retry_num = request.header("x-slack-retry-num")
    return Job(
        content_type=request.header("content-type"),
        body=text,
        received_at=now,
        retry_num=int(retry_num) if retry_num in RETRY_NUMS else 0,
    )


def _enqueue(delivery: Enqueue, job: Job, settings: Settings) -> Outcome:
    try:
        job_id = _queue(settings).send(job.to_text(), delivery.group, delivery.deduplication_id)
    except MalformedError as error:
        return Outcome("garbage", Response(400), delivery.kind, str(error))
    except QueueUnavailable as error:
        return Outcome("queue_unavailable", TRY_AGAIN, delivery.kind, str(error))
    return Outcome("queued", ACKNOWLEDGED, delivery.kind, delivery.reason, job_id)


@functools.lru_cache(maxsize=1)
def _secrets(settings: Settings) -> Secrets:
    """Keep our secret; raises SettingsError when there is none: everyone can sign with an empty one."""
    return Secrets(settings, "slack_signing_secret")


@functools.lru_cache(maxsize=1)
def _queue(settings: Settings) -> Queue:
    """Open the queue; other settings (Lambda renews credentials) make another one."""
    keys = ("queue_url", "aws_access_key_id", "aws_secret_access_key")
    settings.require(*keys, *(() if settings.region else ("aws_region",)))
    return Queue(settings.queue_url, settings.region, credentials_of(settings), settings.aws_endpoint_url)


def _log(outcome: Outcome, took_s: float) -> None:
    """Write one line of JSON, by hand: importing `logging` takes longer than all that a request does."""
    line = {
        "at": "receive",
        "outcome": outcome.name,
        "kind": outcome.kind,
        "reason": outcome.reason,
        "job": outcome.job,
        "ms": round(took_s * 1000, 1),
    }
    sys.stdout.write(json.dumps({name: value for name, value in line.items() if value != ""}) + "\n")
    sys.stdout.flush()
