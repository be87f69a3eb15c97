"""The digest: which days it covers, what it says, and how a run goes about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from playground.slack.blocks import require_valid
from router.adapters.digests import LEASE_S, MOST_TRIES, Digests, NoTurn, Phase, Turn
from router.adapters.ratings import Rated, Ratings
from router.adapters.slack_web import SlackWeb
from router.config import BudgetConfig
from router.digest import STOP_BEFORE_S, Digesting, ToldOf
from router.domain.budget import Budget, BudgetKind, PeriodKind, period_at
from router.domain.digest import Digest, ModelUse, budget_line, digest_headline, models_line
from router.errors import SlackUnavailable, TableUnavailable
from router.slack.digest_post import digest_blocks
from tests.domain.rungs import a_tier
from tests.money import CHANNEL, NOW, bill_of, budget_of, facts_of, reservation_of, usd
from tests.tables import Tables, in_both, tables_for
from tests.usage_rows import record_of, write_usage

RANDOM = "C0RANDOM01"
SATURDAY = datetime(2026, 12, 5, 9, tzinfo=UTC).timestamp()
IN_BUDGET = BudgetConfig(usd("5"), usd("1"), PeriodKind.MONTH, ZoneInfo("UTC"))

CHEAPEST = a_tier("standard", prompt="0", completion="0")
"""Nothing is cheaper than this: what was spent saved nothing."""

Replies = Callable[[str, dict[str, Any]], httpx.Response]


@dataclass
class Slack:
    """Slack on the wire: what it was sent, what was posted, and how it answers if not as it should."""

    posted: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers: list[httpx.Response] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one call: as told, or as Slack would."""
        method = request.url.path.rpartition("/")[2]
        self.asked.append(method)
        if self.answers:
            return self.answers.pop(0)
        if method == "conversations.history":
            return httpx.Response(200, json={"ok": True, "messages": self.history})
        self.posted.append(json.loads(request.content))
        return httpx.Response(200, json={"ok": True, "ts": f"1.{len(self.posted)}"})

    def words(self) -> list[str]:
        """Return the lines of all that was posted."""
        return [line for post in self.posted for line in lines_of(post["blocks"])]


