"""Edits, unfurls, our own posts, other bots, joins and channel talk: 200 to Slack, no answer, no charge."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.world import GENERAL, World


def _edit_mention_in(world: World) -> None:
    ts = world.slack.post_as_user(GENERAL, "ada", "helo")
    world.slack.edit_as_user(GENERAL, ts, f"<@{world.slack.bot_user}> hello")


def _unfurl(world: World) -> None:
    ts = world.slack.post_as_user(GENERAL, "ada", "see https://example.com")
    world.slack.unfurl(GENERAL, ts, "https://example.com")


def _another_bot(world: World) -> None:
    world.slack.post_as_bot(GENERAL, f"<@{world.slack.bot_user}> deployed")


def _join(world: World) -> None:
    world.slack.join(GENERAL, "stranger")


def _talk(world: World) -> None:
    world.slack.post_as_user(GENERAL, "ada", "lunch, anyone?")


@pytest.mark.parametrize("happening", [_edit_mention_in, _unfurl, _another_bot, _join, _talk])
def test_not_for_us(world: World, happening: Callable[[World], None]) -> None:
    """Slack gets its 200, and nothing reaches the queue."""
    happening(world)
    world.delivery.run_due()

    assert {made.status for made in world.delivery.log} == {200}
    assert world.jobs_left() == 0
    assert world.openrouter.calls == []


def test_an_edit_of_an_answered_message_is_not_answered_again(world: World) -> None:
    """Editing the mention after the answer changes nothing."""
    ts = world.say("@penny hello")
    world.work()

    world.slack.edit_as_user(GENERAL, ts, f"<@{world.slack.bot_user}> hello there")
    world.delivery.run_due()
    world.work()

    assert len(world.replies(ts)) == len(world.openrouter.calls) == 1


def test_our_own_answer_is_not_a_question(world: World) -> None:
    """What Penny posts comes back as events, in a direct message too, and goes no further."""
    world.ask("hello", channel="D0ADA00001")
    world.delivery.run_due()

    assert world.jobs_left() == 0
    assert {made.status for made in world.delivery.log} == {200}
    assert len(world.delivery.log) > 1
