"""Delivery: signatures, patience, the retry schedule, and what a test can do with it by hand."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from playground.clock import ManualClock, SystemClock
from playground.serving import serve
from playground.slack.delivery import Delivery
from playground.slack.endpoint import Reply, endpoint_at, lambda_endpoint
from playground.slack.installation import SIGNING_SECRET
from playground.slack.workspace import Workspace
from tests.slack_wire import ADA_DM, GENERAL, MENTION, START

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from playground.slack.request import SlackRequest

BREAK = 502


class App:
    """An app's endpoint that notes what it gets and answers as it is told."""

    def __init__(self, *answers: Any) -> None:
        self.got: list[SlackRequest] = []
        self._answers = list(answers)
        self._lock = threading.Lock()

    def __call__(self, request: SlackRequest) -> int | Reply:
        """Take a request; an exception among the answers is raised."""
        with self._lock:
            self.got.append(request)
            answer = self._answers.pop(0) if self._answers else 200
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, int | Reply)
        return answer

    @property
    def events(self) -> list[dict[str, Any]]:
        """The envelopes that arrived."""
        return [json.loads(request.body) for request in self.got]

    @property
    def retries(self) -> list[tuple[str | None, str | None]]:
        """Number and reason of each delivery's retry headers."""
        names = ("X-Slack-Retry-Num", "X-Slack-Retry-Reason")
        return [(one.headers.get(names[0]), one.headers.get(names[1])) for one in self.got]


def set_up(app: Callable[[SlackRequest], int | Reply], **how: Any) -> tuple[Workspace, Delivery, ManualClock]:
    """Make a workspace whose events reach `app`."""
    clock = ManualClock(START)
    workspace = Workspace(clock)
    return workspace, Delivery(workspace, app, clock, **how), clock


def test_every_request_is_signed() -> None:
    """The signature is Slack's: v0, timestamp and body under the signing secret."""
    app = App()
    workspace, delivery, _ = set_up(app)
    workspace.post_as_user(ADA_DM, "ada", "grüße")
    workspace.run_command("/penny", "help")
    delivery.run_due()
    for request in app.got:
        timestamp = request.headers["X-Slack-Request-Timestamp"]
        base = f"v0:{timestamp}:{request.body}".encode()
        digest = hmac.new(SIGNING_SECRET.encode(), base, hashlib.sha256).hexdigest()
        assert (timestamp, request.headers["X-Slack-Signature"]) == (str(int(START)), f"v0={digest}")
    kinds = [request.headers["Content-Type"] for request in app.got]
    assert sorted(kinds) == ["application/json", "application/x-www-form-urlencoded"]


def test_a_success_ends_it() -> None:
    """Any 2xx is one, and there is no retry header on a first delivery."""
    app = App(204)
    workspace, delivery, clock = set_up(app)
    workspace.post_as_user(ADA_DM, "ada", "x")
    assert (delivery.run_due(), delivery.pending, app.retries) == (1, (), [(None, None)])
    clock.advance(3600)
    assert delivery.run_due() == 0


def test_a_failing_app_is_tried_four_times() -> None:
    """At once, after a minute, after five more; then Slack gives up."""
    app = App(*[500] * 9)
    workspace, delivery, clock = set_up(app)
    workspace.post_as_user(ADA_DM, "ada", "x")
    made = [delivery.run_due()]
    for seconds in (59, 1, 299, 1, 100_000):
        clock.advance(seconds)
        made.append(delivery.run_due())
    assert made == [2, 0, 1, 0, 1, 0]
    assert app.retries == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
    assert len({event["event_id"] for event in app.events}) == 1


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (TimeoutError(), "http_timeout"),
        (ConnectionError(), "connection_failed"),
        (302, "http_error"),
        (404, "http_error"),
        (BREAK, "http_error"),
    ],
)
def test_what_counts_as_a_failure(failure: Any, reason: str) -> None:
    """The retry says why; it succeeds here, and then it is over."""
    app = App(failure)
    workspace, delivery, _ = set_up(app)
    workspace.post_as_user(ADA_DM, "ada", "x")
    assert delivery.run_due() == 2
    assert app.retries == [(None, None), ("1", reason)]
    assert [one.failure for one in delivery.log] == [reason, ""]


