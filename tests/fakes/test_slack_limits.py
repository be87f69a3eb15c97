"""Rate limits: a tier's calls in a sliding minute, a message a second in a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from playground.clock import ManualClock
from playground.slack.limits import RateLimits
from playground.slack.refusal import RateLimited
from tests.slack_wire import ADA_DM, ASK_PENNY, GENERAL, START, SlackWire, slack_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

TIERS = {
    22: ["chat.startStream", "chat.stopStream", "conversations.list"],
    55: [
        "chat.update",
        "chat.delete",
        "conversations.replies",
        "conversations.history",
        "conversations.info",
        "conversations.open",
        "reactions.add",
        "agents.sessions.setStatus",
    ],
    110: [
        "chat.appendStream",
        "chat.postEphemeral",
        "users.info",
        "views.publish",
        "assistant.threads.setSuggestedPrompts",
    ],
}
"""What each method admits in a minute: its tier and a tenth for bursts."""


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace."""
    with slack_wire() as wire:
        yield wire


@pytest.mark.parametrize(
    ("method", "admitted"), [(method, calls) for calls, methods in TIERS.items() for method in methods]
)
def test_each_method_has_its_tier(method: str, admitted: int) -> None:
    """The first call beyond the tier and its burst waits for the window to slide."""
    clock = ManualClock(START)
    limits = RateLimits(clock)
    for _ in range(admitted):
        limits.admit(method)
    with pytest.raises(RateLimited) as limited:
        limits.admit(method)
    assert limited.value.retry_after_s == 60
    clock.advance(60)
    limits.admit(method)


def test_twenty_streams_a_minute_and_a_few_more(slack: SlackWire) -> None:
    """The 23rd start within a minute is answered 429, with the seconds to wait."""
    asked = slack.ask()
    for _ in range(22):
        slack.ok("chat.startStream", channel=ADA_DM, thread_ts=asked)
    refused = slack.post("chat.startStream", channel=ADA_DM, thread_ts=asked)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert refused.json() == {"ok": False, "error": "ratelimited"}


def test_the_window_slides(slack: SlackWire) -> None:
    """Calls leave it one by one, sixty seconds after they were made."""
    asked = slack.ask()
    for _ in range(22):
        slack.clock.advance(1)
        slack.ok("chat.startStream", channel=ADA_DM, thread_ts=asked)
    refused = slack.post("chat.startStream", channel=ADA_DM, thread_ts=asked)
    assert refused.headers["Retry-After"] == "39"
    slack.clock.advance(39)
    assert slack.ok("chat.startStream", channel=ADA_DM, thread_ts=asked)
    assert slack.error("chat.startStream", channel=ADA_DM, thread_ts=asked) == "ratelimited"


def test_all_streams_share_a_hundred_appends(slack: SlackWire) -> None:
    """The tier is the workspace's, not one for each stream."""
    streams = [slack.start(), slack.start()]
    for number in range(110):
        slack.ok("chat.appendStream", channel=ADA_DM, ts=streams[number % 2], markdown_text="x")
    for ts in streams:
        assert slack.error("chat.appendStream", channel=ADA_DM, ts=ts, markdown_text="x") == "ratelimited"


def test_refused_calls_do_not_count(slack: SlackWire) -> None:
    """Knocking while one should wait does not make the wait longer."""
    for _ in range(55):
        slack.read("conversations.info", channel=GENERAL)
    slack.clock.advance(59)
    for _ in range(10):
        assert slack.read("conversations.info", channel=GENERAL)["error"] == "ratelimited"
    slack.clock.advance(1)
    assert slack.read("conversations.info", channel=GENERAL)["ok"]


def test_a_message_a_second_in_each_channel(slack: SlackWire) -> None:
    """Three may come at once, then one a second; another channel has a second of its own."""
    for _ in range(3):
        slack.ok("chat.postMessage", channel=GENERAL, text="x")
    refused = slack.post("chat.postMessage", channel=GENERAL, text="x")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert slack.ok("chat.postMessage", channel=ASK_PENNY, text="x")
    slack.clock.advance(1)
    assert slack.ok("chat.postMessage", channel=GENERAL, text="x")
    assert slack.error("chat.postMessage", channel=GENERAL, text="x") == "ratelimited"


def test_limits_can_be_lifted(slack: SlackWire) -> None:
    """A test about something else need not wait."""
    slack.workspace.limits.enforced = False
    for _ in range(30):
        slack.ok("chat.postMessage", channel=GENERAL, text="x")
