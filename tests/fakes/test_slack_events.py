"""Events: what the app is sent when people, other bots and the app itself do something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from playground.slack.directory import ADA, OTHER_BOT, PARTNER_TEAM, PENNY, STRANGER, TEAM
from playground.slack.refusal import Refused
from tests.slack_wire import (
    ADA_DM,
    ASK_PENNY,
    GENERAL,
    LEADS,
    MENTION,
    PARTNER,
    START,
    SlackWire,
    slack_wire,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP_DM = "C0GROUPDM1"


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace."""
    with slack_wire() as wire:
        yield wire


def types(slack: SlackWire) -> list[tuple[str, str | None]]:
    """Return type and subtype of every event that was sent."""
    return [(event["type"], event.get("subtype")) for event in slack.events()]


@pytest.mark.parametrize(
    ("channel", "kind"),
    [(GENERAL, "channel"), (LEADS, "group"), (ADA_DM, "im"), (GROUP_DM, "mpim")],
)
def test_a_post_is_told_with_the_kind_of_its_channel(slack: SlackWire, channel: str, kind: str) -> None:
    """And with team, author, rich text and an id by the client."""
    ts = slack.ask(channel, "a &lt; b")
    (event,) = slack.events("message")
    assert (event["channel"], event["channel_type"], event["ts"]) == (channel, kind, ts)
    assert (event["user"], event["team"], event["event_ts"]) == (ADA.id, TEAM.id, ts)
    assert event["client_msg_id"]
    assert event["blocks"][0]["elements"][0]["elements"] == [{"type": "text", "text": "a < b"}]
    assert "subtype" not in event
    assert "thread_ts" not in event


def test_the_envelope_says_to_whom_the_event_is_visible(slack: SlackWire) -> None:
    """The bot user stands in authorizations; only a Slack Connect channel is externally shared."""
    slack.ask(GENERAL)
    slack.ask(PARTNER)
    ours, shared = (one.content for one in slack.sent)
    assert (ours["type"], ours["team_id"], ours["api_app_id"]) == ("event_callback", TEAM.id, PENNY.app_id)
    assert ours["authorizations"][0]["user_id"] == PENNY.id
    assert (ours["event_time"], ours["enterprise_id"]) == (int(START), None)
    assert ours["event_id"].startswith("Ev")
    assert [one["is_ext_shared_channel"] for one in (ours, shared)] == [False, True]


@pytest.mark.parametrize("channel", [GENERAL, LEADS, GROUP_DM])
def test_a_mention_is_told_twice(slack: SlackWire, channel: str) -> None:
    """Two envelopes with two event ids for one ts; the mention knows neither files nor the channel's kind."""
    ts = slack.workspace.post_as_user(
        channel, "ada", f"{MENTION} look", files=[{"name": "a.pdf", "mimetype": ""}]
    )
    assert types(slack) == [("message", "file_share"), ("app_mention", None)]
    message, mention = slack.events()
    assert message["ts"] == mention["ts"] == ts
    assert "files" in message
    assert not {"files", "channel_type", "subtype"} & set(mention)
    assert slack.sent[0].content["event_id"] != slack.sent[1].content["event_id"]


def test_the_mention_may_come_first(slack: SlackWire) -> None:
    """Slack promises no order."""
    slack.workspace.board.mention_first = True
    slack.ask(GENERAL, f"{MENTION} hello")
    assert [event["type"] for event in slack.events()] == ["app_mention", "message"]


def test_a_mention_in_a_direct_message_is_no_app_mention(slack: SlackWire) -> None:
    """It is addressed to the bot anyway."""
    slack.ask(ADA_DM, f"{MENTION} hello")
    assert types(slack) == [("message", None)]


def test_channels_without_the_bot_are_silent(slack: SlackWire) -> None:
    """Not even a mention is told from there."""
    slack.workspace.remove_bot(GENERAL)
    slack.ask(GENERAL, f"{MENTION} hello")
    assert slack.sent == []
    slack.workspace.add_bot(GENERAL)
    slack.ask(GENERAL)
    assert types(slack) == [("message", None)]


def test_a_reply_names_its_thread(slack: SlackWire) -> None:
    """Root and the root's author are told; a broadcast brings the root along."""
    root = slack.ask(GENERAL)
    slack.workspace.post_as_user(GENERAL, "grace", "reply", root)
    slack.workspace.post_as_user(GENERAL, "grace", "to all", root, broadcast=True)
    _, reply, broadcast = slack.events()
    assert (reply["thread_ts"], reply["parent_user_id"]) == (root, ADA.id)
    assert (broadcast["subtype"], broadcast["root"]["ts"]) == ("thread_broadcast", root)


def test_a_shared_file_has_a_subtype_and_no_client_id(slack: SlackWire) -> None:
    """Text is optional then."""
    slack.workspace.post_as_user(ADA_DM, "ada", "", files=[{"name": "cat.png", "mimetype": "image/png"}])
    (event,) = slack.events()
    assert (event["subtype"], event["text"]) == ("file_share", "")
    assert (event["files"][0]["name"], event["files"][0]["mimetype"]) == ("cat.png", "image/png")
    assert "client_msg_id" not in event


def test_own_posts_come_back(slack: SlackWire) -> None:
    """They carry bot_id, app_id and bot_profile, and mentioning oneself is no mention."""
    slack.ok("chat.postMessage", channel=GENERAL, text=f"{MENTION} is me")
    (event,) = slack.events()
    assert (event["type"], event["user"], event["bot_id"]) == ("message", PENNY.id, PENNY.bot_id)
    assert (event["app_id"], event["bot_profile"]["app_id"]) == (PENNY.app_id, PENNY.app_id)


