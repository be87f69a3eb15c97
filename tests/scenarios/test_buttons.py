"""Under an answer: thumbs that count once, a stronger model at a price that is kept, and why this model."""

from __future__ import annotations

import itertools
import json
import re
from decimal import Decimal
from typing import Any

import pytest

from playground.openrouter import traps
from playground.slack.message import Message
from router.slack.blocks import FEEDBACK, MORE, STRONGER
from tests.scenarios.conftest import BY_BANDS, Configure
from tests.scenarios.world import GENERAL, World, at_once, footer_of, journal, label_of, said, values_of

GRACE = "U0GRACE001"


def thumbs(world: World) -> list[tuple[int, int]]:
    """Return how often answers were called good and bad, by each rollup that counts it."""
    rows = [row for row in world.rows("rollup#") if row["sk"].startswith(("total#", "model#"))]
    return [(int(row.get("good", 0)), int(row.get("bad", 0))) for row in rows]


def test_a_thumb_counts_once_for_the_model(world: World) -> None:
    """Pressed twice it counts once; who changes their mind moves their vote; others have their own."""
    (reply,) = world.ask("@penny hello")

    for which, user in ((0, "ada"), (0, "ada"), (1, "grace"), (1, "ada")):
        world.press(reply, FEEDBACK, which, user=user)
        world.work()

    assert thumbs(world) == [(0, 2), (0, 2)]
    assert [words.split(",")[0].split(":")[0] for words in world.whispers()] == ["Thank you"] * 3
    assert "changed" in world.whispers()[-1]
    world.check_books()


def test_a_thumb_before_the_bill(world: World) -> None:
    """A rating does not wait for the cost to be known, and the books agree afterwards."""
    world.openrouter.script(traps.no_usage())
    (reply,) = world.ask("@penny hello")

    world.press(reply, FEEDBACK)
    world.work()

    assert thumbs(world) == [(1, 0), (1, 0)]
    assert len(world.open_reservations()) == 1


def test_a_stronger_model_at_the_price_on_the_button(world: World, configure: Configure) -> None:
    """The next tier up answers the same question below, for whoever pressed, for no more than it said."""
    configure(BY_BANDS)
    (first,) = world.ask("@penny what is six times seven?")
    assert world.records()[0]["tier_given"] == "economy"
    (most,) = re.findall(r"up to \$(\S+)\)", label_of(first, STRONGER))

    world.press(first, STRONGER, user="grace")
    world.work()

    _, second = world.replies(first.thread)
    assert said(second) == "Forty-two."
    asked, asked_again = world.records()
    assert (asked_again["tier_given"], asked_again["user"]) == ("standard", GRACE)
    assert asked_again["estimate_usd"] <= Decimal(most)
    assert asked_again["message_ts"] == asked["message_ts"]
    assert [m["content"] for m in world.bodies()[1]["messages"][1:]] == [f"{GRACE}: what is six times seven?"]
    world.check_books()


def test_two_presses_give_one_answer(world: World) -> None:
    """Whoever presses second is told that it was asked for, and pays nothing."""
    (first,) = world.ask("@penny hello")

    world.press(first, STRONGER)
    world.press(first, STRONGER, user="grace")
    world.work(workers=2)
    world.press(first, STRONGER)
    world.work()

    assert len(world.replies(first.thread)) == 2
    assert len(world.openrouter.calls) == 2
    assert "asked for already" in world.whispers(GRACE)[0]
    assert "asked for already" in world.whispers()[0]


def test_up_to_the_best_tier(world: World) -> None:
    """Each answer offers the next tier up; under the best one there is none to offer."""
    world.ask("@penny hello")
    root = world.slack.thread(GENERAL, world.records()[0]["message_ts"])[0].ts

    for _ in range(2):
        world.press(world.replies(root)[-1], STRONGER)
        world.work()

    assert [record["tier_given"] for record in world.records()] == ["economy", "standard", "premium"]
    assert label_of(world.replies(root)[-1], STRONGER) == ""
    assert values_of(world.replies(root)[-1], MORE)


