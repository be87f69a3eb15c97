"""The budget decides: it is never overspent, and who is refused is told why and until when."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from router.errors import ConfigError
from tests.scenarios.conftest import Configure
from tests.scenarios.world import ADAS_DM, GENERAL, World, footer_of, journal, said


def test_exhausted(world: World, configure: Configure, capsys: pytest.CaptureFixture[str]) -> None:
    """A kind refusal names the budget, its renewal date and who can raise it; no model is called."""
    configure(("channel_usd = 5 ", "channel_usd = 0.0001 "))

    (reply,) = world.ask("@penny hello")

    assert "This channel's budget of $0.00010 per month is used up" in said(reply)
    assert re.search(r"renews on \w+, 01 \w+ 20\d\d at 00:00 UTC", said(reply))
    assert "can raise it" in said(reply)
    assert world.openrouter.calls == []
    assert journal(capsys.readouterr().out)[-1]["outcome"] == "over_budget"


@pytest.mark.parametrize(
    ("limit", "said_of_it"),
    [("user_usd", "Your budget"), ("workspace_usd", "This workspace's budget")],
)
def test_another_budget_than_the_channels(
    world: World, configure: Configure, limit: str, said_of_it: str
) -> None:
    """Whose budget is used up stands in the refusal, with those who can raise it; no model is called."""
    configure(("[budget]", f"[budget]\n{limit} = 0.0001"), ("admins = []", 'admins = ["U0GRACE001"]'))

    (reply,) = world.ask("@penny hello")

    assert said(reply).startswith(f"{said_of_it} of $0.00010 per month is used up")
    assert "<@U0GRACE001> can raise it sooner" in said(reply)
    assert world.openrouter.calls == []


def test_the_footer_shows_the_scarcest_budget(world: World, configure: Configure) -> None:
    """Where a person has less left than the channel, that is what the footer says; all budgets agree."""
    configure(("[budget]", "[budget]\nuser_usd = 0.5\nworkspace_usd = 90"))

    (reply,) = world.ask("@penny hello")

    assert "of your $0.50 left" in footer_of(reply)
    cost = world.records()[0]["cost_usd"]
    assert {row["spent_usd"] for row in world.rows("budget#")} == {cost}
    assert len(world.rows("budget#")) == 3


def test_a_budget_of_zero(world: World, configure: Configure) -> None:
    """A limit of zero switches paid answers off."""
    configure(("direct_message_usd = 1 ", "direct_message_usd = 0 "))

    (reply,) = world.ask("hello", channel=ADAS_DM)

    assert "budget of $0 per month is used up" in said(reply)
    assert world.openrouter.calls == []


def test_fitted_to_the_money(world: World, configure: Configure) -> None:
    """With little money left, the answer is capped lower before it is refused."""
    configure(("channel_usd = 5 ", "channel_usd = 0.0008 "), ("step_down_below = 0.2", "step_down_below = 0"))

    (reply,) = world.ask("@penny hello")

    (body,) = world.bodies()
    assert 400 <= body["max_tokens"] < 1500
    assert said(reply) == "Forty-two."
    world.check_books()


def test_the_free_tier_answers_when_money_is_gone(world: World, configure: Configure) -> None:
    """Where the operator allows free models, an exhausted budget still answers, at no cost."""
    configure(
        ("channel_usd = 5 ", "channel_usd = 0 "),
        ("enabled = false", "enabled = true"),
        ("allow_data_collection = false", "allow_data_collection = true"),
    )

    (reply,) = world.ask("@penny hello")

    assert said(reply) == "Forty-two."
    assert world.records()[0]["tier_given"] == "free"
    assert world.spent_usd() == 0


def test_a_limit_changed_in_the_file_holds_at_once(world: World, configure: Configure) -> None:
    """Raising the limit in config.toml lets the same month go on; what was spent stays spent."""
    configure(("channel_usd = 5 ", "channel_usd = 0.0001 "))
    world.ask("@penny hello")
    configure(("channel_usd = 5 ", "channel_usd = 7 "))

    (reply,) = world.ask("@penny hello again")

    assert said(reply) == "Forty-two."
    assert world.budget()["limit_usd"] == Decimal(7)
    world.check_books()


def test_a_refusal_leaves_no_status(world: World, configure: Configure) -> None:
    """However slowly *is thinking…* reaches Slack, it does not stay behind a quick refusal."""
    configure(("channel_usd = 5 ", "channel_usd = 0 "))
    world.slack.faults.set_latency(0.1, "assistant.threads.setStatus")

    (refused,) = world.ask("@penny hello")

    assert len(world.slack.calls_of("assistant.threads.setStatus")) == 1
    assert world.slack.board.status(GENERAL, refused.thread) == ""


def test_a_limit_lowered_below_what_is_spent(world: World, configure: Configure) -> None:
    """The next message is refused, nothing that was spent is lost, and a raise lets the month go on."""
    world.ask("@penny hello")
    spent_usd = world.spent_usd()
    configure(("channel_usd = 5 ", "channel_usd = 0.000001 "))

    (refused,) = world.ask("@penny hello again")

    assert "is used up" in said(refused)
    budget = world.budget()
    assert budget["spent_usd"] == spent_usd > budget["limit_usd"]
    assert budget["remaining_usd"] == budget["limit_usd"] - spent_usd < 0
    configure()
    assert said(world.ask("@penny and now?")[0]) == "Forty-two."
    world.check_books()


@pytest.mark.parametrize(
    ("shipped", "wanted", "complaint"),
    [
        (
            "max_price = { prompt = 0.20, completion = 0.75 }\n",
            "",
            r"tier\[2\]\.max_price\.prompt: is missing",
        ),
        ('time_zone = "UTC"', 'time_zone = "Europe/Atlantis"', r"budget\.time_zone: .*Europe/Atlantis"),
        ("channel_usd = 5 ", "channel_usd = inf ", r"budget\.channel_usd: "),
    ],
)
def test_no_money_by_a_wrong_configuration(
    world: World, configure: Configure, shipped: str, wanted: str, complaint: str
) -> None:
    """What would leave a bill unbounded or a period unknown stops the start, and the message waits."""
    configure((shipped, wanted))
    world.say("@penny hello")
    (record,) = world.receive_jobs()

    with pytest.raises(ConfigError, match=complaint):
        world.run(record)

    assert world.openrouter.calls == []
    assert world.jobs_left() == 1
