"""Limits that are set while Penny runs: they win over the file's and count at once; who did it is known."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from playground.aws import LocalAws
from router.adapters.ledger import Reserved, Short
from router.adapters.limits import Limits
from router.budgets import WORKSPACE, BudgetName, Budgets
from router.config import BudgetConfig
from router.domain.budget import Budget, BudgetKind, Limit, PeriodKind
from router.errors import TableUnavailable
from tests.money import CHANNEL, MONTH, NOW, bill_of, budget_of, reservation_of, usd
from tests.tables import Tables, fresh_tables, in_both, tables_for
from tests.usage_rows import spend

DAY, WEEK, PER_MONTH = PeriodKind.DAY, PeriodKind.WEEK, PeriodKind.MONTH
GENERAL: BudgetName = (BudgetKind.CHANNEL, CHANNEL)
ADA: BudgetName = (BudgetKind.USER, "U0ADA00001")


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give each story tables of its own; afterwards the books balance."""
    yield from tables_for(request)


def config_of(
    limit: str = "1", per: PeriodKind = PER_MONTH, zone: str = "UTC", **more: Decimal
) -> BudgetConfig:
    """Configure limits as the file does."""
    return BudgetConfig(usd(limit), usd("0.5"), per, ZoneInfo(zone), **more)  # type: ignore[arg-type]


def budgets_of(tables: Tables, config: BudgetConfig | None = None, now: float = NOW) -> Budgets:
    """Make the budgets at a moment."""
    limits = Limits(tables.dynamo, tables.state)
    config = config or config_of()
    return Budgets(tables.ledger(), limits, tables.usage_table(), config, clock=lambda: now)


def look(tables: Tables, config: BudgetConfig | None = None, now: float = NOW) -> Budget:
    """Look at the channel's budget as the next message does."""
    (budget,) = tables.ledger().budgets(((config or config_of()).of(*GENERAL, now),), consistent=True)
    return budget


def pay(tables: Tables, cost: str, period_key: str = MONTH) -> None:
    """Let an answer of the channel cost something."""
    reservation = reservation_of(cost, budgets=((*GENERAL, period_key),))
    assert tables.ledger().reserve(reservation) == Reserved()
    assert tables.ledger().settle(reservation, bill_of(cost))


def at(moment: str, zone: str = "UTC") -> float:
    """Read a local time."""
    return datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)).timestamp()


# --- set and take back --------------------------------------------------------------------------------------


@in_both
def test_a_job_sets_a_limit_once(tables: Tables) -> None:
    """Delivered again it changes nothing and says so, also when someone has changed the limit meanwhile."""
    budgets = budgets_of(tables)
    assert not budgets.set_limit(GENERAL, usd(25), None, "ada", "command-1").is_repeat
    budgets.set_limit(GENERAL, usd(30), None, "grace", "command-2")

    again = budgets.set_limit(GENERAL, usd(25), None, "ada", "command-1")

    assert again.is_repeat
    assert again.after == Limit(usd(30), PER_MONTH)
    assert [change.set_by for change in budgets.changes(GENERAL)] == ["ada", "grace"]


@in_both
def test_a_limit_that_was_set_wins_over_the_file(tables: Tables) -> None:
    """It counts for the period under way at once; what was spent stays, and the file has no say any more."""
    look(tables)
    pay(tables, "0.30")

    changed = budgets_of(tables).set_limit(GENERAL, usd(25), None, "ada")

    assert (changed.before, changed.after) == (Limit(usd(1), PER_MONTH), Limit(usd(25), PER_MONTH))
    assert tables.row("budget#")["remaining_usd"] == usd("24.70")
    for in_file in ("1", "7"):
        assert look(tables, config_of(in_file)).limit_usd == 25


@in_both
def test_a_limit_that_was_taken_back(tables: Tables) -> None:
    """The file's limit counts again, at once, and later changes of the file too."""
    budgets = budgets_of(tables)
    budgets.set_limit(GENERAL, usd(25), None, "ada")

    changed = budgets.unset_limit(GENERAL, "grace")

    assert changed.after == Limit(usd(1), PER_MONTH)
    assert changed.standing
    assert changed.standing.set_limit is None
    assert tables.row("budget#")["remaining_usd"] == 1
    assert look(tables, config_of("3")).remaining_usd == 3


