"""A channel is found by its name, on whatever page it stands, and nothing odd in the list gets in the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from router.adapters.slack_web import SlackWeb
from router.errors import SlackRateLimited, SlackRefused
from router.slack.channels import find_channel, is_channel_id
from tests.channel_list import TOKEN, ChannelList, channel_list

GENERAL = {"id": "C0GENERAL1", "name": "general"}
LEADS = {"id": "C0LEADS001", "name": "leads", "is_private": True}
CAFE = {"id": "C0CAFE0001", "name": "café-模型"}
OTHERS = [{"id": f"C0OTHER{number:03}", "name": f"other-{number}"} for number in range(5)]


@pytest.fixture
def slack() -> Iterator[ChannelList]:
    """Serve a few channels, two a page."""
    with channel_list(GENERAL, *OTHERS, LEADS, CAFE) as served:
        yield served


def find(slack: ChannelList, name: str) -> str | None:
    """Look for a channel with a client of its own."""
    web = SlackWeb(slack.url, TOKEN)
    try:
        return find_channel(web, name)
    finally:
        web.close()


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("general", GENERAL),
        ("#general", GENERAL),
        ("General", GENERAL),
        ("#leads", LEADS),
        ("café-模型", CAFE),
    ],
)
def test_a_channel_is_found_by_its_name(slack: ChannelList, name: str, channel: dict[str, str]) -> None:
    """With or without #, in any case, public or private, on the first page or the last."""
    assert find(slack, name) == channel["id"]


@pytest.mark.parametrize("name", ["gener", "general2", "", "#", "C0GENERAL1"])
def test_nothing_but_the_whole_name_is_found(slack: ChannelList, name: str) -> None:
    """A part of a name, or an id, names no channel."""
    assert find(slack, name) is None
    assert len(slack.calls) == 4


def test_a_found_channel_ends_the_search(slack: ChannelList) -> None:
    """No page is read that is not needed: Slack allows few calls of this method a minute."""
    find(slack, "general")

    assert len(slack.calls) == 1


@pytest.mark.parametrize(
    "odd", [None, "general", 7, [], {}, {"name": "general"}, {"id": 7, "name": "general"}]
)
def test_odd_entries_are_passed_over(odd: Any) -> None:
    """What is no channel with an id and a name is not found, and does not hide one that is."""
    with channel_list(odd, GENERAL) as slack:
        assert find(slack, "general") == "C0GENERAL1"


@pytest.mark.parametrize(
    "oddly", [{"channels": None}, {"channels": "general"}, {"channels": {}}, {"response_metadata": None}]
)
def test_an_odd_page_holds_nothing(oddly: dict[str, Any]) -> None:
    """A page without a list of channels, or without a word about the next one, is an end, not an error."""
    with channel_list(GENERAL, oddly=oddly) as slack:
        assert find(slack, "nowhere") is None


def test_a_list_that_never_ends_is_left() -> None:
    """When Slack points to a page that was read before, the search ends."""
    with channel_list(GENERAL, LEADS, CAFE, always_goes_on=True) as slack:
        assert find(slack, "nowhere") is None
        assert len(slack.calls) <= 2


def test_a_refusal_says_why() -> None:
    """An app that may not list channels is told so by Slack's own word."""
    with channel_list(GENERAL, refusal="missing_scope") as slack, pytest.raises(SlackRefused) as refused:
        find(slack, "general")

    assert refused.value.code == "missing_scope"


def test_a_rate_limit_is_not_waited_out() -> None:
    """Whoever asked is told how long Slack wants to be left alone."""
    with channel_list(GENERAL, retry_after_s=30) as slack, pytest.raises(SlackRateLimited) as limited:
        find(slack, "general")

    assert limited.value.after_s == 30


@pytest.mark.parametrize("text", ["C024BE91L", "D0ADA00001", "G01ABCDEF"])
def test_an_id_is_recognised(text: str) -> None:
    """Channels, direct messages and old private channels have ids in capitals."""
    assert is_channel_id(text)


@pytest.mark.parametrize("text", ["general", "#C024BE91L", "c024be91l", "U024BE91L", "C1", "C024BE91L\n", ""])
def test_a_name_is_no_id(text: str) -> None:
    """Names are in lower case, and whoever writes # means a name."""
    assert not is_channel_id(text)
