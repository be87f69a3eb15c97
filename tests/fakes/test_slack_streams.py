"""Streams: what Slack takes, what it refuses, and when a stream is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from playground.slack.directory import ADA, GRACE, PARTNER_TEAM, STRANGER, TEAM
from tests.slack_wire import ADA_DM, ASK_PENNY, LEADS, MENTION, PARTNER, RECIPIENT, SlackWire, slack_wire

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace."""
    with slack_wire() as wire:
        yield wire


def append(slack: SlackWire, ts: str, text: str, channel: str = ADA_DM) -> dict[str, Any]:
    """Append text to a stream."""
    return slack.call("chat.appendStream", channel=channel, ts=ts, markdown_text=text)


def text_of(slack: SlackWire, ts: str, channel: str = ADA_DM) -> str:
    """Return what people see of a message."""
    return slack.workspace.message(channel, ts).visible_text


def test_a_stream_grows_and_ends_with_blocks_below_it(slack: SlackWire) -> None:
    """Start, appends and stop make one message; the blocks of the stop come last."""
    ts = slack.start(markdown_text="One, ")
    assert append(slack, ts, "two, ")["ok"]
    assert slack.workspace.message(ADA_DM, ts).is_streaming
    footer = {"type": "context", "elements": [{"type": "mrkdwn", "text": "a footer"}]}
    stopped = slack.ok("chat.stopStream", channel=ADA_DM, ts=ts, markdown_text="three.", blocks=[footer])
    assert [block["type"] for block in stopped["message"]["blocks"]] == ["markdown", "context"]
    assert text_of(slack, ts) == "One, two, three.\na footer"
    assert not slack.workspace.message(ADA_DM, ts).is_streaming


def test_a_stream_needs_a_channel_and_a_thread(slack: SlackWire) -> None:
    """Without either there is no stream, whatever newer documents say of top-level ones."""
    asked = slack.ask()
    assert slack.error("chat.startStream", thread_ts=asked) == "channel_not_found"
    assert slack.error("chat.startStream", channel=ADA_DM) == "invalid_arguments"
    assert (
        slack.error("chat.startStream", channel=ADA_DM, thread_ts="1700000000.000100") == "thread_not_found"
    )


@pytest.mark.parametrize("channel", [ASK_PENNY, LEADS, PARTNER, "C0GROUPDM1"])
def test_outside_direct_messages_a_stream_names_its_recipient(slack: SlackWire, channel: str) -> None:
    """Both the user and the user's own team are wanted, and they must fit."""
    thread = {"channel": channel, "thread_ts": slack.ask(channel)}
    assert slack.error("chat.startStream", **thread) == "missing_recipient_user_id"
    assert slack.error("chat.startStream", **thread, recipient_user_id=ADA.id) == "missing_recipient_team_id"
    assert slack.error("chat.startStream", **thread, recipient_team_id=TEAM.id) == "missing_recipient_user_id"
    wrong = {"recipient_user_id": STRANGER.id, "recipient_team_id": TEAM.id}
    assert slack.error("chat.startStream", **thread, **wrong) == "user_not_found"
    assert slack.ok("chat.startStream", **thread, **RECIPIENT)


def test_a_recipient_of_a_partner_company_has_a_team_of_its_own(slack: SlackWire) -> None:
    """In a shared channel the recipient's team is not ours."""
    asked = slack.ask(PARTNER, f"{MENTION} hello", "stranger")
    recipient = {"recipient_user_id": STRANGER.id, "recipient_team_id": PARTNER_TEAM.id}
    assert slack.ok("chat.startStream", channel=PARTNER, thread_ts=asked, **recipient)


def test_a_direct_message_needs_no_recipient(slack: SlackWire) -> None:
    """There it is clear who reads along."""
    assert slack.ok("chat.startStream", channel=ADA_DM, thread_ts=slack.ask())


def test_an_append_brings_text_or_chunks_but_not_both(slack: SlackWire) -> None:
    """Neither is refused, and both are."""
    ts = slack.start()
    chunk = {"type": "markdown_text", "text": "x"}
    assert slack.error("chat.appendStream", channel=ADA_DM, ts=ts) == "no_text"
    both = slack.error("chat.appendStream", channel=ADA_DM, ts=ts, markdown_text="x", chunks=[chunk])
    assert both == "cannot_provide_both_markdown_text_and_chunks"
    assert slack.ok("chat.appendStream", channel=ADA_DM, ts=ts, chunks=[chunk])