def test_below_what_is_spent(tables: Tables) -> None:
    """What remains is negative, nothing is admitted, what is under way settles, and raising it mends it."""
    look(tables)
    pay(tables, "0.60")
    under_way = reservation_of("0.20")
    tables.ledger().reserve(under_way)

    changed = budgets_of(tables).set_limit(GENERAL, usd("0.5"), None, "ada")

    assert changed.standing
    assert changed.standing.budget.remaining_usd == usd("-0.30")
    assert isinstance(tables.ledger().reserve(reservation_of("0.01")), Short)
    assert tables.ledger().settle(under_way, bill_of("0.05"))
    budgets_of(tables).set_limit(GENERAL, usd(1), None, "ada")
    assert tables.row("budget#")["remaining_usd"] == usd("0.35")


@in_both
def test_who_changed_what_is_written_down(tables: Tables) -> None:
    """Every change has who made it, when, from what and to what; they stay when the limit is taken back."""
    budgets_of(tables, now=NOW).set_limit(GENERAL, usd(25), None, "ada")
    budgets_of(tables, now=NOW + 60).set_limit(GENERAL, usd(2), DAY, "grace")
    budgets_of(tables, now=NOW + 90).unset_limit(GENERAL, "ada")

    found = [(c.set_by, c.set_at - int(NOW), c.before, c.after) for c in budgets_of(tables).changes(GENERAL)]

    assert found == [
        ("ada", 0, None, Limit(usd(25), PER_MONTH)),
        ("grace", 60, Limit(usd(25), PER_MONTH), Limit(usd(2), DAY)),
        ("ada", 90, Limit(usd(2), DAY), None),
    ]


def test_many_who_set_at_once(aws: LocalAws) -> None:
    """Each change is written down or told to have failed, and the last one is the one that counts."""
    tables = fresh_tables(aws.url)
    start = threading.Barrier(4)

    def set_to(amount: int) -> str:
        start.wait(10)
        try:
            budgets_of(tables).set_limit(GENERAL, usd(amount), None, f"person {amount}")
        except TableUnavailable:
            return "failed"
        return f"person {amount}"

    with ThreadPoolExecutor(4) as pool:
        done = [*pool.map(set_to, range(1, 5))]

    changes = budgets_of(tables).changes(GENERAL)
    assert sorted(c.set_by for c in changes) == sorted(one for one in done if one != "failed")
    assert [c.before for c in changes[1:]] == [c.after for c in changes[:-1]]
    last = changes[-1].after
    assert last
    assert look(tables).limit_usd == last.amount_usd


@in_both
def test_who_read_the_limit_too_early_cannot_move_it_back(tables: Tables) -> None:
    """A worker that saw the table before the change finds its older limit refused, in the row itself."""
    look(tables)
    budgets_of(tables).set_limit(GENERAL, usd(25), None, "ada")
    known = tables.row("limits")
    tables.delete(known)

    assert look(tables).limit_usd == 25

    tables.write(known)
    assert tables.row("budget#")["remaining_usd"] == 25


def test_a_limit_that_a_newer_release_wrote_stops_the_message(tables: Tables) -> None:
    """No limit that can be read, no call."""
    budgets_of(tables).set_limit(GENERAL, usd(25), None, "ada")
    tables.write(tables.row("limits"), v=2)

    with pytest.raises(TableUnavailable, match="row version 2"):
        look(tables)
    with pytest.raises(TableUnavailable):
        budgets_of(tables).set_limit(GENERAL, usd(1), None, "ada")


def test_a_user_without_a_limit_gets_one(tables: Tables) -> None:
    """Where the file has none, no budget applies, until one is set; taken back, none applies again."""
    budgets = budgets_of(tables)
    assert budgets.show(ADA) is None

    set_for_ada = budgets.set_limit(ADA, usd(3), WEEK, "grace")

    assert set_for_ada.before is None
    assert [b.limit_usd for b in tables.ledger().budgets((config_of().of(*ADA, NOW),))] == [3]
    assert budgets.unset_limit(ADA, "grace").standing is None
    assert tables.ledger().budgets((config_of().of(*ADA, NOW),)) == ()


# --- another period, another zone ---------------------------------------------------------------------------


def test_another_kind_of_period_begins_anew(tables: Tables) -> None:
    """It has a row of its own with nothing spent; what is reserved settles where it was."""
    look(tables)
    pay(tables, "0.30")
    under_way = reservation_of("0.20")
    tables.ledger().reserve(under_way)
    budgets = budgets_of(tables)

    budgets.set_limit(GENERAL, usd(2), WEEK, "ada")

    week = look(tables)
    assert (week.period_key, week.spent_usd, week.remaining_usd) == ("2026-W47", usd(0), usd(2))
    assert tables.ledger().settle(under_way, bill_of("0.10"))
    pay(tables, "0.05", "2026-W47")
    back = budgets.set_limit(GENERAL, usd(1), PER_MONTH, "ada").standing
    assert back
    assert (back.budget.period_key, back.budget.spent_usd) == (MONTH, usd("0.40"))


