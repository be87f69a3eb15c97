"""Requests that Slack did not sign, or never sends, are refused and write nothing anywhere."""

from __future__ import annotations

import time
from typing import Any

import pytest

import handler
from playground.slack.request import Outgoing, Purpose
from router.domain.signature import sign
from tests.scenarios.world import World

BODY = '{"type": "event_callback"}'


def _event(body: str, headers: dict[str, str]) -> dict[str, Any]:
    return {
        "requestContext": {"http": {"method": "POST"}},
        "headers": {"content-type": "application/json", **headers},
        "body": body,
    }


def _signed(secret: str, body: str, at: float) -> dict[str, str]:
    stamp = str(int(at))
    return {
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": sign(body.encode(), stamp, secret),
    }


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("none", 401),
        ("wrong", 401),
        ("stale", 401),
        ("future", 401),
        ("garbage", 400),
        ("not an object", 400),
    ],
)
def test_refused_and_nothing_written(world: World, case: str, status: int) -> None:
    """Each is refused with its status, and neither queue nor tables nor Slack see anything."""
    secret, now = world.slack.signing_secret, time.time()
    body = {"garbage": "{not json", "not an object": "[1]"}.get(case, BODY)
    headers = {
        "none": {},
        "wrong": _signed("another secret", body, now),
        "stale": _signed(secret, body, now - 301),
        "future": _signed(secret, body, now + 301),
    }.get(case, _signed(secret, body, now))

    answer = handler.receive(_event(body, headers), None)

    assert answer["statusCode"] == status
    assert world.jobs_left() == 0
    assert world.rows("") == []
    assert world.slack.calls == []


def test_an_address_check_is_answered_only_when_signed(world: World) -> None:
    """`url_verification` gets its challenge back, an unsigned one nothing."""
    outgoing = Outgoing(Purpose.EVENT, {"type": "url_verification", "challenge": "abc"})
    signed = world.slack.sign(outgoing).gateway_event()

    assert handler.receive(signed, None)["body"] == '{"challenge": "abc"}'
    assert handler.receive(signed | {"headers": {}}, None)["statusCode"] == 401
