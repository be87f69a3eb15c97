"""Verifying: the books are what the records add up to, or the difference is named to the last digit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from playground.aws import REGION, LocalAws
from router.adapters.ledger import BudgetRow
from router.adapters.table import Dynamo
from router.command import CannotDo, verify_lines
from router.domain.budget import BudgetKind, BudgetPeriod, Limit, PeriodKind
from router.errors import TableUnavailable
from router.settings import Settings
from router.verify import Difference, Verified, Verifying
from tests.dynamodb_rules import checked_session
from tests.money import CHANNEL, MONTH, bill_of, facts_of, reservation_of, usd
from tests.tables import BACKENDS, Tables, fresh_tables, tables_for

A_TRILLIONTH = Decimal("0.000000000001")
ALL: BudgetRow = (BudgetKind.WORKSPACE, "all", MONTH)


def pay(tables: Tables, day: str, cost: str, channel: str = CHANNEL, **bill: Any) -> None:
    """Let an answer cost something on a day: by the week for the channel, by the day for the user."""
    moment = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC).timestamp()
    owners = ((BudgetKind.CHANNEL, channel), (BudgetKind.USER, "U0ADA00001"), (BudgetKind.WORKSPACE, "all"))
    kinds = (PeriodKind.WEEK, PeriodKind.DAY, PeriodKind.MONTH)
    periods = tuple(
        BudgetPeriod(*owner, moment, UTC, Limit(usd(9), per))
        for owner, per in zip(owners, kinds, strict=True)
    )
    names = tuple(budget.row for budget in tables.ledger().budgets(periods))
    started_at = Decimal(f"{moment:.3f}")
    facts = facts_of(channel=channel, day=day, month=day[:7], started_at=started_at)
    reservation = reservation_of("1", budgets=names, facts=facts)
    tables.ledger().reserve(reservation)
    if cost:
        tables.ledger().settle(reservation, bill_of(cost, **bill))


def fill(tables: Tables) -> None:
    """Fill a month, and the weeks that reach out of it on both sides; one answer is still under way."""
    pay(tables, "2026-10-27", "0.11")  # the week that reaches in
    pay(tables, "2026-10-20", "0.77")  # no week of this month
    pay(tables, "2026-11-01", "0.12")
    pay(tables, "2026-11-15", "0.003", "C0RANDOM01", model="other/one")
    pay(tables, "2026-11-15", "0.2", estimated=True)
    pay(tables, "2026-11-30", "0.13")
    pay(tables, "2026-12-01", "0.14", "C0RANDOM01")  # the week that reaches out
    pay(tables, "2026-11-22", "")


@pytest.fixture(scope="module")
def tables(aws: LocalAws) -> Iterator[Tables]:
    """Make tables with a month in them, once: whatever a story breaks it mends, and the books balance."""
    tables = fresh_tables(aws.url)
    fill(tables)
    yield tables
    tables.check_books()


@pytest.fixture(params=BACKENDS)
def either(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give a story tables of its own."""
    yield from tables_for(request)


def verify(tables: Tables, month: str = MONTH) -> Verified:
    """Recompute a month."""
    return Verifying(tables.usage_table(), tables.ledger(), month, UTC).verify()


def broken(tables: Tables, prefix: str, sk: str, **changes: Any) -> Callable[[], None]:
    """Change attributes of a row; return what mends it."""
    (row,) = (row for row in tables.rows(prefix) if row["sk"] == sk)
    tables.write(row, **changes)
    return lambda: tables.write(row)


def test_books_that_agree(either: Tables) -> None:
    """Every record, every sum and every budget that was charged is looked at, over the month's edges."""
    fill(either)

    verified = verify(either)

    assert verified.differences == ()
    assert (verified.records, verified.rollups) == (4, 10)
    assert verified.budgets == 4 + 2 + 4 + 1  # weeks of two channels, days with answers, the month of all


def test_a_month_without_answers(tables: Tables) -> None:
    """Nothing is no difference."""
    assert verify(tables, "2020-01") == Verified("2020-01", 0, 0, 0, ())


def test_a_sum_that_is_wrong_by_a_trillionth(tables: Tables) -> None:
    """Which sum of which channel it is, what stands there and what should, with every digit."""
    right = usd("0.45")
    mend = broken(tables, f"rollup#{CHANNEL}#{MONTH}", "total#all", cost_usd=right + A_TRILLIONTH)

    found = [d for d in verify(tables).differences if "(index)" not in d.row]
    mend()

    row = f"rollup {CHANNEL} {MONTH} total all"
    assert found == [Difference(row, "cost_usd", Decimal("0.450000000001"), right)]