def test_an_answer_after_three_seconds_is_too_late() -> None:
    """Even a 200."""
    clock = ManualClock(START)
    workspace = Workspace(clock)
    slow = [3.1, 0.0]

    def app(_request: SlackRequest) -> int:
        clock.advance(slow.pop(0))
        return 200

    delivery = Delivery(workspace, app, clock)
    workspace.post_as_user(ADA_DM, "ada", "x")
    assert delivery.run_due() == 2
    assert [one.failure for one in delivery.log] == ["http_timeout", ""]


def test_an_app_may_ask_not_to_be_tried_again() -> None:
    """That works for a refusal in time, not for one that comes too late."""
    clock = ManualClock(START)
    workspace = Workspace(clock)
    delays = [0.0, 3.1, 0.0]

    def app(_request: SlackRequest) -> Reply:
        clock.advance(delays.pop(0))
        return Reply(500 if delays else 200, {"X-Slack-No-Retry": "1"})

    delivery = Delivery(workspace, app, clock)
    workspace.post_as_user(ADA_DM, "ada", "x")
    assert delivery.run_due() == 1
    workspace.post_as_user(ADA_DM, "ada", "y")
    assert delivery.run_due() == 2
    assert [one.failure for one in delivery.log] == ["http_error", "http_timeout", ""]


def test_commands_and_presses_are_never_tried_again() -> None:
    """The person is told instead, with the reason."""
    app = App(500, TimeoutError(), Reply(200, {}, "at once"), 200)
    workspace, delivery, _ = set_up(app, at_once=1)
    for _ in range(4):
        workspace.run_command("/penny", "help", user="grace")
    assert delivery.run_due() == 4
    assert [shown["text"] for shown in workspace.ephemerals] == [
        "/penny failed with the error “dispatch_failed”",
        "/penny failed with the error “operation_timeout”",
        "at once",
    ]
    assert delivery.pending == ()


def test_deliveries_run_side_by_side() -> None:
    """One slow answer does not hold the next event up."""
    together = threading.Barrier(3, timeout=5)

    def app(_request: SlackRequest) -> int:
        together.wait()
        return 200

    workspace, delivery, _ = set_up(app)
    for number in range(3):
        workspace.post_as_user(ADA_DM, "ada", str(number))
    assert delivery.run_due() == 3


def test_one_at_a_time_keeps_the_order() -> None:
    """Events start in the order in which things happened."""
    app = App()
    workspace, delivery, _ = set_up(app, at_once=1)
    for number in range(5):
        workspace.post_as_user(ADA_DM, "ada", str(number))
    delivery.run_due()
    assert [event["event"]["text"] for event in app.events] == list("01234")


def test_a_paused_delivery_is_made_by_hand() -> None:
    """Requests gather; a test delivers, drops or reorders them."""
    app = App(500)
    workspace, delivery, _ = set_up(app, paused=True)
    for text in ("one", "two", "three"):
        workspace.post_as_user(ADA_DM, "ada", text)
    assert delivery.run_due() == 0
    one, two, three = delivery.pending
    delivery.drop(one)
    assert delivery.deliver(three).failure == "http_error"
    assert delivery.deliver(two).failure == ""
    assert [event["event"]["text"] for event in app.events] == ["three", "two"]
    (retry,) = delivery.pending
    assert (retry.number, retry.reason, retry.outgoing) == (1, "http_error", three.outgoing)
    delivery.resume()
    assert delivery.run_due() == 1


