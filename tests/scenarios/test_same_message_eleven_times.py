"""Slack delivers one message eleven times, under as many event ids and as no retry: one answer."""

from __future__ import annotations

import json

from playground.slack.directory import PARTNER_TEAM
from tests.scenarios.world import World, at_once, said

PARTNERS = "C0PARTNER1"
"""A channel that another company shares."""


def test_eleven_deliveries_are_one_answer(world: World) -> None:
    """The queue takes one job of the eleven deliveries."""
    ts = world.say("@penny once, please")
    world.delivery.deliver_again(ts, times=9)
    world.delivery.run_due()
    assert len(world.delivery.log) == 11
    assert len({d.outgoing.content["event_id"] for d in world.delivery.log}) == 11

    world.work()

    assert [said(m) for m in world.replies(ts)] == ["Forty-two."]
    assert len(world.openrouter.calls) == len(world.records()) == 1
    world.check_books()


def test_eleven_jobs_are_one_answer(world: World) -> None:
    """Where the queue lets twins through (they came minutes apart), the claim stops them, also at once."""
    ts = world.say("@penny once, please")
    (record,) = world.receive_jobs()
    twins = [record | {"messageId": f"twin-{n}"} for n in range(11)]

    at_once(*(lambda twin=twin: world.run(twin) for twin in twins))

    assert [said(m) for m in world.replies(ts)] == ["Forty-two."]
    assert len(world.openrouter.calls) == len(world.records()) == 1
    world.check_books()


def test_a_delivery_a_month_of_jobs_later_changes_nothing(world: World) -> None:
    """A further delivery after the answer is a duplicate, whatever its event id."""
    ts = world.say("@penny once, please")
    (record,) = world.receive_jobs()
    world.run(record)
    late = json.loads(record["body"])
    late["body"] = late["body"].replace('"event_id": "Ev', '"event_id": "EvLate')

    assert world.run(record | {"messageId": "late", "body": json.dumps(late)})

    assert len(world.replies(ts)) == len(world.openrouter.calls) == 1


def test_once_for_each_workspace_that_shares_the_channel(world: World) -> None:
    """A shared channel brings one message once for each of its workspaces, under their ids: one answer."""
    ts = world.say("@penny once, please", channel=PARTNERS)
    theirs = {"team_id": PARTNER_TEAM.id, "context_team_id": PARTNER_TEAM.id}
    world.delivery.deliver_again(ts, times=2, envelope=theirs)
    world.delivery.run_due()

    world.work()

    assert [said(m) for m in world.replies(ts, channel=PARTNERS)] == ["Forty-two."]
    assert len(world.openrouter.calls) == len(world.records()) == 1
    world.check_books()