def test_another_zone_moves_the_edges_and_keeps_the_rows(tables: Tables) -> None:
    """An hour before a month's end here it is the next one there: each period keeps what was spent in it."""
    moment = at("2026-11-30T23:30")
    here, there = config_of(), config_of(zone="Europe/Berlin")
    assert look(tables, here, moment).period_key == "2026-11"
    pay(tables, "0.30")

    in_berlin = look(tables, there, moment)

    assert (in_berlin.period_key, in_berlin.spent_usd) == ("2026-12", usd(0))
    assert look(tables, here, moment).spent_usd == usd("0.30")


@pytest.mark.parametrize(
    ("moment", "per", "key", "renews"),
    [
        ("2026-03-29T01:59", DAY, "2026-03-29", "2026-03-30T00:00:00+02:00"),  # a day of 23 hours
        ("2026-10-25T23:59", DAY, "2026-10-25", "2026-10-26T00:00:00+01:00"),  # a day of 25 hours
        ("2028-02-29T12:00", DAY, "2028-02-29", "2028-03-01T00:00:00+01:00"),
        ("2028-02-29T23:59", PER_MONTH, "2028-02", "2028-03-01T00:00:00+01:00"),
        ("2026-12-31T23:59", WEEK, "2026-W53", "2027-01-04T00:00:00+01:00"),
        ("2027-01-01T00:00", WEEK, "2026-W53", "2027-01-04T00:00:00+01:00"),
        ("2026-12-31T23:59", PER_MONTH, "2026-12", "2027-01-01T00:00:00+01:00"),
        ("2026-10-31T23:59", PER_MONTH, "2026-10", "2026-11-01T00:00:00+01:00"),
    ],
)
def test_the_calendar_decides_where_a_period_ends(
    tables: Tables, moment: str, per: PeriodKind, key: str, renews: str
) -> None:
    """A budget's row, and when it is said to renew, follow the clocks of the zone."""
    budgets = budgets_of(tables, config_of(zone="Europe/Berlin"), at(moment, "Europe/Berlin"))

    standing = budgets.set_limit(GENERAL, usd(2), per, "ada").standing

    assert standing
    assert (standing.budget.period_key, standing.period.renews.isoformat()) == (key, renews)
    assert tables.row("budget#")["sk"] == key


# --- looking ------------------------------------------------------------------------------------------------


def test_looking_opens_no_period(tables: Tables) -> None:
    """A budget that nobody has used is shown with all of its limit, and nothing is written."""
    found = budgets_of(tables).show(GENERAL)

    assert found
    assert (found.budget.limit_usd, found.budget.remaining_usd, found.set_limit) == (usd(1), usd(1), None)
    assert tables.rows() == []


@in_both
def test_all_budgets_in_use(tables: Tables) -> None:
    """The workspace, those with a limit of their own, and those used this month, the dearest first."""
    for channel, cost in (("C0RANDOM01", "0.20"), (CHANNEL, "0.05")):
        config = config_of()
        tables.ledger().budgets((config.of(BudgetKind.CHANNEL, channel, NOW),))
        reservation = reservation_of(cost, channel=channel)
        tables.ledger().reserve(reservation)
        tables.ledger().settle(reservation, bill_of(cost))
    budgets = budgets_of(tables)
    budgets.set_limit((BudgetKind.CHANNEL, "C0QUIET001"), usd(3), None, "ada")
    budgets.set_limit(WORKSPACE, usd(100), None, "ada")

    found = budgets.show_all()

    assert [(s.budget.kind, s.budget.id) for s in found] == [
        WORKSPACE,
        (BudgetKind.CHANNEL, "C0RANDOM01"),
        GENERAL,
        (BudgetKind.CHANNEL, "C0QUIET001"),
    ]
    assert [bool(s.set_limit) for s in found] == [True, False, False, True]


def test_users_are_listed_where_the_file_limits_them(tables: Tables) -> None:
    """A user who asked something this month is in the list with what is left to them."""
    spend(tables, "0.10", user="U0GRACE001")

    found = budgets_of(tables, config_of(user_usd=usd(2))).show_all()

    assert [s.budget.id for s in found] == ["U0GRACE001", CHANNEL]


def test_more_budgets_than_one_read_takes(tables: Tables) -> None:
    """Each is looked at, however many there are."""
    asked = tuple(budget_of("1", f"C0CHANNEL{n:02}") for n in range(30))

    assert len(tables.ledger().peek(asked)) == 30
