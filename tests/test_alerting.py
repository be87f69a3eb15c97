"""Alerting: each threshold of a budget is told once, to those who should know, whoever is faster or dies."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from playground.aws import LocalAws
from router.adapters.alerts import LEASE_S, Alerts, Phase
from router.adapters.ledger import BudgetRow
from router.adapters.openrouter import OpenRouter
from router.adapters.slack_web import SlackWeb
from router.alerting import GIVE_UP_AFTER_S, Alerting
from router.config import BudgetConfig
from router.domain.budget import BudgetKind, PeriodKind
from router.errors import SecretsUnavailable
from router.reconcile import reconcile_all
from tests.money import CHANNEL, MONTH, NOW, bill_of, budget_of, on_channel, reservation_of, usd
from tests.tables import Tables, fresh_tables, in_both, tables_for

CONFIG = BudgetConfig(
    usd("1"), usd("1"), PeriodKind.MONTH, ZoneInfo("UTC"), notify=("U0GRACE001", "U0ADA00001")
)
ALL: BudgetRow = (BudgetKind.WORKSPACE, "all", MONTH)


@dataclass
class Slack:
    """Slack on the wire: what was posted where, and how it answers if not as it should."""

    posted: list[tuple[str, str]] = field(default_factory=list)
    answers: list[httpx.Response] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one call."""
        if self.answers:
            return self.answers.pop(0)
        post = json.loads(request.content)
        self.posted.append((post["channel"], post["text"]))
        return httpx.Response(200, json={"ok": True, "ts": "1.1"})

    def told(self) -> list[str]:
        """Return which share each post tells of."""
        return ["up" if "used up the" in text else text.split(" used ")[1][:2] for _, text in self.posted]


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give each story tables of its own; afterwards the books balance."""
    yield from tables_for(request)


@pytest.fixture
def slack() -> Slack:
    """Make a Slack that takes everything."""
    return Slack()


@pytest.fixture
def web(slack: Slack) -> Iterator[SlackWeb]:
    """Make a client of that Slack."""
    with closing(SlackWeb("https://slack.test/api/", "xoxb-a", httpx.MockTransport(slack.answer))) as web:
        yield web


Alert = Callable[..., Alerting]


@pytest.fixture
def alerting(tables: Tables, web: SlackWeb) -> Alert:
    """Make what tells, `at` a moment."""

    def make(at: float = NOW, **changes: Any) -> Alerting:
        alerts = Alerts(tables.dynamo, tables.state)
        return Alerting(tables.ledger(), alerts, web, replace(CONFIG, **changes), clock=lambda: at)

    return make


def spend(tables: Tables, cost: str, *budgets: BudgetRow, limit: str = "1") -> tuple[BudgetRow, ...]:
    """Let an answer cost something; return what it was charged to."""
    names = budgets or (on_channel(),)
    tables.ledger().budgets(tuple(budget_of(limit, name, kind) for kind, name, _ in names))
    reservation = reservation_of("0", budgets=names)
    tables.ledger().reserve(reservation)
    tables.ledger().settle(reservation, bill_of(cost))
    return names


@in_both
def test_each_threshold_is_told_once(tables: Tables, slack: Slack, alerting: Alert) -> None:
    """As money is spent, each threshold is told in the channel when it is crossed, and never again."""
    for cost in ("0.49", "0.01", "0.29", "0.01", "0.10", "0.10", "0.10"):
        alerting().look(spend(tables, cost))

    assert slack.told() == ["50", "80", "up"]
    assert {to for to, _ in slack.posted} == {CHANNEL}
    assert {row["phase"] for row in tables.rows("alert#")} == {"posted"}
    assert not [row for row in tables.rows("alert#") if "open" in row]


def test_a_leap_over_two_thresholds_tells_the_higher_one(
    tables: Tables, slack: Slack, alerting: Alert
) -> None:
    """One dear answer is one alert, not two at once."""
    alerting().look(spend(tables, "0.85"))
    alerting().look(spend(tables, "0.01"))

    assert slack.told() == ["80"]


def test_twenty_settlements_cross_it_at_once(aws: LocalAws, slack: Slack, web: SlackWeb) -> None:
    """Whoever looks first tells; the condition of the row stops the others."""
    tables = fresh_tables(aws.url)
    name = spend(tables, "0.79")
    alerts = Alerts(tables.dynamo, tables.state)
    alerting = Alerting(tables.ledger(), alerts, web, CONFIG, clock=lambda: NOW)

    def settle_and_look(_: int) -> None:
        reservation = reservation_of("0")
        tables.ledger().reserve(reservation)
        tables.ledger().settle(reservation, bill_of("0.005"))
        alerting.look(name)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(settle_and_look, range(20)))

    told = Counter(slack.told())
    assert set(told) <= {"50", "80"}
    assert told["80"] == 1
    assert told["50"] <= 1


def test_a_new_period_is_told_anew(tables: Tables, slack: Slack, alerting: Alert) -> None:
    """Thresholds belong to a budget's period."""
    alerting().look(spend(tables, "0.60"))
    row = tables.row("budget#")
    tables.write({name: value for name, value in row.items() if name != "alerted"}, sk="2026-10")
    alerting().look(((BudgetKind.CHANNEL, CHANNEL, "2026-10"),))
    tables.delete(row | {"sk": "2026-10"})

    assert slack.told() == ["50", "50"]


