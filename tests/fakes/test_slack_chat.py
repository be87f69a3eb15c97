"""chat.*: what may be posted, changed and deleted, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from playground.slack.directory import ADA, GRACE, LINUS, STRANGER
from tests.slack_wire import ADA_DM, ASK_PENNY, GENERAL, GRACE_DM, LEADS, PARTNER, SlackWire, slack_wire

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace in which nobody has to wait a second between two posts."""
    with slack_wire() as wire:
        wire.workspace.limits.enforced = False
        yield wire


def section(text: str = "x") -> dict[str, Any]:
    """Make a section block."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_a_post_is_answered_with_its_message(slack: SlackWire) -> None:
    """It says who posted, as which app."""
    answer = slack.ok("chat.postMessage", channel=GENERAL, text="hello")
    message = answer["message"]
    assert (answer["channel"], message["ts"], message["text"]) == (GENERAL, answer["ts"], "hello")
    assert (message["user"], message["bot_id"], message["app_id"]) == (
        "U0PENNY001",
        "B0PENNY001",
        "A0PENNY001",
    )


def test_a_post_holds_40000_characters_of_text(slack: SlackWire) -> None:
    """One more is too long, and nothing at all is no text."""
    assert slack.ok("chat.postMessage", channel=GENERAL, text="x" * 40_000)
    assert slack.error("chat.postMessage", channel=GENERAL, text="x" * 40_001) == "msg_too_long"
    assert slack.error("chat.postMessage", channel=GENERAL) == "no_text"
    assert slack.error("chat.postMessage", channel=GENERAL, text="", blocks=[]) == "no_text"


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
def test_markdown_text_stands_alone_and_holds_12000_characters(slack: SlackWire, method: str) -> None:
    """Together with text or blocks it is a conflict."""
    where = {"channel": GENERAL}
    if method == "chat.update":
        where["ts"] = slack.ok("chat.postMessage", channel=GENERAL, text="first")["ts"]
    assert slack.error(method, **where, markdown_text="x", text="x") == "markdown_text_conflict"
    assert slack.error(method, **where, markdown_text="x", blocks=[section()]) == "markdown_text_conflict"
    assert slack.error(method, **where, markdown_text="x" * 12_001) == "msg_too_long"
    ts = slack.ok(method, **where, markdown_text="**bold**" + "x" * 11_992)["ts"]
    assert slack.workspace.message(GENERAL, ts).visible_text.startswith("**bold**")


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
def test_markdown_blocks_hold_12000_characters_together(slack: SlackWire, method: str) -> None:
    """Two of 6,001 are too many although each is short enough."""
    where = {"channel": GENERAL}
    if method == "chat.update":
        where["ts"] = slack.ok("chat.postMessage", channel=GENERAL, text="first")["ts"]
    half = {"type": "markdown", "text": "x" * 6_001}
    assert slack.error(method, **where, blocks=[half, half]) == "invalid_blocks"
    assert (
        slack.error(method, **where, blocks=[{"type": "markdown", "text": "x" * 12_001}]) == "invalid_blocks"
    )
    assert slack.ok(method, **where, blocks=[{"type": "markdown", "text": "x" * 12_000}])


def test_an_update_holds_4000_characters_of_text(slack: SlackWire) -> None:
    """A tenth of what a post takes."""
    ts = slack.ok("chat.postMessage", channel=GENERAL, text="x" * 11_800)["ts"]
    assert slack.error("chat.update", channel=GENERAL, ts=ts, text="x" * 4_001) == "msg_too_long"
    assert slack.error("chat.update", channel=GENERAL, ts=ts) == "no_text"
    assert slack.ok("chat.update", channel=GENERAL, ts=ts, text="x" * 4_000)


def test_an_update_replaces_what_people_see(slack: SlackWire) -> None:
    """Text, blocks and what was streamed go; the message counts as edited."""
    ts = slack.start(markdown_text="streamed")
    slack.ok("chat.stopStream", channel=ADA_DM, ts=ts, blocks=[section("below")])
    slack.ok("chat.update", channel=ADA_DM, ts=ts, text="replaced")
    message = slack.workspace.message(ADA_DM, ts)
    assert (message.visible_text, message.shown_blocks) == ("replaced", [])
    assert message.edited is not None


@pytest.mark.parametrize(
    ("method", "refusal"), [("chat.update", "cant_update_message"), ("chat.delete", "cant_delete_message")]
)
def test_only_own_messages_are_changed_and_deleted(slack: SlackWire, method: str, refusal: str) -> None:
    """A person's and another bot's stay as they are."""
    for ts in (slack.ask(GENERAL), slack.workspace.post_as_bot(GENERAL, "deployed")):
        assert slack.error(method, channel=GENERAL, ts=ts, text="x") == refusal
    assert slack.error(method, channel=GENERAL, ts="1700000000.000100", text="x") == "message_not_found"


def test_a_deleted_message_is_gone(slack: SlackWire) -> None:
    """It can neither be deleted again nor updated."""
    ts = slack.ok("chat.postMessage", channel=GENERAL, text="x")["ts"]
    slack.ok("chat.delete", channel=GENERAL, ts=ts)
    assert slack.error("chat.delete", channel=GENERAL, ts=ts) == "message_not_found"
    assert slack.error("chat.update", channel=GENERAL, ts=ts, text="y") == "message_not_found"


@pytest.mark.parametrize(
    ("channel", "refusal"),
    [("", "channel_not_found"), ("C0UNKNOWN1", "channel_not_found"), ("general", "channel_not_found")],
)
def test_channels_are_named_by_id(slack: SlackWire, channel: str, refusal: str) -> None:
    """Names are for people."""
    assert slack.error("chat.postMessage", channel=channel, text="x") == refusal


def test_a_post_to_a_user_goes_to_their_direct_message(slack: SlackWire) -> None:
    """The answer says which channel that is."""
    assert slack.ok("chat.postMessage", channel=GRACE.id, text="x")["channel"] == GRACE_DM
    assert slack.error("chat.postMessage", channel="U0UNKNOWN1", text="x") == "user_not_found"


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.postEphemeral", "chat.startStream"])
def test_posting_needs_a_channel_that_is_open_and_ours(slack: SlackWire, method: str) -> None:
    """Archived, left, or private and left: three refusals."""
    asked = {channel: slack.ask(channel) for channel in (GENERAL, ASK_PENNY, LEADS)}
    more = {"text": "x", "user": ADA.id, "recipient_user_id": ADA.id, "recipient_team_id": "T0PENNY001"}
    slack.workspace.archive(GENERAL)
    slack.workspace.remove_bot(ASK_PENNY)
    slack.workspace.remove_bot(LEADS)
    refusals = [slack.error(method, channel=c, thread_ts=ts, **more) for c, ts in asked.items()]
    assert refusals == ["is_archived", "not_in_channel", "channel_not_found"]


def test_a_message_in_an_archived_channel_cannot_be_updated(slack: SlackWire) -> None:
    """Slack has a word of its own for that."""
    ts = slack.ok("chat.postMessage", channel=GENERAL, text="x")["ts"]
    slack.workspace.archive(GENERAL)
    assert slack.error("chat.update", channel=GENERAL, ts=ts, text="y") == "is_inactive"


def test_a_reply_needs_a_thread(slack: SlackWire) -> None:
    """A reply to a reply goes to its root; where a root was deleted, its thread goes on."""
    root = slack.ask()
    reply = slack.ok("chat.postMessage", channel=ADA_DM, thread_ts=root, text="x")
    nested = slack.ok("chat.postMessage", channel=ADA_DM, thread_ts=reply["ts"], text="y")
    assert nested["message"]["thread_ts"] == root
    unknown = "1700000000.000100"
    assert slack.error("chat.postMessage", channel=ADA_DM, thread_ts=unknown, text="x") == "thread_not_found"
    slack.clock.advance(10)
    slack.workspace.delete_message(ADA_DM, root)
    assert slack.ok("chat.postMessage", channel=ADA_DM, thread_ts=root, text="z")
    lonely = slack.ask()
    slack.workspace.delete_message(ADA_DM, lonely)
    assert slack.error("chat.postMessage", channel=ADA_DM, thread_ts=lonely, text="x") == "thread_not_found"


def test_an_ephemeral_is_seen_by_one_member(slack: SlackWire) -> None:
    """It is no message; who is not in the channel cannot get one."""
    slack.ok("chat.postEphemeral", channel=PARTNER, user=STRANGER.id, text="for you")
    (shown,) = slack.workspace.ephemerals
    assert (shown["channel"], shown["user"], shown["text"]) == (PARTNER, STRANGER.id, "for you")
    assert slack.workspace.thread(PARTNER, "1.1") == []
    assert slack.error("chat.postEphemeral", channel=LEADS, user=LINUS.id, text="x") == "user_not_in_channel"
    assert slack.error("chat.postEphemeral", channel=GENERAL, user="U0UNKNOWN1", text="x") == "user_not_found"
    assert slack.error("chat.postEphemeral", channel=GENERAL, text="x") == "invalid_arguments"
    assert slack.error("chat.postEphemeral", channel=GENERAL, user=ADA.id) == "no_text"


def test_a_permalink_leads_to_a_message(slack: SlackWire) -> None:
    """A reply's names its thread."""
    root = slack.ask(GENERAL)
    reply = slack.ok("chat.postMessage", channel=GENERAL, thread_ts=root, text="x")["ts"]
    link = slack.read("chat.getPermalink", channel=GENERAL, message_ts=reply)["permalink"]
    assert link.endswith(f"/archives/{GENERAL}/p{reply.replace('.', '')}?thread_ts={root}&cid={GENERAL}")
    unknown = slack.read("chat.getPermalink", channel=GENERAL, message_ts="1700000000.000100")
    assert unknown["error"] == "message_not_found"


def test_a_broadcast_reply_shows_in_the_channel_too(slack: SlackWire) -> None:
    """Its subtype says so."""
    root = slack.ask(GENERAL)
    reply = {"channel": GENERAL, "thread_ts": root, "text": "x"}
    posted = slack.ok("chat.postMessage", **reply, reply_broadcast=True)
    assert posted["message"]["subtype"] == "thread_broadcast"
    (event,) = [one for one in slack.events("message") if one["ts"] == posted["ts"]]
    assert event["root"]["ts"] == root