@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream"])
def test_the_first_content_decides_the_mode(slack: SlackWire, method: str) -> None:
    """A stream of text takes no chunks afterwards, nor the other way round."""
    chunks = [{"type": "markdown_text", "text": "x"}]
    of_text, of_chunks = slack.start(markdown_text="x"), slack.start(chunks=chunks)
    assert slack.error(method, channel=ADA_DM, ts=of_text, chunks=chunks) == "streaming_mode_mismatch"
    assert slack.error(method, channel=ADA_DM, ts=of_chunks, markdown_text="x") == "streaming_mode_mismatch"


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream", "chat.stopStream"])
def test_one_call_brings_at_most_12000_characters(slack: SlackWire, method: str) -> None:
    """One more is msg_too_long, in each of the three calls, as text and as chunks."""
    where = {"channel": ADA_DM, "thread_ts": slack.ask()}
    if method != "chat.startStream":
        where = {"channel": ADA_DM, "ts": slack.start()}
    assert slack.error(method, **where, markdown_text="x" * 12_001) == "msg_too_long"
    halves = [{"type": "markdown_text", "text": "x" * 6_001}] * 2
    assert slack.error(method, **where, chunks=halves) == "msg_too_long"


def test_a_stream_takes_11000_bytes_and_then_nothing_for_ever(slack: SlackWire) -> None:
    """What did not fit is lost, later pieces too; what landed stays, and the stream can be stopped."""
    ts = slack.start(markdown_text="x" * 10_000)
    assert append(slack, ts, "y" * 1_000)["ok"]
    assert append(slack, ts, "z")["error"] == "msg_too_long"
    assert append(slack, ts, "z")["error"] == "msg_too_long"
    assert slack.error("chat.stopStream", channel=ADA_DM, ts=ts, markdown_text="z") == "msg_too_long"
    assert slack.ok("chat.stopStream", channel=ADA_DM, ts=ts)
    assert text_of(slack, ts) == "x" * 10_000 + "y" * 1_000


def test_the_size_of_a_stream_is_counted_in_bytes(slack: SlackWire) -> None:
    """Six thousand umlauts are twelve thousand bytes."""
    ts = slack.start()
    assert append(slack, ts, "ü" * 5_500)["ok"]
    assert append(slack, ts, "ü")["error"] == "msg_too_long"


def test_details_and_output_of_a_task_count_twice(slack: SlackWire) -> None:
    """A task's 5,600 bytes of output fill a stream."""
    task = {"type": "task_update", "id": "t", "title": "Look", "status": "complete", "output": "x" * 5_600}
    ts = slack.start(chunks=[{"type": "markdown_text", "text": "x"}])
    assert slack.error("chat.appendStream", channel=ADA_DM, ts=ts, chunks=[task]) == "msg_too_long"


def test_a_stream_dies_five_minutes_after_its_start(slack: SlackWire) -> None:
    """Activity does not prolong it; the text stays and may be updated from then on."""
    ts = slack.start(markdown_text="kept")
    slack.clock.advance(299)
    assert append(slack, ts, " too")["ok"]
    slack.clock.advance(1)
    assert append(slack, ts, " late")["error"] == "message_not_in_streaming_state"
    assert slack.error("chat.stopStream", channel=ADA_DM, ts=ts) == "message_not_in_streaming_state"
    assert text_of(slack, ts) == "kept too"
    assert slack.ok("chat.update", channel=ADA_DM, ts=ts, markdown_text="kept too, and finished")
    assert text_of(slack, ts) == "kept too, and finished"


def test_a_stopped_stream_takes_no_more(slack: SlackWire) -> None:
    """A second stop is refused like a late append."""
    ts = slack.start()
    slack.ok("chat.stopStream", channel=ADA_DM, ts=ts)
    assert append(slack, ts, "x")["error"] == "message_not_in_streaming_state"
    assert slack.error("chat.stopStream", channel=ADA_DM, ts=ts) == "message_not_in_streaming_state"


def test_a_live_stream_cannot_be_updated(slack: SlackWire) -> None:
    """Edits wait until the stream is over."""
    ts = slack.start(markdown_text="x")
    assert slack.error("chat.update", channel=ADA_DM, ts=ts, text="y") == "streaming_state_conflict"


def test_after_a_press_on_stop_the_next_append_says_so(slack: SlackWire) -> None:
    """The app hears of it twice: by an event, and by the refusal of what it appends."""
    ts = slack.start(markdown_text="so far")
    slack.workspace.press_stop(ts, "ada")
    assert append(slack, ts, "x")["error"] == "stopped_by_user"
    (event,) = slack.events("agent_session_stopped")
    thread = slack.workspace.message(ADA_DM, ts).thread
    assert (event["channel"], event["thread_ts"], event["user"]) == (ADA_DM, thread, ADA.id)
    assert event["streaming_message_ts"] == [ts]
    assert slack.ok("chat.update", channel=ADA_DM, ts=ts, text="so far (stopped)")


def test_only_the_apps_own_streams_can_be_written(slack: SlackWire) -> None:
    """A person's message, an unknown one and a plain post of ours each have their own refusal."""
    asked = slack.ask()
    posted = slack.ok("chat.postMessage", channel=ADA_DM, text="plain")["ts"]
    assert append(slack, asked, "x")["error"] == "message_not_owned_by_app"
    assert append(slack, "1700000000.000100", "x")["error"] == "message_not_found"
    assert append(slack, posted, "x")["error"] == "message_not_in_streaming_state"