def test_a_raised_limit_is_told_anew(tables: Tables, slack: Slack, alerting: Alert) -> None:
    """What the raise puts out of reach is told when it is reached again; what is crossed already is not."""
    alerting().look(spend(tables, "0.80"))
    alerting().look(spend(tables, "0", limit="1.5"))
    alerting().look(spend(tables, "0.40", limit="1.5"))
    alerting().look(spend(tables, "0.30", limit="1.5"))

    assert slack.told() == ["80", "80", "up"]


def test_a_lowered_limit_is_told(tables: Tables, slack: Slack, alerting: Alert) -> None:
    """A limit below what is spent is a budget that is used up, and nobody was told yet."""
    alerting().look(spend(tables, "0.60"))
    alerting().look(spend(tables, "0", limit="0.5"))

    assert slack.told() == ["50", "up"]


def test_a_budget_whose_last_cents_buy_nothing_is_used_up(
    tables: Tables, slack: Slack, alerting: Alert
) -> None:
    """A refusal is told as the last threshold, though some cents are left; once."""
    (name,) = spend(tables, "0.9999")
    alerting().look((name,), used_up=name)
    alerting().look((name,), used_up=name)

    assert slack.told() == ["up"]


def test_the_workspace_is_told_to_those_named(tables: Tables, slack: Slack, alerting: Alert) -> None:
    """What is no channel's is told to each person of the config, once."""
    ada: BudgetRow = (BudgetKind.USER, "U0ADA00001", MONTH)
    alerting().look(spend(tables, "0.50", on_channel(), ada, ALL))

    assert sorted(to for to, _ in slack.posted) == [CHANNEL, *["U0ADA00001"] * 2, *["U0GRACE001"] * 2]
    assert {text.split(" has ")[0] for to, text in slack.posted if to != CHANNEL} == {
        "<@U0ADA00001>",
        "The workspace",
    }


def test_nobody_to_be_told(tables: Tables, slack: Slack, alerting: Alert) -> None:
    """Without people in the config and without thresholds nothing is posted, and nothing fails."""
    alerting(notify=()).look(spend(tables, "0.60", ALL))
    alerting(alerts=()).look(spend(tables, "0.60"))

    assert slack.posted == []
    assert tables.rows("alert#") == []


# --- what can go wrong --------------------------------------------------------------------------------------


@in_both
def test_a_worker_that_dies_before_it_posts(tables: Tables, slack: Slack, alerting: Alert) -> None:
    """What was marked and not posted is posted by the reconciler, with the figures of then, once."""
    (name,) = spend(tables, "0.60")
    (budget,) = tables.ledger().rows((name,))
    Alerts(tables.dynamo, tables.state).mark(budget, 50, (CHANNEL,), NOW)

    assert alerting(NOW + 1).post_left() == {}
    assert alerting(NOW + LEASE_S + 1).post_left() == {"posted": 1}
    assert alerting(NOW + 2 * LEASE_S + 2).post_left() == {}
    assert slack.told() == ["50"]


def test_slack_is_away_for_a_while(tables: Tables, slack: Slack, alerting: Alert) -> None:
    """An alert that Slack did not take waits for the reconciler, which tries until it is posted."""
    slack.answers = [httpx.Response(503), httpx.Response(503)]
    alerting().look(spend(tables, "0.60"))

    assert alerting(NOW + LEASE_S + 1).post_left() == {"posting": 1}
    assert alerting(NOW + 2 * LEASE_S + 2).post_left() == {"posted": 1}
    assert slack.told() == ["50"]


