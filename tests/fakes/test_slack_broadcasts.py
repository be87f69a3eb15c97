"""Broadcasts: which mass mentions by the bot ring, and are recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.slack_wire import ADA_DM, GENERAL, SlackWire, slack_wire

if TYPE_CHECKING:
    from collections.abc import Iterator

RINGING = [
    "<!channel>",
    "<!here>",
    "<!everyone>",
    "<!here|here>",
    "<!subteam^S012AB3CD>",
    "<!subteam^S0|@ops>",
]
SILENT = [
    "&lt;!channel&gt;",
    "<!date^1|{date}|x>",
    "@channel",
    "<@U0ADA00001>",
    "<! channel>",
    "<!chan",
    "nel>",
]


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace."""
    with slack_wire() as wire:
        wire.workspace.limits.enforced = False
        yield wire


def rung(slack: SlackWire) -> list[str]:
    """Return the mentions that rang."""
    return [broadcast.mention for broadcast in slack.workspace.broadcasts]


def blocks_with(words: str) -> list[dict[str, Any]]:
    """Make blocks that say `words` where mentions are live."""
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": words}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": words}]},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": words}]},
        {"type": "markdown", "text": words},
    ]


@pytest.mark.parametrize("words", RINGING)
def test_live_mentions_ring_wherever_they_are_posted(slack: SlackWire, words: str) -> None:
    """As text, as Markdown, in each kind of block."""
    slack.ok("chat.postMessage", channel=GENERAL, text=f"hello {words}!")
    slack.ok("chat.postMessage", channel=GENERAL, markdown_text=f"hello {words}!")
    for block in blocks_with(words):
        slack.ok("chat.postMessage", channel=GENERAL, text="x", blocks=[block])
    assert rung(slack) == [words] * 6


@pytest.mark.parametrize("words", SILENT)
def test_what_is_defused_does_not_ring(slack: SlackWire, words: str) -> None:
    """Escaped, dates, typed words, single people, halves."""
    slack.ok("chat.postMessage", channel=GENERAL, text=words, blocks=blocks_with(words))
    assert rung(slack) == []


def test_plain_text_does_not_ring(slack: SlackWire) -> None:
    """Headers and labels are shown as they stand."""
    text = {"type": "plain_text", "text": "<!channel>"}
    cell = {"type": "raw_text", "text": "<!channel>"}
    blocks = [{"type": "header", "text": text}, {"type": "table", "rows": [[cell]]}]
    slack.ok("chat.postMessage", channel=GENERAL, text="x", blocks=blocks)
    assert rung(slack) == []


def test_rich_text_rings_by_its_elements(slack: SlackWire) -> None:
    """A broadcast and a user group are elements of their own; text is only text."""
    elements = [
        {"type": "text", "text": "<!here>"},
        {"type": "broadcast", "range": "channel"},
        {"type": "usergroup", "usergroup_id": "S1"},
    ]
    section = {"type": "rich_text_section", "elements": elements}
    slack.ok("chat.postMessage", channel=GENERAL, blocks=[{"type": "rich_text", "elements": [section]}])
    assert rung(slack) == ["<!channel>", "<!subteam^S1>"]


def test_a_mention_assembled_by_a_stream_rings_once(slack: SlackWire) -> None:
    """No single piece is live, and what has rung does not ring again with the next piece."""
    ts = slack.start()
    for piece in ("oops <!cha", "nnel", "> sorry", " and more"):
        slack.ok("chat.appendStream", channel=ADA_DM, ts=ts, markdown_text=piece)
    slack.ok("chat.stopStream", channel=ADA_DM, ts=ts)
    (broadcast,) = slack.workspace.broadcasts
    assert (broadcast.channel, broadcast.ts, broadcast.mention) == (ADA_DM, ts, "<!channel>")


def test_an_update_rings_for_what_is_new(slack: SlackWire) -> None:
    """A second mention counts, the first one does not again."""
    ts = slack.ok("chat.postMessage", channel=GENERAL, text="<!here>")["ts"]
    slack.ok("chat.update", channel=GENERAL, ts=ts, text="<!here> <!here> <!everyone>")
    assert sorted(rung(slack)) == ["<!everyone>", "<!here>", "<!here>"]


def test_people_may_ring_and_ephemerals_cannot(slack: SlackWire) -> None:
    """Only the bot's posts are recorded, and what one person sees notifies nobody."""
    slack.ask(GENERAL, "<!channel>")
    slack.workspace.post_as_bot(GENERAL, "<!channel>")
    slack.ok("chat.postEphemeral", channel=GENERAL, user="U0ADA00001", text="<!channel>")
    assert rung(slack) == []
