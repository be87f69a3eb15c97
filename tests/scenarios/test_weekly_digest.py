"""Once a week each channel is told what it used: one post, once, whatever fails and whatever runs again."""

from __future__ import annotations

from typing import Any

import pytest

import handler
from playground.slack.message import Message
from playground.workers import Context
from router.errors import SlackUnavailable
from tests.scenarios.world import ADAS_DM, GENERAL, World, journal

RANDOM = "C0RANDOM01"
LEADS = "C0LEADS001"


def run(world: World, seconds: float = 240) -> dict[str, int]:
    """Run the schedule's function."""
    assert world.jobs_left() == 0
    return handler.digest({}, Context(seconds))


def digests(world: World, channel: str = GENERAL) -> list[Message]:
    """Return what Penny posted in a channel outside of threads."""
    posts = world.slack.board.store.in_channel(channel)
    return [post for post in posts if post.author == world.slack.directory.bot and post.is_root]


def row(world: World, channel: str = GENERAL) -> dict[str, Any]:
    """Return the row that guards a channel's digest."""
    (found,) = world.rows(f"digest#{channel}")
    return found


def test_a_channel_is_told_its_week(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """One short post says what was asked, what it cost, what is left and who answered, and costs nothing."""
    world.ask("@penny hello")
    world.ask("@penny hello there")
    calls = len(world.openrouter.calls)
    capsys.readouterr()

    counts = run(world)

    (post,) = digests(world)
    assert "2 answers for $0.0000" in post.visible_text
    assert "This month's budget: $0.0000" in post.visible_text
    assert "of $5.00 spent, $4.99 left until" in post.visible_text
    assert f"{world.records()[0]['model']} (2 answers, $0.0000" in post.visible_text
    assert counts == {"posted": 1}
    (line,) = journal(capsys.readouterr().out)
    assert (line["at"], line["outcome"], line["channel"], line["answers"]) == ("digest", "posted", GENERAL, 2)
    assert len(world.openrouter.calls) == calls
    assert row(world)["phase"] == "posted"
    assert row(world)["ts"] == post.ts
    world.check_books()


def test_the_same_week_again(world: World) -> None:
    """A second run posts nothing, also when the channel has used more since."""
    world.ask("@penny hello")
    run(world)
    world.ask("@penny and now?")

    assert run(world) == {"posted_before": 1}

    assert len(digests(world)) == 1


def test_where_nothing_happened(world: World) -> None:
    """A workspace in which nobody asked hears nothing, and neither does a channel in which nobody asked."""
    assert run(world) == {}
    assert world.slack.calls == []

    world.ask("@penny hello", channel=RANDOM)
    run(world)

    assert len(digests(world, RANDOM)) == 1
    assert digests(world, GENERAL) == []


def test_not_in_direct_messages(world: World) -> None:
    """A direct message has its footers; nobody is written to unasked."""
    world.ask("hello", channel=ADAS_DM)

    assert run(world) == {}

    assert not [call for call in world.slack.calls_of("chat.postMessage") if "thread_ts" not in call.args]


def test_each_channel_has_its_own(world: World) -> None:
    """Channels are told their own figures and nobody else's."""
    world.ask("@penny hello")
    world.ask("@penny hello", channel=LEADS)
    world.ask("@penny hello again", channel=LEADS)

    assert run(world) == {"posted": 2}

    assert "1 answer for" in digests(world)[0].visible_text
    assert "2 answers for" in digests(world, LEADS)[0].visible_text


def test_a_channel_that_refuses(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Where Penny was removed, row and journal say so, the others have theirs, and she tries again."""
    world.ask("@penny hello")
    world.ask("@penny hello", channel=RANDOM)
    world.slack.remove_bot(GENERAL)
    capsys.readouterr()

    assert run(world) == {"refused": 1, "posted": 1}

    refused, _ = sorted(journal(capsys.readouterr().out), key=lambda line: line["channel"])
    assert (refused["outcome"], refused["reason"]) == ("refused", "not_in_channel")
    assert (row(world)["phase"], row(world)["reason"]) == ("refused", "not_in_channel")
    world.slack.add_bot(GENERAL)
    assert run(world) == {"posted": 1, "posted_before": 1}
    assert len(digests(world)) == 1


def test_only_a_few_times(world: World) -> None:
    """A channel that goes on refusing is left alone until next week."""
    world.ask("@penny hello")
    world.slack.remove_bot(GENERAL)

    counts = [run(world) for _ in range(7)]

    assert counts == [{"refused": 1}] * 5 + [{"given_up": 1}] * 2
    assert row(world)["tries"] == 5


def test_slack_is_out_of_reach(world: World) -> None:
    """The run fails, so that Lambda makes another; that one posts what is missing, and nothing twice."""
    world.ask("@penny hello")
    world.ask("@penny hello", channel=RANDOM)
    world.slack.fail_next("chat.postMessage", status=503)

    with pytest.raises(SlackUnavailable, match="1 of 2"):
        run(world)

    assert len(digests(world)) + len(digests(world, RANDOM)) == 1
    assert run(world) == {"posted": 1, "posted_before": 1}
    assert len(digests(world)) == len(digests(world, RANDOM)) == 1


def test_posted_without_our_knowing(world: World) -> None:
    """A post whose answer got lost is found in the channel, and not made again."""
    world.ask("@penny hello")
    world.slack.fail_next("chat.postMessage", cut=True, takes_effect=True)
    with pytest.raises(SlackUnavailable):
        run(world)
    assert row(world)["phase"] == "unreachable"
    world.say("a colleague says something in between")

    assert run(world) == {"posted": 1}

    (post,) = digests(world)
    assert row(world)["ts"] == post.ts


def test_a_run_that_died(world: World) -> None:
    """What a dead run left half done is left alone while it may live, then taken up, and not posted twice."""
    world.ask("@penny hello")
    run(world)
    dead = row(world) | {"phase": "posting"}
    world.state.put(dead)

    with pytest.raises(SlackUnavailable):
        run(world)
    world.state.put(dead, lease_until=1)

    assert run(world) == {"posted": 1}
    assert len(digests(world)) == 1


def test_no_time_is_left(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that Lambda is about to stop begins nothing; the next one does it."""
    world.ask("@penny hello")
    capsys.readouterr()

    with pytest.raises(SlackUnavailable):
        run(world, seconds=10)

    assert journal(capsys.readouterr().out)[-1]["outcome"] == "out_of_time"
    assert digests(world) == []
    assert world.rows("digest#") == []
    assert run(world) == {"posted": 1}


def test_the_operators_token_is_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot work stops the run with the name of what is missing."""
    world.ask("@penny hello")
    monkeypatch.delenv("SLACK_BOT_TOKEN")

    with pytest.raises(Exception, match="SLACK_BOT_TOKEN"):
        run(world)