@pytest.mark.parametrize("attribute", ["answers", "prompt_tokens", "completion_tokens", "estimated_usd"])
def test_any_sum_that_is_wrong(tables: Tables, attribute: str) -> None:
    """Answers, tokens and what is estimated are recomputed too."""
    mend = broken(tables, f"rollup#{CHANNEL}#{MONTH}", "user#U0ADA00001", **{attribute: 7})

    found = verify(tables).differences
    mend()

    assert (f"rollup {CHANNEL} {MONTH} user U0ADA00001", attribute) in {(d.row, d.attribute) for d in found}


def test_a_record_that_is_gone(tables: Tables) -> None:
    """All that it was a part of is named: its four sums and its three budgets."""
    (row,) = (row for row in tables.rows(f"records#{CHANNEL}#{MONTH}") if row["day"] == "2026-11-30")
    tables.delete(row)

    named = {d.row for d in verify(tables).differences}
    tables.write(row)

    assert named == {
        *(f"rollup {CHANNEL} {MONTH} {of}" for of in ("total all", "user U0ADA00001", "day 2026-11-30")),
        f"rollup {CHANNEL} {MONTH} model openai/gpt-6.1-terra",
        f"budget channel {CHANNEL} 2026-W49",
        "budget user U0ADA00001 2026-11-30",
        "budget workspace all 2026-11",
    }


@pytest.mark.parametrize(
    ("pk", "sk", "attribute"),
    [
        (f"budget#channel#{CHANNEL}", "2026-W44", "spent_usd"),
        ("budget#user#U0ADA00001", "2026-11-15", "spent_usd"),
        ("budget#workspace#all", MONTH, "reserved_usd"),
    ],
)
def test_a_budget_that_is_wrong(tables: Tables, pk: str, sk: str, attribute: str) -> None:
    """What it says, what the records say, and that its parts do not add up any more."""
    (before,) = (row[attribute] for row in tables.rows(pk) if row["sk"] == sk)
    mend = broken(tables, pk, sk, **{attribute: before + A_TRILLIONTH})

    found = {(d.attribute, d.books, d.recomputed) for d in verify(tables).differences}
    mend()

    assert (attribute, before + A_TRILLIONTH, before) in found
    assert {name for name, _, _ in found} == {attribute, "remaining_usd"}


def test_a_budget_that_is_gone(tables: Tables) -> None:
    """A row that records were charged to and that is not there is named."""
    (row,) = tables.rows("budget#workspace#")[1:2]
    tables.delete(row)

    found = verify(tables).differences
    tables.write(row)

    name = "budget workspace all 2026-11"
    assert found == (Difference(name, "spent_usd", None, usd("0.453")),)


def test_a_record_of_a_newer_release(tables: Tables) -> None:
    """It is not guessed at: the check says that it cannot be made."""
    row = tables.rows(f"records#{CHANNEL}#{MONTH}")[0]
    tables.write(row, v=2)

    with pytest.raises(TableUnavailable, match="row version 2"):
        verify(tables)
    tables.write(row)


def test_nothing_scans(aws: LocalAws, tables: Tables) -> None:
    """However much there is to read, it is read by queries of what is asked for."""
    asked = set[str]()

    def note(model: Any, **_: Any) -> None:
        asked.add(model.name)

    with checked_session(before_parameter_build=note):
        dynamo = Dynamo(aws.url, REGION)

    assert verify(replace(tables, dynamo=dynamo)).differences == ()
    assert asked == {"Query"}


# --- the command --------------------------------------------------------------------------------------------


@pytest.fixture
def settings(aws: LocalAws, tables: Tables, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Point the command at the tables of the local AWS."""
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")):
        monkeypatch.setenv(name, value)
    return Settings(
        state_table=tables.state, usage_table=tables.usage, aws_endpoint_url=aws.url, aws_region=REGION
    )


def told(settings: Settings, form: str = "table", then: Callable[[], None] = lambda: None) -> str:
    """Run the command; `then` happens before its second look."""
    return "\n".join(verify_lines(settings, lambda _: None, MONTH, form, sleep=lambda _: then()))


def test_the_command_says_that_all_agree(settings: Settings) -> None:
    """One line says what was looked at."""
    assert told(settings).endswith("4 records, 10 rollups, 11 budgets: all agree to the last digit.")


def test_the_command_names_what_is_wrong_and_fails(settings: Settings, tables: Tables) -> None:
    """The difference is told with all its digits, then the command fails."""
    mend = broken(tables, f"rollup#{CHANNEL}#{MONTH}", "total#all", cost_usd=usd("0.450000000001"))
    lines = verify_lines(settings, lambda _: None, MONTH, "table", sleep=lambda _: None)

    text = next(lines)
    with pytest.raises(CannotDo, match="are not what the usage records add up to"):
        next(lines)
    mend()

    assert "0.450000000001" in text
    assert "total all" in text


def test_what_was_under_way_is_no_difference(settings: Settings, tables: Tables) -> None:
    """Only what is wrong at both looks is wrong."""
    mend = broken(tables, f"rollup#{CHANNEL}#{MONTH}", "total#all", cost_usd=usd(1))

    assert "all agree" in told(settings, then=mend)