def test_a_stream_deleted_under_the_writer_is_not_found(slack: SlackWire) -> None:
    """The next append cannot know that it once was there."""
    ts = slack.start(markdown_text="x")
    slack.workspace.delete_message(ADA_DM, ts)
    assert append(slack, ts, "y")["error"] == "message_not_found"


@pytest.mark.parametrize(
    ("happens", "refusal"), [("archive", "is_archived"), ("remove_bot", "not_in_channel")]
)
def test_a_channel_lost_while_streaming(slack: SlackWire, happens: str, refusal: str) -> None:
    """Archived, or without us: nothing more is taken."""
    ts = slack.start(ASK_PENNY, markdown_text="x")
    getattr(slack.workspace, happens)(ASK_PENNY)
    assert append(slack, ts, "y", ASK_PENNY)["error"] == refusal


def test_a_workspace_without_streams_refuses_every_start(slack: SlackWire) -> None:
    """The app has to post and edit there."""
    slack.workspace.refuse_streams = True
    asked = slack.ask()
    assert slack.error("chat.startStream", channel=ADA_DM, thread_ts=asked) == "channel_type_not_supported"
    assert slack.ok("chat.postMessage", channel=ADA_DM, thread_ts=asked, text="instead")


def test_tasks_change_in_place_and_text_runs_on(slack: SlackWire) -> None:
    """A task is one card however often it is updated; text between cards stays where it came."""
    ts = slack.start(chunks=[{"type": "task_update", "id": "a", "title": "Look", "status": "in_progress"}])
    more = [
        {"type": "markdown_text", "text": "Found "},
        {"type": "task_update", "id": "a", "title": "Looked", "status": "complete"},
        {"type": "markdown_text", "text": "it."},
        {"type": "blocks", "blocks": [{"type": "divider"}]},
    ]
    slack.ok("chat.appendStream", channel=ADA_DM, ts=ts, chunks=more)
    blocks = slack.workspace.message(ADA_DM, ts).shown_blocks
    assert [block["type"] for block in blocks] == ["task_card", "markdown", "divider"]
    assert (blocks[0]["title"], blocks[1]["text"]) == ("Looked", "Found it.")


@pytest.mark.parametrize(
    "chunk",
    [
        "text",
        {"type": "unknown"},
        {"type": "markdown_text"},
        {"type": "task_update", "id": "t", "title": "x" * 257},
        {"type": "task_update", "id": "t", "title": "x", "status": "done"},
        {"type": "plan_update", "title": ""},
    ],
)
def test_malformed_chunks_are_refused(slack: SlackWire, chunk: Any) -> None:
    """Unknown types and missing fields are invalid_chunks."""
    ts = slack.start()
    assert slack.error("chat.appendStream", channel=ADA_DM, ts=ts, chunks=[chunk]) == "invalid_chunks"


def test_a_stream_holds_at_most_fifty_blocks_in_chunks_and_fifty_below(slack: SlackWire) -> None:
    """The two limits are counted apart."""
    dividers = [{"type": "divider"}] * 50
    ts = slack.start(chunks=[{"type": "blocks", "blocks": dividers}])
    one = [{"type": "blocks", "blocks": dividers[:1]}]
    assert slack.error("chat.appendStream", channel=ADA_DM, ts=ts, chunks=one) == "msg_blocks_too_long"
    assert (
        slack.error("chat.stopStream", channel=ADA_DM, ts=ts, blocks=[*dividers, *dividers[:1]])
        == "invalid_blocks"
    )
    assert slack.ok("chat.stopStream", channel=ADA_DM, ts=ts, blocks=dividers)


def test_a_stream_makes_and_ends_an_agent_session(slack: SlackWire) -> None:
    """A start sets the thread to processing, a stop to active or to what it says."""
    ts = slack.start()
    thread = slack.workspace.message(ADA_DM, ts).thread
    assert slack.workspace.sessions[ADA_DM, thread] == "processing"
    wrong = slack.error("chat.stopStream", channel=ADA_DM, ts=ts, session_status="done")
    assert wrong == "invalid_arguments"
    slack.ok("chat.stopStream", channel=ADA_DM, ts=ts, session_status="suspended")
    assert slack.workspace.sessions[ADA_DM, thread] == "suspended"


def test_several_people_may_be_streamed_to_at_once(slack: SlackWire) -> None:
    """Streams do not know of each other, and stopping one thread's leaves the other's."""
    mine, hers = slack.start(), slack.start(ASK_PENNY, recipient_user_id=GRACE.id)
    slack.workspace.press_stop(mine)
    assert append(slack, mine, "x")["error"] == "stopped_by_user"
    assert append(slack, hers, "x", ASK_PENNY)["ok"]


def test_an_unknown_display_mode_is_refused(slack: SlackWire) -> None:
    """There are timeline and plan."""
    where = {"channel": ADA_DM, "thread_ts": slack.ask()}
    assert slack.error("chat.startStream", **where, task_display_mode="table") == "invalid_arguments"
    assert slack.ok("chat.startStream", **where, task_display_mode="plan")