def test_another_bot_may_mention_us(slack: SlackWire) -> None:
    """Its post says that a bot made it."""
    slack.workspace.post_as_bot(GENERAL, f"{MENTION} deployed")
    assert types(slack) == [("message", None), ("app_mention", None)]
    assert {event["bot_id"] for event in slack.events()} == {OTHER_BOT.bot_id}


def test_a_stranger_belongs_to_another_team(slack: SlackWire) -> None:
    """The envelope is ours, the author is theirs."""
    slack.ask(PARTNER, f"{MENTION} hello", "stranger")
    for event in slack.events():
        assert (event["user"], event["team"], event["user_team"]) == (
            STRANGER.id,
            PARTNER_TEAM.id,
            PARTNER_TEAM.id,
        )
    assert {one.content["team_id"] for one in slack.sent} == {TEAM.id}


def test_an_edit_is_told_as_a_change_and_mentions_again(slack: SlackWire) -> None:
    """The second app_mention has the old ts, a new event id, and says that it was edited."""
    ts = slack.ask(GENERAL, f"{MENTION} why?")
    slack.workspace.edit_as_user(GENERAL, ts, f"{MENTION} why not?")
    assert types(slack)[2:] == [("message", "message_changed"), ("app_mention", None)]
    changed, mention = slack.events()[2:]
    assert (changed["hidden"], changed["channel_type"]) == (True, "channel")
    assert (changed["previous_message"]["text"], changed["message"]["text"]) == (
        f"{MENTION} why?",
        f"{MENTION} why not?",
    )
    assert changed["message"]["edited"]["user"] == ADA.id
    assert (mention["ts"], mention["edited"]["user"]) == (ts, ADA.id)
    assert len({one.content["event_id"] for one in slack.sent}) == 4


def test_an_unfurl_is_a_change_without_an_edit(slack: SlackWire) -> None:
    """It brings attachments and mentions nobody again."""
    ts = slack.ask(GENERAL, f"{MENTION} see <https://example.com>")
    slack.workspace.unfurl(GENERAL, ts, "https://example.com")
    assert types(slack)[2:] == [("message", "message_changed")]
    changed = slack.events()[-1]["message"]
    assert changed["attachments"][0]["from_url"] == "https://example.com"
    assert "edited" not in changed


def test_updates_deletions_and_the_end_of_a_stream_are_told(slack: SlackWire) -> None:
    """Pieces of a stream are not."""
    ts = slack.start()
    for piece in ("a", "b"):
        slack.ok("chat.appendStream", channel=ADA_DM, ts=ts, markdown_text=piece)
    slack.ok("chat.stopStream", channel=ADA_DM, ts=ts)
    slack.ok("chat.update", channel=ADA_DM, ts=ts, text="c")
    slack.ok("chat.delete", channel=ADA_DM, ts=ts)
    assert types(slack) == [
        ("message", None),
        ("message", None),
        ("message", "message_changed"),
        ("message", "message_changed"),
        ("message", "message_deleted"),
    ]
    ended, updated = slack.events()[2:4]
    assert (ended["message"]["text"], ended["message"]["user"]) == ("ab", PENNY.id)
    assert (updated["previous_message"]["text"], updated["message"]["text"]) == ("ab", "c")


def test_an_expired_stream_is_told_once_time_is_looked_at(slack: SlackWire) -> None:
    """Its end is a change like any other."""
    ts = slack.start(markdown_text="x")
    slack.clock.advance(300)
    assert not slack.workspace.message(ADA_DM, ts).is_streaming
    assert types(slack)[-1] == ("message", "message_changed")


def test_a_join_is_a_message_of_its_own_kind(slack: SlackWire) -> None:
    """Also when the bot itself enters, and that is no mention."""
    slack.workspace.remove_bot(ASK_PENNY)
    slack.workspace.join(ASK_PENNY, "penny")
    slack.workspace.join(ASK_PENNY, "stranger")
    assert types(slack) == [("message", "channel_join")] * 2


def test_what_people_cannot_do(slack: SlackWire) -> None:
    """Who is not in a channel, has left the company or finds it archived does not post."""

    def refusal(channel: str, user: str, text: str = "x", **more: Any) -> str:
        with pytest.raises(Refused) as refused:
            slack.workspace.post_as_user(channel, user, text, **more)
        return refused.value.code

    assert refusal(LEADS, "linus") == "not_in_channel"
    assert refusal("nowhere", "ada") == "channel_not_found"
    assert refusal(GENERAL, "nobody") == "user_not_found"
    assert refusal(GENERAL, "ada", "") == "no_text"
    assert refusal(GENERAL, "ada", "x" * 40_001) == "msg_too_long"
    assert refusal(GENERAL, "ada", thread_ts="1700000000.000100") == "thread_not_found"
    slack.workspace.deactivate_user("linus")
    assert refusal(GENERAL, "linus") == "account_inactive"
    slack.workspace.archive(GENERAL)
    assert refusal(GENERAL, "ada") == "is_archived"
    assert slack.sent == []


def test_timestamps_never_repeat(slack: SlackWire) -> None:
    """Messages of the same instant are still in order."""
    ts = [slack.ask(GENERAL) for _ in range(50)]
    assert ts == sorted(set(ts))
