"""Reserving: the best answer that the budgets bear, a kind no, or a short wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from router.adapters.ledger import Reserved
from router.adapters.limits import Limits
from router.config import Config, read_config
from router.domain.budget import BudgetKind, Limit, PeriodKind
from router.domain.ladder import Tier
from router.domain.message import Message, UserId
from router.domain.thread import Prompt
from router.errors import TableUnavailable
from router.reserving import BUSY_WAIT_S, LONGEST_NAP_S, Busy, Exhausted, Funded, Reserving
from tests.money import CHANNEL, LEASE_S, MONTH, NOW, BudgetName, bill_of, message_of, reservation_of, usd
from tests.tables import Tables, tables_for

PROMPT_TOKENS = 1000

CHEAPEST_USD = usd("0.0003") + usd("0.00025")
"""The least that buys an answer: 400 tokens of the lower tier, and its prompt with the surcharge."""


def tier_of(name: str, prompt: str, completion: str, **more: Any) -> dict[str, Any]:
    """Write a tier as the file has it."""
    price = {"prompt": Decimal(prompt), "completion": Decimal(completion)}
    return {"name": name, "models": [f"maker/{name}"], "max_price": price, "max_tokens": 2000} | more


def config_of(limit: str = "1", *, free: bool = False, **routing: Any) -> Config:
    """Configure two tiers and, if wanted, a free one below; the best is wanted, or what `routing` says."""
    bands = {
        "policy": "bands",
        "step_down_below": Decimal(0),
        "useful_tokens": 400,
        "band": [{"tier": "best"}],
    }
    return read_config(
        {
            "tier": [
                tier_of("best", "2", "10", models=["maker/best", "maker/other"]),
                tier_of("lower", "0.2", "0.75"),
                tier_of("free", "0", "0", models=["maker/free:free"], enabled=free),
            ],
            "budget": {
                "channel_usd": Decimal(limit),
                "direct_message_usd": Decimal("0.5"),
                "period": "month",
                "time_zone": "UTC",
            },
            "routing": routing or bands,
            "reply": {"system_prompt": "Be right."},
        }
    )


class Clock:
    """A clock that passes only while someone sleeps; `then` happens in each sleep."""

    def __init__(self) -> None:
        self.now = NOW
        self.naps: list[float] = []
        self.then: Callable[[], object] = lambda: None

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        self.naps.append(seconds)
        self.now += seconds
        self.then()


class Till:
    """Reserving on tables of its own, at a clock of its own."""

    def __init__(self, tables: Tables, config: Config) -> None:
        self.tables = tables
        self.clock = Clock()
        self.ledger = tables.ledger(lambda: self.clock.now)
        self.reserving = Reserving(self.ledger, config, clock=lambda: self.clock.now, sleep=self.clock.sleep)
        self.before_fitting: Callable[[], object] = lambda: None

    def reserve(self, message: Message | None = None, *, stale: bool = False) -> Funded | Exhausted | Busy:
        """Reserve for a message; with `stale` the first look is from before whatever happened."""
        message = message or message_of()
        periods = self.reserving.periods(message)
        budgets = self.first_look if stale else self.reserving.budgets(periods)
        return self.reserving.reserve(message, periods, budgets, self.prompt, "worker-1", LEASE_S)

    def look(self) -> None:
        """Take a first look, which opens the period."""
        self.first_look = self.reserving.budgets(self.reserving.periods(message_of()))

    def hold(self, amount: str, *of: BudgetName) -> Callable[[], object]:
        """Let someone else reserve money, the channel's unless said; return what gives it back."""
        reservation = reservation_of(amount, budgets=of)
        assert self.ledger.reserve(reservation) == Reserved()
        return lambda: self.ledger.release(reservation)

    def spend(self, amount: str, of: str = "0", *budgets: BudgetName) -> None:
        """Let someone else spend money, reserved as `of`."""
        reservation = reservation_of(of, budgets=budgets)
        assert self.ledger.reserve(reservation) == Reserved()
        self.ledger.settle(reservation, bill_of(amount))

    def prompt(self, _tier: Tier) -> Prompt:
        """Make a prompt."""
        self.before_fitting()
        return Prompt((), PROMPT_TOKENS, 0, ())


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give each story tables of its own; afterwards the books balance."""
    yield from tables_for(request)


def till(tables: Tables, limit: str = "1", *, free: bool = False) -> Till:
    """Make a till whose period is open."""
    made = Till(tables, config_of(limit, free=free))
    made.look()
    return made


def funded(answer: Funded | Exhausted | Busy) -> Funded:
    """Take an answer for money."""
    assert isinstance(answer, Funded), answer
    return answer


def test_a_rich_channel_gets_what_its_policy_wants(tables: Tables) -> None:
    """The whole answer of the wanted tier is set aside, and the row holds what was decided and why."""
    funds = funded(till(tables).reserve())

    assert (funds.offer.tier.name, funds.offer.max_tokens) == ("best", 2000)
    assert funds.reservation.amount_usd == usd("0.0225")  # 1000 tokens at 2.50, 2000 at 10 (per million)
    row = tables.row("reservation#")
    assert (row["state"], row["owner"], row["amount_usd"]) == ("open", "worker-1", usd("0.0225"))
    assert row["lease_until"] == int(NOW + LEASE_S)
    assert row["facts"]["why"]["policy"] == "bands"
    assert (row["facts"]["month"], row["facts"]["day"]) == (MONTH, "2026-11-22")
    assert tables.row("budget#")["reserved_usd"] == usd("0.0225")


def test_a_direct_message_has_a_limit_of_its_own(tables: Tables) -> None:
    """A direct message is a channel whose budget is the one for direct messages."""
    one = till(tables)

    funded(one.reserve(message_of(channel="D0ADA00001", is_direct=True)))

    assert tables.row("budget#channel#D0")["limit_usd"] == usd("0.5")


def test_little_money_buys_a_shorter_answer(tables: Tables) -> None:
    """Before a lower tier is taken, the answer is cut to what remains."""
    one = till(tables)
    one.hold("0.99")

    funds = funded(one.reserve())

    assert (funds.offer.tier.name, funds.offer.max_tokens) == ("best", 750)
    assert tables.row("budget#")["remaining_usd"] == 0


def test_less_money_buys_a_lower_tier(tables: Tables) -> None:
    """When not even a useful answer of the wanted tier fits, the next one down is taken."""
    one = till(tables)
    one.hold("0.995")

    funds = funded(one.reserve())

    assert (funds.offer.tier.name, funds.reservation.facts.tier_wanted) == ("lower", "best")


def test_the_least_that_buys_an_answer_is_enough(tables: Tables) -> None:
    """An answer that costs exactly what is left is given."""
    one = till(tables)
    one.spend(str(1 - CHEAPEST_USD))

    assert funded(one.reserve()).offer.max_tokens == 400


def test_a_budget_that_is_spent_says_when_it_renews(tables: Tables) -> None:
    """When less is left than the cheapest useful answer costs, the refusal comes at once, without waiting."""
    one = till(tables)
    one.spend(str(1 - CHEAPEST_USD + usd("0.000001")))

    answer = one.reserve()

    assert isinstance(answer, Exhausted)
    assert answer.budget.id == CHANNEL
    assert answer.period.renews == datetime(2026, 12, 1, tzinfo=UTC)
    assert not one.clock.naps


def test_a_limit_of_nothing_is_spent_from_the_start(tables: Tables) -> None:
    """A channel whose limit is zero gets no paid answer."""
    assert isinstance(till(tables, "0").reserve(), Exhausted)


def test_money_that_others_hold_is_waited_for_a_little(tables: Tables) -> None:
    """It would fit but for what others reserved: after a bounded wait in short naps, busy is the answer."""
    one = till(tables)
    one.hold("1")

    assert one.reserve() == Busy()

    assert BUSY_WAIT_S <= one.clock.now - NOW <= BUSY_WAIT_S + LONGEST_NAP_S
    assert all(nap <= LONGEST_NAP_S for nap in one.clock.naps)


def test_money_that_comes_back_while_waiting_is_taken(tables: Tables) -> None:
    """Who waits gets what others return."""
    one = till(tables)
    one.clock.then = one.hold("1")

    assert funded(one.reserve()).offer.tier.name == "best"

    assert len(one.clock.naps) == 1


def test_money_that_is_spent_while_waiting_ends_the_wait(tables: Tables) -> None:
    """When what others held turns out to be spent, the refusal is the final one."""
    one = till(tables)
    held = reservation_of("1")
    one.ledger.reserve(held)
    one.clock.then = lambda: one.ledger.settle(held, bill_of("1"))

    assert isinstance(one.reserve(), Exhausted)


def test_a_stale_first_look_decides_nothing(tables: Tables) -> None:
    """Money that was there at the first look and is gone by now: the table says no, and is asked again."""
    one = till(tables)
    one.hold("0.995")

    assert funded(one.reserve(stale=True)).offer.tier.name == "lower"
    assert not one.clock.naps


def test_money_that_came_after_the_first_look_is_seen(tables: Tables) -> None:
    """A first look at an empty budget is no reason to refuse."""
    one = Till(tables, config_of())
    one.look()
    give_back = one.hold("1")
    one.look()
    give_back()

    assert funded(one.reserve(stale=True)).offer.tier.name == "best"


def test_a_stale_look_at_a_spent_budget_refuses_nobody(tables: Tables) -> None:
    """Only what the table says now can be the reason of a refusal: the limit may have been raised."""
    poor = till(tables, "0.5")
    poor.spend("0.5", of="0.5")
    poor.look()
    rich = Till(tables, config_of("1"))
    rich.first_look = poor.first_look

    assert funded(rich.reserve(stale=True)).offer.tier.name == "best"


def test_who_always_loses_the_race_is_told_busy(tables: Tables) -> None:
    """When someone is faster each time, the tries end with the wait: none of them is made in haste."""
    one = till(tables)
    one.hold("0.9775")
    one.before_fitting = lambda: one.hold("0.0001")

    assert one.reserve() == Busy()

    assert BUSY_WAIT_S <= one.clock.now - NOW <= BUSY_WAIT_S + LONGEST_NAP_S
    assert not [row for row in tables.rows("reservation#") if row["facts"]["tier_given"] == "best"]


def test_a_lowered_limit_counts_for_the_next_message(tables: Tables) -> None:
    """A limit below what is spent refuses at once."""
    till(tables).spend("0.6")

    assert isinstance(till(tables, "0.5").reserve(), Exhausted)


@pytest.mark.parametrize("spent", ["1", "1.25"])
def test_a_free_model_answers_when_the_budget_is_used_up(tables: Tables, spent: str) -> None:
    """Where the operator allows free models, a budget that is spent or overdrawn still gives answers."""
    one = till(tables, free=True)
    one.spend(spent, of="1")

    funds = funded(one.reserve())

    assert (funds.offer.tier.name, funds.reservation.amount_usd) == ("free", usd(0))


# --- several budgets ----------------------------------------------------------------------------------------

ADA: BudgetName = (BudgetKind.USER, "U0ADA00001", MONTH)
ALL: BudgetName = (BudgetKind.WORKSPACE, "all", MONTH)


def three(tables: Tables, user: str = "1", workspace: str = "1", **how: Any) -> Till:
    """Make a till with budgets for the channel, the user and the workspace."""
    config = config_of(**how)
    limits = replace(config.budget, user_usd=usd(user), workspace_usd=usd(workspace))
    made = Till(tables, replace(config, budget=limits))
    made.look()
    return made


def test_money_is_set_aside_on_all_budgets_that_apply(tables: Tables) -> None:
    """Channel, user and workspace are charged alike, and the record names all three."""
    one = three(tables)

    funds = funded(one.reserve())
    one.ledger.settle(funds.reservation, bill_of("0.004"))

    assert funds.reservation.budgets == ((BudgetKind.CHANNEL, CHANNEL, MONTH), ADA, ALL)
    assert {row["spent_usd"] for row in tables.rows("budget#")} == {usd("0.004")}
    assert tables.row("records#")["budgets"] == [
        f"{MONTH}#channel#{CHANNEL}",
        f"{MONTH}#user#U0ADA00001",
        f"{MONTH}#workspace#all",
    ]


def test_the_scarcest_budget_decides_the_tier(tables: Tables) -> None:
    """A rich channel does not pay for more than the user has left."""
    one = three(tables)
    one.hold("0.995", ADA)

    assert funded(one.reserve()).offer.tier.name == "lower"


@pytest.mark.parametrize("name", [ADA, ALL])
def test_the_budget_that_is_used_up_is_named(tables: Tables, name: BudgetName) -> None:
    """The refusal says whose budget it is; nothing is set aside on the others."""
    one = three(tables)
    one.spend("1", "1", name)

    answer = one.reserve()

    assert isinstance(answer, Exhausted)
    assert (answer.budget.kind, answer.budget.id) == name[:2]
    assert tables.row("budget#channel#")["reserved_usd"] == 0


def test_of_several_used_up_the_last_to_renew_is_named(tables: Tables) -> None:
    """Nobody is sent back tomorrow for a budget that renews next month."""
    one = three(tables, user="0", limit="0")
    limits = Limits(tables.dynamo, tables.state)
    limits.change(BudgetKind.CHANNEL, CHANNEL, Limit(usd(0), PeriodKind.DAY), "ada", NOW)

    answer = one.reserve()

    assert isinstance(answer, Exhausted)
    assert answer.budget.kind is BudgetKind.USER


@pytest.mark.parametrize("name", [ADA, ALL])
def test_any_budget_can_be_busy(tables: Tables, name: BudgetName) -> None:
    """Money that others hold of a user's or the workspace's budget is waited for, and is never used up."""
    one = three(tables)
    one.hold("1", name)

    assert one.reserve() == Busy()
    assert one.clock.naps


def test_a_limit_set_for_one_user_applies_to_no_other(tables: Tables) -> None:
    """Where the file has none, the user whose limit was set has a budget, and the others have not."""
    one = till(tables)
    limits = Limits(tables.dynamo, tables.state)
    limits.change(BudgetKind.USER, "U0ADA00001", Limit(usd(0), PeriodKind.WEEK), "ada", NOW)

    of_ada = one.reserve()
    of_grace = funded(one.reserve(replace(message_of(), user=UserId("U0GRACE001"))))

    assert isinstance(of_ada, Exhausted)
    assert (of_ada.budget.kind, of_ada.period.kind) == (BudgetKind.USER, PeriodKind.WEEK)
    assert [kind for kind, _, _ in of_grace.reservation.budgets] == [BudgetKind.CHANNEL]


def test_who_waits_into_the_next_period_gets_its_money(tables: Tables) -> None:
    """A busy budget renews while a message waits: period, month and day are all the new ones."""
    one = Till(tables, config_of())
    one.clock.now = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC).timestamp()
    one.look()
    one.hold("1")
    one.clock.then = lambda: setattr(one.clock, "now", one.clock.now + 1)

    funds = funded(one.reserve())

    assert [period for _, _, period in funds.reservation.budgets] == ["2026-12"]
    assert (funds.reservation.facts.month, funds.reservation.facts.day) == ("2026-12", "2026-12-01")


def test_what_was_looked_at_before_midnight_counts_before_it(tables: Tables) -> None:
    """A second call long after the first look is charged to the period and the day that were looked at."""
    one = Till(tables, config_of())
    one.clock.now = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC).timestamp()
    message = message_of()
    periods = one.reserving.periods(message)
    budgets = one.reserving.budgets(periods)
    one.clock.now += 120

    funds = funded(one.reserving.reserve(message, periods, budgets, one.prompt, "worker-1", LEASE_S))

    assert funds.reservation.budgets == ((BudgetKind.CHANNEL, CHANNEL, MONTH),)
    assert (funds.reservation.facts.month, funds.reservation.facts.day) == (MONTH, "2026-11-30")


def test_a_table_that_a_newer_release_wrote_stops_the_message(tables: Tables) -> None:
    """No table that can be read, no call: the message waits."""
    one = till(tables)
    tables.write(tables.row("budget#"), v=2)

    with pytest.raises(TableUnavailable, match="row version 2"):
        one.reserve(stale=True)


# what is asked for


def paced_till(tables: Tables, limit: str, *wishes: str) -> Till:
    """Make a till that paces, on an open period."""
    routing: dict[str, Any] = {"wishes": list(wishes)} if wishes else {}
    made = Till(tables, config_of(limit, policy="paced", **routing))
    made.look()
    return made


def test_a_message_is_paced_by_what_it_says_and_costs(tables: Tables) -> None:
    """Length, weight and the numbers of the budget stand in the row: the choice can be told and replayed."""
    funds = funded(paced_till(tables, "1").reserve(message_of("Why is `x` slow? And what helps?")))

    why = tables.row("reservation#")["facts"]["why"]
    assert why == funds.reservation.facts.why
    assert (why["policy"], why["length"], why["signs"]) == ("paced", "32", "code, several steps")
    assert (why["left_usd"], "last_tier" in why, "wish" in why) == ("1", False, False)


def test_a_greeting_gets_the_cheapest_of_a_rich_channel(tables: Tables) -> None:
    """And the best is there for a question."""
    one = paced_till(tables, "1000")

    assert funded(one.reserve(message_of("thanks!"))).offer.tier.name == "lower"
    assert funded(one.reserve(message_of("Why is the sky blue?"))).offer.tier.name == "best"


def test_a_model_is_asked_for_by_its_name(tables: Tables) -> None:
    """It comes first in its tier; the others of the tier stay its fallbacks."""
    one = paced_till(tables, "1000")

    plain = funded(one.reserve(message_of("Why is the sky blue?"))).reservation.facts
    wished = funded(one.reserve(message_of("use maker/other: why is the sky blue?"))).reservation.facts

    assert plain.models == ("maker/best", "maker/other")
    assert (wished.tier_wanted, wished.models) == ("best", ("maker/other", "maker/best"))
    assert wished.why["wish"] == "best"


def test_a_wish_that_is_not_allowed_changes_nothing(tables: Tables) -> None:
    """Nor does one for a model that no tier offers."""
    one = paced_till(tables, "1000", "think hard")

    for text in ("use lower: why is the sky blue?", "use evil/model: why is the sky blue?"):
        facts = funded(one.reserve(message_of(text))).reservation.facts
        assert (facts.tier_wanted, facts.models[0], "wish" in facts.why) == ("best", "maker/best", False)


@pytest.mark.parametrize("text", ["", "😀" * 3, "\u202eabc\u202c שלום מה זה", "?" * 40_000, "あ" * 40_000])
def test_every_message_gets_a_tier(tables: Tables, text: str) -> None:
    """Empty, of emoji alone, right to left, as long as Slack lets it be."""
    assert isinstance(paced_till(tables, "5").reserve(message_of(text)), Funded)