def lines_of(blocks: list[dict[str, Any]]) -> list[str]:
    """Return the lines that a post shows."""
    section, *contexts = blocks
    return [section["text"]["text"], *(element["text"] for c in contexts for element in c["elements"])]


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give each story tables of its own; afterwards the books balance."""
    yield from tables_for(request)


@pytest.fixture
def slack() -> Slack:
    """Make a Slack that takes everything."""
    return Slack()


Run = Callable[..., dict[str, int]]


@pytest.fixture
def run(tables: Tables, slack: Slack) -> Iterator[Run]:
    """Run the digests `at` a moment, with so many seconds left."""
    with closing(SlackWeb("https://slack.test/api/", "xoxb-a", httpx.MockTransport(slack.answer))) as web:

        def go(
            at: float = SATURDAY,
            budget: BudgetConfig = IN_BUDGET,
            seconds: float = 240,
            sleep: Callable[[float], None] = lambda _: None,
        ) -> dict[str, int]:
            ledger, digests = tables.ledger(lambda: at), Digests(tables.dynamo, tables.state)
            told_of = ToldOf(budget, CHEAPEST)
            digesting = Digesting(
                tables.usage_table(), ledger, digests, web, told_of, clock=lambda: at, sleep=sleep
            )
            return digesting.post_all(seconds)

        yield go


def use(tables: Tables, day: str, cost: str = "0.04", **how: Any) -> None:
    """Let a channel use something on a day."""
    write_usage(tables, record_of(cost, day=day, **how))


# --- what it says -------------------------------------------------------------------------------------------


def test_ratings_savings_and_forecast(tables: Tables, slack: Slack) -> None:
    """What people thought of each model, what cheaper tiers saved, and the day on which the money is gone."""
    told_of = ToldOf(IN_BUDGET, a_tier("premium", prompt="1000", completion="10000"))
    model = "openai/gpt-6.1-terra"
    Ratings(tables.dynamo, tables.usage).rate(Rated(CHANNEL, "2026-12", "r1", model, "U1"), "good")
    ledger = tables.ledger(lambda: SATURDAY)
    ledger.budgets((IN_BUDGET.of(BudgetKind.CHANNEL, CHANNEL, SATURDAY),))
    facts = facts_of(month="2026-12", day="2026-12-04")
    reservation = reservation_of("3", budgets=((BudgetKind.CHANNEL, CHANNEL, "2026-12"),), facts=facts)
    ledger.reserve(reservation)
    ledger.settle(reservation, bill_of("3", prompt_tokens=4000, completion_tokens=10))

    with closing(SlackWeb("https://slack.test/api/", "xoxb-a", httpx.MockTransport(slack.answer))) as web:
        digests = Digests(tables.dynamo, tables.state)
        Digesting(tables.usage_table(), ledger, digests, web, told_of, clock=lambda: SATURDAY).post_all(240)

    headline, budget, models = slack.words()
    assert headline.endswith("1 answer for $3.00, $1.10 less than always premium at its price caps.")
    assert budget.endswith("until Friday, 1 January; at this pace it is used up on Tuesday, 8 December.")
    assert f"{model} (1 answer, $3.00, 1 good, 0 bad)" in models


# --- which days ---------------------------------------------------------------------------------------------


def test_a_week_that_spans_two_months(tables: Tables, slack: Slack, run: Run) -> None:
    """The days of both months are summed up, those before are not, and models are those of both months."""
    use(tables, "2026-11-27", "1")  # eight days before
    use(tables, "2026-11-28", "0.10", model="a/one")
    use(tables, "2026-11-30", "0.20", model="a/two")
    use(tables, "2026-12-05", "0.30", model="a/one")

    run()

    headline, _, models = slack.words()
    assert headline == "Since Saturday, 28 November: 3 answers for $0.60."
    assert models == (
        "Models in November and December: openai/gpt-6.1-terra (1 answer, $1.00), "
        "a/one (2 answers, $0.40), a/two (1 answer, $0.20)."
    )


def test_an_old_week_is_no_news(tables: Tables, slack: Slack, run: Run) -> None:
    """A channel that used nothing within the week hears nothing, whatever it used before."""
    use(tables, "2026-11-27")

    assert run() == {}
    assert slack.asked == []


def test_days_are_those_of_the_configured_zone(tables: Tables, slack: Slack, run: Run) -> None:
    """Where it is already the next day, the week began a day later and the next month counts."""
    new_year = datetime(2026, 12, 31, 12, tzinfo=UTC).timestamp()
    use(tables, "2026-12-24", "0.10")
    use(tables, "2027-01-01", "0.20")

    run(new_year, replace(IN_BUDGET, zone=ZoneInfo("Pacific/Kiritimati")))

    assert slack.words()[0] == "Since Friday, 25 December: 1 answer for $0.20."


def test_the_next_week_has_a_digest_again(tables: Tables, run: Run) -> None:
    """The guard holds for one week: Sunday belongs to it, Monday does not."""
    day = 24 * 3600
    use(tables, "2026-12-05")

    assert run(SATURDAY) == {"posted": 1}
    assert run(SATURDAY + day) == {"posted_before": 1}
    assert run(SATURDAY + 2 * day) == {"posted": 1}
    assert {row["sk"] for row in tables.rows("digest#")} == {"2026-W49", "2026-W50"}


# --- the budget ---------------------------------------------------------------------------------------------


def test_a_budget_is_looked_at_and_left_alone(tables: Tables, slack: Slack, run: Run) -> None:
    """What is spent, reserved and left is said as it stands; no period is opened for it."""
    ledger = tables.ledger(lambda: NOW)
    ledger.budgets((budget_of("5"),))
    settled, still_open = reservation_of("0.10"), reservation_of("1")
    ledger.reserve(settled)
    ledger.reserve(still_open)
    ledger.settle(settled, bill_of("0.04"))
    before = tables.rows("budget#")

    run(NOW)

    assert slack.words()[1] == (
        "This month's budget: $0.040 of $5.00 spent, $3.96 left until Tuesday, 1 December."
    )
    assert tables.rows("budget#") == before


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (PeriodKind.DAY, "Today's budget: $0 of $5.00 spent, $5.00 left until Sunday, 6 December."),
        (PeriodKind.WEEK, "This week's budget: $0 of $5.00 spent, $5.00 left until Monday, 7 December."),
        (PeriodKind.MONTH, "This month's budget: $0 of $5.00 spent, $5.00 left until Friday, 1 January."),
    ],
)
def test_a_period_without_a_message(
    tables: Tables, slack: Slack, run: Run, kind: PeriodKind, said: str
) -> None:
    """In a period in which nobody has asked yet, all of the limit is left."""
    use(tables, "2026-12-01")

    run(budget=replace(IN_BUDGET, period=kind))

    assert slack.words()[1] == said
    assert tables.rows("budget#") == []


def test_a_limit_that_was_changed_in_the_file(tables: Tables, slack: Slack, run: Run) -> None:
    """The digest speaks of the limit that the next message will find, also below what is spent."""
    ledger = tables.ledger(lambda: NOW)
    ledger.budgets((budget_of("5"),))
    settled = reservation_of("0.50")
    ledger.reserve(settled)
    ledger.settle(settled, bill_of("0.40"))

    run(NOW, replace(IN_BUDGET, channel_usd=usd("0.25")))

    assert "$0.40 of $0.25 spent, $0 left" in slack.words()[1]
    assert tables.row("budget#")["limit_usd"] == usd("5")


# --- a run --------------------------------------------------------------------------------------------------


def limited(after_s: str) -> httpx.Response:
    """Make Slack's wish to be left alone."""
    return httpx.Response(429, headers={"Retry-After": after_s}, json={"ok": False, "error": "ratelimited"})


