"""conversations.* and users.info: reading with Slack's order, pages and bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from playground.slack.directory import ADA, GRACE, GUEST, LINUS, PENNY, STRANGER
from tests.slack_wire import (
    ADA_DM,
    ASK_PENNY,
    GENERAL,
    GRACE_DM,
    LEADS,
    PARTNER,
    SlackWire,
    slack_wire,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def slack() -> Iterator[SlackWire]:
    """Serve a workspace."""
    with slack_wire() as wire:
        yield wire


def thread(slack: SlackWire, replies: int, channel: str = GENERAL) -> list[str]:
    """Post a thread; return its ts, root first."""
    root = slack.ask(channel, "root")
    return [root, *(slack.workspace.post_as_user(channel, "grace", f"{n}", root) for n in range(replies))]


def texts(answer: dict[str, Any]) -> list[str]:
    """Return the texts of the messages in an answer."""
    return [message["text"] for message in answer["messages"]]


def test_a_thread_is_read_oldest_first(slack: SlackWire) -> None:
    """The root comes first and counts its replies; a reply names its root and the root's author."""
    ts = thread(slack, 3)
    answer = slack.read("conversations.replies", channel=GENERAL, ts=ts[0])
    assert texts(answer) == ["root", "0", "1", "2"]
    root, reply = answer["messages"][0], answer["messages"][1]
    assert (root["reply_count"], root["latest_reply"], root["thread_ts"]) == (3, ts[3], ts[0])
    assert (reply["thread_ts"], reply["parent_user_id"]) == (ts[0], ADA.id)
    assert answer["has_more"] is False
    assert "response_metadata" not in answer


def test_a_long_thread_comes_in_pages(slack: SlackWire) -> None:
    """The first page is the oldest one; the cursor leads on to the end."""
    ts = thread(slack, 6)
    pages, cursor = [], ""
    for _ in range(4):
        more = {"cursor": cursor} if cursor else {}
        answer = slack.read("conversations.replies", channel=GENERAL, ts=ts[0], limit=3, **more)
        pages.append(texts(answer))
        cursor = answer.get("response_metadata", {}).get("next_cursor", "")
        if not answer["has_more"]:
            break
    assert pages == [["root", "0", "1"], ["2", "3", "4"], ["5"]]


def test_bounds_leave_out_what_is_beyond_them(slack: SlackWire) -> None:
    """They exclude their own moment unless inclusive is set."""
    ts = thread(slack, 3)

    def read(**bounds: Any) -> list[str]:
        return texts(slack.read("conversations.replies", channel=GENERAL, ts=ts[0], **bounds))

    assert read(oldest=ts[1]) == ["1", "2"]
    assert read(oldest=ts[1], inclusive="true") == ["0", "1", "2"]
    assert read(latest=ts[2]) == ["root", "0"]
    assert read(latest=ts[2], inclusive="1", limit=100) == ["root", "0", "1"]


def test_a_reply_asked_for_by_its_ts_comes_alone(slack: SlackWire) -> None:
    """It is not mistaken for a root."""
    ts = thread(slack, 2)
    assert texts(slack.read("conversations.replies", channel=GENERAL, ts=ts[1])) == ["0"]


@pytest.mark.parametrize(
    ("args", "refusal"),
    [
        ({"limit": "1001"}, "invalid_limit"),
        ({"limit": "0"}, "invalid_limit"),
        ({"limit": "many"}, "invalid_arguments"),
        ({"cursor": "?"}, "invalid_cursor"),
        ({"cursor": "bmV4dDox"}, "invalid_cursor"),
        ({"cursor": "MTIz"}, "invalid_cursor"),
        ({"oldest": "yesterday"}, "invalid_ts_oldest"),
        ({"latest": "inf"}, "invalid_ts_latest"),
        ({"ts": "1700000000.000100"}, "thread_not_found"),
        ({"ts": ""}, "invalid_arguments"),
        ({"channel": "C0UNKNOWN1"}, "channel_not_found"),
        ({"channel": ""}, "invalid_arguments"),
    ],
)
def test_malformed_reads_are_refused(slack: SlackWire, args: dict[str, str], refusal: str) -> None:
    """Each with the code of the argument that is wrong."""
    ts = thread(slack, 1)
    asked = {"channel": GENERAL, "ts": ts[0]} | args
    assert slack.read("conversations.replies", **asked)["error"] == refusal


def test_reading_methods_take_no_json(slack: SlackWire) -> None:
    """Arguments in a JSON body are not seen, those of a query are."""
    ts = thread(slack, 1)
    refused = slack.call("conversations.replies", channel=GENERAL, ts=ts[0])
    assert refused["error"] == "invalid_arguments"
    assert "missing required field: channel" in refused["response_metadata"]["messages"][0]
    queried = slack.client.get("/api/conversations.replies", params={"channel": GENERAL, "ts": ts[0]}).json()
    assert texts(queried) == ["root", "0"]