def test_slack_is_away_for_a_day(
    tables: Tables, slack: Slack, alerting: Alert, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then the alert is given up, with a line in the journal."""
    slack.answers = [httpx.Response(503), httpx.Response(503)]
    alerting().look(spend(tables, "0.60"))

    assert alerting(NOW + GIVE_UP_AFTER_S).post_left() == {"given_up": 1}
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["at"], last["outcome"], last["threshold"]) == ("alert", "given_up", 50)


@in_both
def test_slack_refuses(tables: Tables, slack: Slack, alerting: Alert) -> None:
    """A channel that takes no posts is not tried again."""
    slack.answers = [httpx.Response(200, json={"ok": False, "error": "is_archived"})]
    alerting().look(spend(tables, "0.60"))

    assert alerting(NOW + LEASE_S + 1).post_left() == {}
    row = tables.row("alert#")
    assert (row["phase"], row["reason"]) == (Phase.REFUSED, "is_archived")


@in_both
def test_two_reconcilers_post_once(tables: Tables, alerting: Alert) -> None:
    """An alert that someone took over is left to them."""
    (name,) = spend(tables, "0.60")
    (budget,) = tables.ledger().rows((name,))
    alerts = Alerts(tables.dynamo, tables.state)
    (marked,) = alerts.mark(budget, 50, (CHANNEL,), NOW)

    assert alerts.take(marked, NOW + LEASE_S + 1)
    assert not alerts.take(marked, NOW + LEASE_S + 1)
    assert alerting(NOW + LEASE_S + 2).post_left() == {}


@in_both
def test_a_limit_that_moves_meanwhile(tables: Tables, slack: Slack, alerting: Alert) -> None:
    """What was seen under the old limit is not told under the new one."""
    (name,) = spend(tables, "0.60")
    (seen,) = tables.ledger().rows((name,))
    spend(tables, "0", limit="5")

    assert Alerts(tables.dynamo, tables.state).mark(seen, 50, (CHANNEL,), NOW) == []
    alerting().look((name,))
    assert slack.posted == []


def test_a_table_that_is_away_stops_no_answer(
    tables: Tables, slack: Slack, alerting: Alert, capsys: pytest.CaptureFixture[str]
) -> None:
    """What could not be looked at is written down, and told after the next settlement."""
    names = spend(tables, "0.60")
    row = tables.row("budget#")
    tables.write(row, v=2)

    alerting().look(names)
    assert json.loads(capsys.readouterr().out)["outcome"] == "not_looked"

    tables.write(row)
    alerting().look(spend(tables, "0.01"))
    assert slack.told() == ["50"]


# --- in the reconciler --------------------------------------------------------------------------------------


@pytest.fixture
def openrouter() -> Iterator[OpenRouter]:
    """Make an OpenRouter that knows of no call."""
    nothing = httpx.MockTransport(lambda _: httpx.Response(404, json={"error": {"code": 404}}))
    with closing(OpenRouter("https://or.test/api/v1", "sk-or-test", nothing)) as client:
        yield client


def test_what_the_reconciler_settles_is_told(
    tables: Tables, slack: Slack, alerting: Alert, openrouter: OpenRouter
) -> None:
    """An estimate that becomes the charge can cross a threshold too."""
    tables.ledger().budgets((budget_of("1"),))
    tables.ledger().reserve(reservation_of("0.60", lease_until=1000.0))

    assert reconcile_all(tables.ledger(), openrouter, 60, alerting) == {"estimated": 1}

    assert slack.told() == ["50"]


def test_without_a_token_the_money_is_settled(
    tables: Tables, openrouter: OpenRouter, capsys: pytest.CaptureFixture[str]
) -> None:
    """That nothing can be posted stops no settlement."""
    tables.ledger().budgets((budget_of("1"),))
    tables.ledger().reserve(reservation_of("0.60", lease_until=1000.0))

    def no_token() -> Alerting:
        raise SecretsUnavailable("SLACK_BOT_TOKEN: not there")

    assert reconcile_all(tables.ledger(), openrouter, 60, no_token) == {"estimated": 1}
    assert "SLACK_BOT_TOKEN" in capsys.readouterr().out