def test_not_offered_when_the_budget_does_not_bear_it(world: World, configure: Configure) -> None:
    """What could not be paid is not offered."""
    configure(("channel_usd = 5 ", "channel_usd = 0.003 "))

    (reply,) = world.ask("@penny hello")

    assert said(reply) == "Forty-two."
    assert label_of(reply, STRONGER) == ""


def test_the_money_is_gone_by_then(world: World, configure: Configure) -> None:
    """A press that the budget does not bear any more: only the presser is told, and may press again later."""
    (reply,) = world.ask("@penny hello")
    configure(("channel_usd = 5 ", "channel_usd = 0.001 "))
    world.press(reply, STRONGER)
    world.work()

    assert "does not bear a stronger model" in world.whispers()[0]
    assert len(world.replies(reply.thread)) == 1
    configure(("channel_usd = 5 ", "channel_usd = 6 "))
    world.press(reply, STRONGER)
    world.work()

    assert len(world.replies(reply.thread)) == 2
    world.check_books()


def test_a_press_costs_no_more_than_it_said(world: World) -> None:
    """A call that broke off may have been billed: no second one is made for the price of one."""
    (reply,) = world.ask("@penny hello")
    world.openrouter.script(traps.cut_before_headers())

    world.press(reply, STRONGER)
    world.work()

    assert len(world.openrouter.calls) == 2
    assert len(world.open_reservations()) == 1
    assert "whether it cost anything is being found out" in world.whispers()[0]
    world.press(reply, STRONGER)
    world.work()
    assert len(world.replies(reply.thread)) == 2


def test_the_question_is_gone(world: World) -> None:
    """When the message was deleted, there is nothing to answer again, and the presser is told."""
    (reply,) = world.ask("@penny hello")
    world.slack.delete_message(GENERAL, reply.thread)

    world.press(reply, STRONGER)
    world.work()

    assert "is gone" in world.whispers()[0]
    assert len(world.openrouter.calls) == 1


def test_a_worker_dies_before_it_answers_again(world: World) -> None:
    """The first answer is not taken for the second: whoever takes over gives that one."""
    (first,) = world.ask("@penny hello")
    (claim,) = world.rows("message#")
    world.state.put(claim, sk="again#standard", phase="claimed", owner="dead", lease_until=0, replies=[])

    world.press(first, STRONGER)
    world.work()

    assert [record["tier_given"] for record in world.records()] == ["economy", "standard"]
    assert len(world.replies(first.thread)) == 2


def test_a_worker_dies_after_it_answered_again(world: World) -> None:
    """The second answer stands, only its claim was not ended: the redelivery sees that and pays nothing."""
    (first,) = world.ask("@penny hello")
    world.press(first, STRONGER)
    (job,) = world.receive_jobs()
    world.run(job)
    (claim,) = [row for row in world.rows("message#") if row["sk"] == "again#standard"]
    world.state.change(claim, phase="claimed", lease_until=0)

    assert world.run(job)

    assert len(world.replies(first.thread)) == len(world.openrouter.calls) == 2


def test_a_guest_may_not_ask_for_a_stronger_one(world: World) -> None:
    """Pressing costs what asking costs, so the same people may."""
    (reply,) = world.ask("@penny hello")

    world.press(reply, STRONGER, user="guest")
    world.work()

    assert "may not answer guests" in world.whispers("U0GUEST001")[0]
    assert len(world.openrouter.calls) == 1


def test_why_this_model(world: World) -> None:
    """Only who asks is told, from the numbers that decided."""
    (reply,) = world.ask("@penny hello")

    world.press(reply, MORE, user="grace")
    world.work()

    (told,) = world.whispers(GRACE)
    assert told.startswith("The tier economy answered with openai/gpt-6-luna for $0.0000")
    assert "characters" in told


def test_buttons_that_say_nothing(world: World) -> None:
    """Buttons of another release, or whose value is garbled: their presser is told, nothing happens."""
    (reply,) = world.ask("@penny hello")
    values = ("", "{", "[]", '{"ts": 7}', '{"usd": "NaN", "ts": "1.2", "tier": "premium"}')
    pressed = list(itertools.product((FEEDBACK, STRONGER, MORE), values))
    for action, value in pressed:
        press(world, reply, action, value)

    world.work()

    assert len(world.whispers()) == len(pressed)
    assert len(world.openrouter.calls) == 1
    assert world.jobs_left() == 0


