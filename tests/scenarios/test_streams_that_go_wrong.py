"""OpenRouter's streams end in many ways: each gives an answer or a sentence, and every cent is found."""

from __future__ import annotations

from decimal import Decimal

import pytest

from playground.openrouter import Behaviour, Reply, UsageShape, refusals, traps
from tests.scenarios.conftest import Configure
from tests.scenarios.world import World, footer_of, journal, said

TEN = "One two three four five six seven eight nine ten."


def test_cost_in_a_last_event_with_empty_choices(world: World) -> None:
    """The event that carries the cost has no choices, and is read all the same."""
    world.openrouter.usage_shape = UsageShape.NO_CHOICES

    world.ask("@penny hello")

    assert world.spent_usd() == world.openrouter.billed_usd > 0


def test_cut_stream(world: World) -> None:
    """What came stays, marked as cut; the cost is pending until OpenRouter tells it."""
    world.openrouter.answer = TEN
    world.openrouter.script(traps.cut_after(4))

    (reply,) = world.ask("@penny count to ten")

    assert said(reply).startswith("One two")
    assert "cost pending" in footer_of(reply)
    assert "cut short" in footer_of(reply)
    assert world.spent_usd() == 0
    assert len(world.open_reservations()) == 1
    world.reconcile()
    assert world.spent_usd() == world.openrouter.billed_usd > 0
    world.check_books()


def test_mid_stream_provider_error(world: World) -> None:
    """A provider that fails after the first words: they stay, and the thread is told."""
    world.openrouter.answer = TEN
    world.openrouter.script(traps.error_after(4))

    (reply,) = world.ask("@penny count to ten")

    assert said(reply).startswith("One two")
    assert "cut short" in footer_of(reply)
    world.reconcile()
    world.check_books()


def test_error_before_the_first_word(world: World) -> None:
    """A provider that fails before the first word is asked once more."""
    world.openrouter.script(traps.error_first(502))

    (reply,) = world.ask("@penny hello")

    assert said(reply) == "Forty-two."
    assert len(world.openrouter.calls) == 2
    world.check_books()


def test_a_model_that_only_thinks(world: World) -> None:
    """Billed thoughts without a word: the thread is told, the cost is recorded."""
    world.openrouter.script(traps.only_thinks())

    (reply,) = world.ask("@penny hello")

    assert "wrote nothing" in said(reply)
    assert world.spent_usd() == world.openrouter.billed_usd > 0


@pytest.mark.parametrize(
    "trap",
    [
        traps.negative_cost(),
        traps.nan_cost(),
        traps.usage_reported(cost="Infinity"),
        traps.huge_cost(),
        traps.no_usage(),
    ],
)
def test_a_cost_that_cannot_be_right_is_found_out_later(world: World, trap: Behaviour) -> None:
    """The estimate stays set aside until OpenRouter's own record tells the true cost."""
    world.openrouter.script(trap)

    (reply,) = world.ask("@penny hello")

    assert "cost pending" in footer_of(reply)
    assert len(world.open_reservations()) == 1
    world.reconcile()
    assert world.spent_usd() == world.openrouter.billed_usd > 0
    world.check_books()