def test_the_same_message_eleven_times() -> None:
    """Each copy has an event id of its own and is no retry; a mention's twins take turns."""
    app = App()
    workspace, delivery, _ = set_up(app, at_once=1)
    ts = workspace.post_as_user(GENERAL, "ada", f"{MENTION} hello")
    delivery.run_due()
    workspace.edit_as_user(GENERAL, ts, "hello")
    delivery.run_due()
    before = len(app.got)
    delivery.deliver_again(ts, times=10, envelope={"team_id": "T0PARTNER1"})
    assert delivery.run_due() == 10
    copies = app.events[before:]
    assert len({event["event_id"] for event in app.events}) == len(app.events)
    assert {event["team_id"] for event in copies} == {"T0PARTNER1"}
    assert [event["event"]["type"] for event in copies[:4]] == ["message", "app_mention"] * 2
    assert {event["event"]["ts"] for event in copies} == {ts}
    assert app.retries == [(None, None)] * len(app.got)
    with pytest.raises(LookupError):
        delivery.deliver_again("1700000000.000100")


def test_a_lambda_gets_the_request_as_a_gateway_hands_it_over() -> None:
    """Headers in lower case, the body as text, and its answer is read back."""
    got: list[dict[str, Any]] = []

    def receive(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        got.append(event)
        return {"statusCode": 503, "headers": {"X-Slack-No-Retry": "1"}}

    workspace, delivery, _ = set_up(lambda_endpoint(receive))
    workspace.post_as_user(ADA_DM, "ada", "x")
    delivery.run_due()
    (event,) = got
    assert event["requestContext"]["http"]["method"] == "POST"
    assert "x-slack-signature" in event["headers"]
    assert json.loads(event["body"])["event"]["text"] == "x"
    assert (event["isBase64Encoded"], event["version"]) == (False, "2.0")
    assert delivery.pending == ()


def test_requests_go_out_over_http() -> None:
    """Body and headers arrive as they were signed; an address without an app is a failed connection."""
    got: list[tuple[str, bytes]] = []

    async def take(request: Request) -> Response:
        got.append((request.headers["x-slack-signature"], await request.body()))
        return Response(status_code=200)

    app = Starlette(routes=[Route("/slack/events", take, methods=["POST"])])
    with serve(app) as served, endpoint_at(f"{served.url}/slack/events") as send:
        workspace, delivery, _ = set_up(send)
        workspace.post_as_user(ADA_DM, "ada", "grüße")
        delivery.run_due()
        nobody = served.url
    assert [one.status for one in delivery.log] == [200]
    assert json.loads(got[0][1])["event"]["text"] == "grüße"
    with endpoint_at(nobody) as send:
        workspace, delivery, _ = set_up(send)
        workspace.post_as_user(ADA_DM, "ada", "x")
        delivery.run_due()
    assert {one.failure for one in delivery.log} == {"connection_failed"}


def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds, or fail after five seconds."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def test_with_the_systems_clock_a_thread_delivers() -> None:
    """Nobody has to call anything; a pause holds it, and leaving the block ends it."""
    app = App(500)
    clock = SystemClock()
    workspace = Workspace(clock)
    threads = threading.active_count()
    with Delivery(workspace, app, clock) as delivery:
        workspace.post_as_user(ADA_DM, "ada", "x")
        until(lambda: len(app.got) == 2)
        delivery.paused = True
        workspace.post_as_user(ADA_DM, "ada", "y")
        time.sleep(0.05)
        assert len(app.got) == 2
        delivery.resume()
        until(lambda: len(app.got) == 3)
    assert threading.active_count() == threads


def test_the_thread_survives_an_app_that_breaks() -> None:
    """What an endpoint raises unexpectedly does not stop the deliveries after it."""
    app = App(RuntimeError("a bug in the endpoint"))
    clock = SystemClock()
    workspace = Workspace(clock)
    with contextlib.ExitStack() as stack:
        stack.enter_context(Delivery(workspace, app, clock))
        for text in ("x", "y"):
            workspace.post_as_user(ADA_DM, "ada", text)
        until(lambda: len(app.got) == 2)