def test_slack_wants_to_be_left_alone(tables: Tables, slack: Slack, run: Run) -> None:
    """The run waits as long as it is asked to, and posts then."""
    use(tables, "2026-12-01")
    slack.answers = [limited("7")]
    slept: list[float] = []

    assert run(sleep=slept.append) == {"posted": 1}
    assert slept == [7]


@pytest.mark.parametrize(("after_s", "seconds"), [("290", 900), ("50", STOP_BEFORE_S + 40)])
def test_no_time_to_leave_slack_alone(
    tables: Tables, slack: Slack, run: Run, after_s: str, seconds: float
) -> None:
    """A wait that is too long, or that the function would not outlive, is left to the next run."""
    use(tables, "2026-12-01")
    slack.answers = [limited(after_s)]

    with pytest.raises(SlackUnavailable):
        run(seconds=seconds, sleep=lambda _: pytest.fail("it waited"))

    assert run() == {"posted": 1}


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="no json"),
        httpx.Response(200, json={"ok": False, "error": "internal_error"}),
        httpx.Response(502, text="<html>"),
    ],
)
def test_an_answer_that_is_none(tables: Tables, slack: Slack, run: Run, answer: httpx.Response) -> None:
    """Whatever Slack says that is no answer, the next run looks for the post before it makes one."""
    use(tables, "2026-12-01")
    slack.answers = [answer]
    with pytest.raises(SlackUnavailable):
        run()

    assert run() == {"posted": 1}
    assert slack.asked == ["chat.postMessage", "conversations.history", "chat.postMessage"]


@pytest.mark.parametrize(
    "messages",
    [
        None,
        {},
        [None, 7, {"metadata": None}, {"metadata": "penny_digest"}],
        [{"ts": "9.9", "metadata": {"event_type": "penny_digest"}}],
        [{"ts": "9.9", "metadata": {"event_type": "penny_digest", "event_payload": {"week": "2026-W48"}}}],
        [{"ts": "9.9", "metadata": {"event_type": "other", "event_payload": {"week": "2026-W49"}}}],
    ],
)
def test_a_history_without_the_digest(tables: Tables, slack: Slack, run: Run, messages: Any) -> None:
    """Another week's digest, anyone's metadata and nonsense are not taken for this week's digest."""
    use(tables, "2026-12-01")
    slack.answers = [httpx.Response(502)]
    with pytest.raises(SlackUnavailable):
        run()
    slack.history = messages

    assert run() == {"posted": 1}
    assert len(slack.posted) == 1


def test_an_answer_without_a_ts(tables: Tables, slack: Slack, run: Run) -> None:
    """A post that Slack does not name is told as a refusal, and looked for the next time."""
    use(tables, "2026-12-01")
    slack.answers = [httpx.Response(200, json={"ok": True})]

    assert run() == {"refused": 1}
    slack.history = [
        {"ts": "9.9", "metadata": {"event_type": "penny_digest", "event_payload": {"week": "2026-W49"}}}
    ]
    assert run() == {"posted": 1}
    assert slack.posted == []
    assert tables.row("digest#")["ts"] == "9.9"


def test_a_row_of_a_newer_release(tables: Tables, slack: Slack, run: Run) -> None:
    """What a newer release wrote is not overwritten: the run fails, and nothing is posted."""
    use(tables, "2026-12-01")
    run()
    tables.write(tables.row("digest#"), v=99)

    with pytest.raises(TableUnavailable, match="version"):
        run()

    assert len(slack.posted) == 1
    assert tables.row("digest#")["v"] == 99