def test_a_cost_for_no_tokens(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What is said to be billed is the charge, however odd: the doubt goes against spending, and is told."""
    world.openrouter.script(traps.cost_without_tokens(Decimal("0.5")))

    (reply,) = world.ask("@penny hello")

    assert " · $0.50 · " in footer_of(reply)
    (record,) = world.records()
    assert (record["cost_usd"], record["prompt_tokens"], record["completion_tokens"]) == (
        Decimal("0.5"),
        0,
        0,
    )
    assert record["overrun_usd"] == Decimal("0.5") - record["estimate_usd"]
    line = journal(capsys.readouterr().out)[-1]
    assert line["oddities"] == "cost_without_tokens"
    assert line["overrun_usd"] > 0
    world.check_books()


def test_tokens_for_no_cost(world: World) -> None:
    """What OpenRouter does not bill is not charged: all that was set aside returns; tokens are counted."""
    world.openrouter.script(traps.usage_reported(cost=0))

    (reply,) = world.ask("@penny hello")

    assert " · $0 · " in footer_of(reply)
    (record,) = world.records()
    assert record["cost_usd"] == 0
    assert record["completion_tokens"] > 0
    assert world.budget()["remaining_usd"] == 5
    world.check_books()


def test_deadline_reached(world: World, configure: Configure) -> None:
    """At the deadline what was generated is kept, marked as cut short, and settled."""
    configure(("deadline_s = 120", "deadline_s = 1"))
    world.openrouter.answer = TEN
    world.openrouter.script(traps.stall_after(4, comment_every_s=0.05))

    (reply,) = world.ask("@penny count to ten")

    assert said(reply).startswith("One two")
    assert "cut short: out of time" in footer_of(reply)
    world.reconcile()
    assert world.spent_usd() == world.openrouter.billed_usd > 0
    world.check_books()


def test_deadline_without_a_word(world: World, configure: Configure) -> None:
    """A model that says nothing until the deadline: the thread is told."""
    configure(("deadline_s = 120", "deadline_s = 1"))
    world.openrouter.script(traps.stall_before_headers())

    (reply,) = world.ask("@penny count to ten")

    assert "did not answer in time" in said(reply)


def test_retired_model_in_the_chain(world: World) -> None:
    """A retired id makes OpenRouter refuse the whole chain: it is dropped and the next model answers."""
    world.openrouter.retire("openai/gpt-6-luna")

    (reply,) = world.ask("@penny hello")

    assert footer_of(reply).startswith("anthropic/claude-haiku-5.5")
    assert [call.status for call in world.openrouter.calls] == [400, 200]
    world.check_books()


def test_402_that_names_what_it_can_afford(world: World) -> None:
    """The answer is shortened to what the account can pay, and given."""
    world.openrouter.script(refusals.can_only_afford(1500, 600))

    (reply,) = world.ask("@penny hello")

    assert said(reply) == "Forty-two."
    assert [body["max_tokens"] for body in world.bodies()] == [1500, 600]


def test_429_then_the_fallback_tier(world: World) -> None:
    """A tier that is overrun gives way to the next one down, which the reservation covers."""
    world.openrouter.script(refusals.shared_pool_limit())

    (reply,) = world.ask("@penny " + "please explain this to me " * 10)

    tiers = [body["models"][0] for body in world.bodies()]
    assert tiers[0] == "anthropic/claude-sonnet-5.5"
    assert tiers[-1] == "openai/gpt-6.1-terra"
    assert said(reply) == "Forty-two."
    assert world.records()[0]["tier_wanted"] == "premium"
    assert world.records()[0]["tier_given"] == "standard"
    world.check_books()


def test_nothing_helps(world: World) -> None:
    """When every model fails the thread is told, nothing is charged and nothing stays set aside."""
    world.openrouter.script(refusals.overloaded(), times=None)

    (reply,) = world.ask("@penny hello")

    assert "every model I may use failed" in said(reply)
    assert world.spent_usd() == 0
    assert world.open_reservations() == []
    world.check_books()


@pytest.mark.parametrize(
    "wall", [refusals.bad_key(), refusals.out_of_credits(), refusals.key_limit_reached()]
)
def test_a_wall_for_the_operator(world: World, wall: Reply) -> None:
    """No key, no credits, no budget at OpenRouter: one call, a word in the thread, no charge."""
    world.openrouter.script(wall)

    (reply,) = world.ask("@penny hello")

    assert "operator's attention" in said(reply)
    assert len(world.openrouter.calls) == 1
    world.check_books()


def test_moderation(world: World) -> None:
    """A message that providers refuse gets a plain word, also when every tier was asked."""
    world.openrouter.script(refusals.moderated(), times=None)

    (reply,) = world.ask("@penny something terrible")

    assert "refused" in said(reply) or "failed" in said(reply)
    assert world.spent_usd() == 0