def press(world: World, reply: Message, action: str, value: str) -> None:
    """Deliver a press with a value that no button of ours carries."""
    outgoing = world.slack.block_action(GENERAL, reply.ts, FEEDBACK)
    outgoing.content["actions"][0] |= {"action_id": action, "value": value}
    world.slack.board.send(outgoing)
    world.delivery.run_due()


def test_presses_no_one_can_read(world: World) -> None:
    """What is no press is parked with its reason; what a listener lacks is not guessed."""
    (reply,) = world.ask("@penny hello")
    garbled: list[dict[str, Any]] = [{"user": 7}, {"actions": []}, {"actions": [{"action_id": 7}]}]
    for fields in garbled:
        outgoing = world.slack.block_action(GENERAL, reply.ts, FEEDBACK)
        outgoing.content.update(fields)
        world.slack.board.send(outgoing)
    world.delivery.run_due()

    world.work()

    assert world.jobs_left() == 0
    assert len(world.dead_letters()) >= 1
    assert thumbs(world) == [(0, 0), (0, 0)]


def test_pressed_half_an_hour_later(world: World) -> None:
    """When the response URL is dead, the word comes by way of the channel."""
    (reply,) = world.ask("@penny hello")
    outgoing = world.slack.block_action(GENERAL, reply.ts, MORE, values_of(reply, MORE)[0])
    outgoing.content["response_url"] += "-gone"
    world.slack.board.send(outgoing)
    world.delivery.run_due()

    world.work()

    assert len(world.whispers()) == 1
    assert len(world.slack.calls_of("chat.postEphemeral")) == 1


def test_pressed_months_later(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Claims and reservations are gone by then; what stands in the books still serves every button."""
    (reply,) = world.ask("@penny hello")
    world.forget_what_expires()

    for action in (FEEDBACK, MORE, STRONGER):
        world.press(reply, action)
        world.work()

    rated, why = world.whispers()
    assert rated == "Thank you, noted."
    assert why.startswith("The tier economy answered")
    assert [said(one) for one in world.replies(reply.thread)] == ["Forty-two."] * 2
    assert [line["at"] for line in journal(capsys.readouterr().out)][-1] == "answer"
    world.check_books()


def test_a_response_url_elsewhere(world: World) -> None:
    """Nothing is posted to an address that is not Slack's."""
    (reply,) = world.ask("@penny hello")
    outgoing = world.slack.block_action(GENERAL, reply.ts, MORE, values_of(reply, MORE)[0])
    outgoing.content["response_url"] = "http://169.254.169.254/latest/meta-data"
    world.slack.board.send(outgoing)
    world.delivery.run_due()

    world.work()

    assert len(world.slack.calls_of("chat.postEphemeral")) == 1


def test_a_workspace_that_lacks_a_kind_of_block(world: World) -> None:
    """Where Slack refuses what can be pressed, the answer and its footer stand without it."""
    world.slack.fail_next("chat.stopStream", "invalid_blocks")

    (reply,) = world.ask("@penny hello")

    assert said(reply) == "Forty-two."
    assert footer_of(reply)
    assert values_of(reply, FEEDBACK) == []


def test_presses_at_the_same_moment(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Thumbs of the same person that meet are one, those of several people are all counted."""
    (reply,) = world.ask("@penny hello")
    for user in ("ada", "ada", "grace", "linus"):
        world.press(reply, FEEDBACK, user=user)
    jobs = world.receive_jobs()

    at_once(*(lambda job=job: world.run(job) for job in jobs))

    assert thumbs(world) == [(3, 0), (3, 0)]
    assert len([line for line in journal(capsys.readouterr().out) if line["at"] == "rate"]) == 4
    assert json.loads(values_of(reply, FEEDBACK)[0])["rating"] == "good"