def test_a_channel_is_read_newest_first_without_replies(slack: SlackWire) -> None:
    """What was broadcast from a thread is among it; one message is found by its moment."""
    ts = thread(slack, 2)
    slack.workspace.post_as_user(GENERAL, "linus", "to all", ts[0], broadcast=True)
    last = slack.ask(GENERAL, "last")
    assert texts(slack.read("conversations.history", channel=GENERAL)) == ["last", "to all", "root"]
    one = slack.read("conversations.history", channel=GENERAL, latest=last, inclusive="true", limit=1)
    assert texts(one) == ["last"]
    assert slack.read("conversations.history", channel=GENERAL, limit=1000)["error"] == "invalid_limit"


def test_only_channels_with_the_bot_can_be_read(slack: SlackWire) -> None:
    """A public one says that we are not in it, a private one that there is none."""
    asked, secret = slack.ask(ASK_PENNY), slack.ask(LEADS)
    slack.workspace.remove_bot(ASK_PENNY)
    slack.workspace.remove_bot(LEADS)
    assert slack.read("conversations.replies", channel=ASK_PENNY, ts=asked)["error"] == "not_in_channel"
    assert slack.read("conversations.history", channel=LEADS, ts=secret)["error"] == "channel_not_found"
    assert slack.read("conversations.info", channel=LEADS)["error"] == "channel_not_found"


def test_what_is_known_of_channels(slack: SlackWire) -> None:
    """Kinds, membership and sharing are told."""
    assert slack.read("conversations.info", channel=GENERAL)["channel"]["is_member"] is True
    slack.workspace.remove_bot(GENERAL)
    assert slack.read("conversations.info", channel=GENERAL)["channel"]["is_member"] is False
    dm = slack.read("conversations.info", channel=ADA_DM)["channel"]
    assert (dm["is_im"], dm["user"]) == (True, ADA.id)
    assert slack.read("conversations.info", channel=LEADS)["channel"]["is_private"] is True
    assert slack.read("conversations.info", channel=PARTNER)["channel"]["is_ext_shared"] is True


def test_channels_are_listed_by_type_and_in_pages(slack: SlackWire) -> None:
    """Public ones unless others are asked for; private ones only where we are; archived ones on request."""

    def names(**args: Any) -> list[str]:
        return [one["name"] for one in slack.read("conversations.list", **args)["channels"]]

    slack.workspace.remove_bot(ASK_PENNY)
    slack.workspace.archive("random")
    assert names() == ["general", "ask-penny", "random", "with-partner"]
    assert names(exclude_archived="true") == ["general", "ask-penny", "with-partner"]
    assert names(types="private_channel,mpim") == ["leads", "mpdm-ada--grace--penny-1"]
    slack.workspace.remove_bot(LEADS)
    assert names(types="private_channel") == []
    first = slack.read("conversations.list", limit=3)
    cursor = first["response_metadata"]["next_cursor"]
    assert [one["name"] for one in first["channels"]] == ["general", "ask-penny", "random"]
    assert names(limit=3, cursor=cursor) == ["with-partner"]
    for wrong, refusal in (({"types": "dm"}, "invalid_types"), ({"cursor": "x"}, "invalid_cursor")):
        assert slack.read("conversations.list", **wrong)["error"] == refusal


def test_opening_a_direct_message(slack: SlackWire) -> None:
    """One user's is found again, several users get a group, a leaver gets none."""
    assert slack.ok("conversations.open", users=GRACE.id)["channel"]["id"] == GRACE_DM
    group = slack.ok("conversations.open", users=f"{ADA.id},{LINUS.id}", return_im=True)["channel"]
    assert group["is_mpim"] is True
    assert slack.ok("conversations.open", users=f"{LINUS.id},{ADA.id}")["channel"]["id"] == group["id"]
    assert slack.ok("conversations.open", channel=ADA_DM)["channel"]["id"] == ADA_DM
    slack.workspace.deactivate_user("linus")
    assert slack.error("conversations.open", users=LINUS.id) == "user_disabled"
    assert slack.error("conversations.open", users="U0UNKNOWN1") == "user_not_found"


def test_what_is_known_of_users(slack: SlackWire) -> None:
    """Admins, guests, strangers, bots and leavers can be told apart."""
    slack.workspace.deactivate_user("linus")
    users = {
        user.id: slack.read("users.info", user=user.id)["user"]
        for user in (ADA, GUEST, STRANGER, PENNY, LINUS)
    }
    assert users[ADA.id]["is_admin"]
    assert not users[GUEST.id]["is_admin"]
    assert users[GUEST.id]["is_restricted"]
    assert not users[ADA.id]["is_restricted"]
    assert not users[STRANGER.id]["is_stranger"]
    assert users[STRANGER.id]["team_id"] != users[ADA.id]["team_id"]
    assert users[PENNY.id]["is_bot"]
    assert users[LINUS.id]["deleted"]
    assert slack.read("users.info", user="U0UNKNOWN1")["error"] == "user_not_found"