# --- the turn -----------------------------------------------------------------------------------------------


@pytest.fixture
def digests(tables: Tables) -> Digests:
    """Make the rows alone."""
    return Digests(tables.dynamo, tables.state)


def take(digests: Digests, owner: str = "run-1", at: float = NOW) -> Turn | NoTurn:
    """Take the turn of one channel and week."""
    return digests.take(CHANNEL, "2026-W47", owner, at)


@in_both
def test_one_run_has_the_turn(digests: Digests) -> None:
    """Of two runs at once, one posts; the same run asking again has it still."""
    mine = take(digests)

    assert mine == Turn(CHANNEL, "2026-W47", "run-1", tried_since=None)
    assert take(digests) == mine
    assert take(digests, "run-2", NOW + LEASE_S - 2) == NoTurn(Phase.POSTING)


@in_both
def test_a_dead_run_loses_its_turn(digests: Digests, tables: Tables) -> None:
    """After its lease another takes over and is told since when to look; a late word of the first is lost."""
    dead = take(digests)
    assert isinstance(dead, Turn)

    assert take(digests, "run-2", NOW + LEASE_S + 2) == Turn(CHANNEL, "2026-W47", "run-2", tried_since=NOW)
    digests.note(dead, Phase.POSTED, ts="1.1")

    assert tables.row("digest#")["phase"] == "posting"


@in_both
def test_a_turn_that_ended(digests: Digests) -> None:
    """Posted is the end; refused and unreachable may be tried again, so often and no more."""
    for number in range(MOST_TRIES):
        turn = take(digests, f"run-{number}", NOW + number)
        assert isinstance(turn, Turn)
        assert turn.tried_since == (NOW if number else None)
        digests.note(turn, Phase.REFUSED if number % 2 else Phase.UNREACHABLE, reason="why")

    assert take(digests, "one-more", NOW + 10 * LEASE_S) == NoTurn(Phase.UNREACHABLE)


@in_both
def test_weeks_and_channels_have_turns_of_their_own(digests: Digests) -> None:
    """A channel's digest stands in no other's way."""
    take(digests)

    assert isinstance(digests.take(CHANNEL, "2026-W48", "run-2", NOW), Turn)
    assert isinstance(digests.take(RANDOM, "2026-W47", "run-2", NOW), Turn)


# --- the words ----------------------------------------------------------------------------------------------


def digest_of(*models: ModelUse, **changes: Any) -> Digest:
    """Make a digest of the week before NOW."""
    budget = Budget(BudgetKind.CHANNEL, CHANNEL, "2026-11", usd("5"), usd("1.2"), usd(0), usd("3.8"))
    digest = Digest(
        since=date(2026, 11, 15),
        answers=1234,
        cost_usd=Decimal("0.4321"),
        budget=budget,
        period=period_at(PeriodKind.MONTH, NOW, UTC),
        months=("2026-11",),
        models=models or (ModelUse("a/one", 12, usd("0.4321")),),
    )
    return replace(digest, **changes)


def test_the_words() -> None:
    """Short sentences, in dollars and days."""
    digest = digest_of()

    assert digest_headline(digest) == "Since Sunday, 15 November: 1,234 answers for $0.43."
    assert budget_line(digest).startswith("This month's budget: $1.20 of $5.00 spent, $3.80 left until")
    assert models_line(digest) == "Models in November: a/one (12 answers, $0.43)."


def test_many_models() -> None:
    """The three dearest are named, the others counted."""
    models = [ModelUse(f"a/{name}", 2, usd("0.10")) for name in ("one", "two", "three", "four", "five")]

    line = models_line(digest_of(*models))

    assert line.endswith("a/three (2 answers, $0.10), 2 more.")
    assert "a/four" not in line


def test_names_from_outside_can_neither_mention_nor_format() -> None:
    """What a provider calls its model is shown as it is, at a bearable length, in blocks that Slack takes."""
    hostile = "<!channel> *bold* <https://evil.example|click> @everyone " + "x" * 5000
    blocks = digest_blocks(digest_of(*[ModelUse(f"{number}{hostile}", 1, usd("1")) for number in range(9)]))

    assert require_valid(blocks)
    assert {block["text"]["type"] for block in blocks if "text" in block} == {"plain_text"}
    assert {element["type"] for block in blocks[1:] for element in block["elements"]} == {"plain_text"}
    assert "<" not in digest_headline(digest_of()) + budget_line(digest_of())
    assert len(lines_of(blocks)[2]) < 400
