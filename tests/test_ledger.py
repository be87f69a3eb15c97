"""The ledger: every way of a reservation, and the books after each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from router.adapters.ledger import ENDED_KEPT_S, Reservation, Reserved, Short, budget_key, reservation_key
from router.domain.budget import Budget, BudgetKind, BudgetPeriod, Limit, PeriodKind
from router.domain.tally import Answers
from router.errors import TableUnavailable
from tests.money import (
    CHANNEL,
    LEASE_S,
    MONTH,
    NOW,
    bill_of,
    budget_of,
    facts_of,
    on_channel,
    reservation_of,
    usd,
)
from tests.rows import Row
from tests.tables import Tables, in_both, tables_for

USER = (BudgetKind.USER, "U0ADA00001", MONTH)
WORKSPACE = (BudgetKind.WORKSPACE, "T0TEAM0001", MONTH)


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """Give each story tables of its own; afterwards the books balance."""
    yield from tables_for(request)


def open_budget(tables: Tables, limit: str = "1.00", name: str = CHANNEL) -> Budget:
    """Look at a channel's budget, which opens its period."""
    (budget,) = tables.ledger().budgets((budget_of(limit, name),), consistent=True)
    return budget


def state_of(tables: Tables, reservation_id: str) -> str:
    """Read the state of a reservation's row."""
    return str(tables.row(f"reservation#{reservation_id}")["state"])


# the budgets of a period


def test_the_first_look_opens_a_period(tables: Tables) -> None:
    """A budget that nobody has seen this month begins with its whole limit, and a second look finds that."""
    first = open_budget(tables, "5")

    assert first == open_budget(tables, "5")
    assert first == Budget(BudgetKind.CHANNEL, CHANNEL, MONTH, usd(5), usd(0), usd(0), usd(5))


def test_budgets_come_in_the_order_asked(tables: Tables) -> None:
    """Opened before or not, each budget stands where it was asked for."""
    asked = tuple(
        budget_of(limit, name, kind)
        for limit, name, kind in [
            ("3", "U0ADA00001", BudgetKind.USER),
            ("9", "T0TEAM0001", BudgetKind.WORKSPACE),
            ("1", CHANNEL, BudgetKind.CHANNEL),
        ]
    )
    open_budget(tables, "1")

    budgets = tables.ledger().budgets(asked)

    assert [(b.kind, b.id) for b in budgets] == [(p.kind, p.id) for p in asked]
    assert [b.limit_usd for b in budgets] == [usd(3), usd(9), usd(1)]


@in_both
@pytest.mark.parametrize("limit", ["3.00", "0.25", "0.05", "0"])
def test_a_changed_limit_moves_what_remains(tables: Tables, limit: str) -> None:
    """A new limit in the file counts at once, up or down, below what is spent too; nothing else moves."""
    open_budget(tables, "1.00")
    settled, held = reservation_of("0.30"), reservation_of("0.10")
    for reservation in (settled, held):
        tables.ledger().reserve(reservation)
    tables.ledger().settle(settled, bill_of("0.15"))

    budget = open_budget(tables, limit)

    assert (budget.spent_usd, budget.reserved_usd) == (usd("0.15"), usd("0.10"))
    assert budget.limit_usd == usd(limit)
    assert budget.remaining_usd == usd(limit) - usd("0.25")
    assert budget == open_budget(tables, limit)


def test_below_a_lowered_limit_nothing_is_reserved_and_all_ends_well(tables: Tables) -> None:
    """A limit below what is spent and reserved admits nothing more; what is under way is still settled."""
    open_budget(tables, "1.00")
    under_way = reservation_of("0.50")
    tables.ledger().reserve(under_way)
    open_budget(tables, "0.20")

    refused = tables.ledger().reserve(reservation_of("0.01"))
    assert isinstance(refused, Short)
    assert refused.budgets[0].remaining_usd == usd("-0.30")

    assert tables.ledger().settle(under_way, bill_of("0.05"))
    assert open_budget(tables, "0.20").remaining_usd == usd("0.15")


def test_two_releases_with_two_limits_take_turns(tables: Tables) -> None:
    """While old and new configuration run side by side, the limit changes hands and no cent gets lost."""
    open_budget(tables, "1.00")
    tables.ledger().reserve(reservation_of("0.30"))

    remaining = [open_budget(tables, limit).remaining_usd for limit in ("2.00", "1.00", "2.00", "2.00")]

    assert remaining == [usd("1.70"), usd("0.70"), usd("1.70"), usd("1.70")]


def test_a_limit_finer_than_the_ledger_is_rounded_down(tables: Tables) -> None:
    """A limit with more digits than DynamoDB stores works, and is never more than was written."""
    fine = f"1.{'9' * 40}"

    budget = open_budget(tables, fine)

    assert budget.limit_usd == usd("1.999999999999")
    assert open_budget(tables, fine) == budget


# reserve


def test_a_reservation_sets_its_estimate_aside(tables: Tables) -> None:
    """What is reserved is missing from what remains, and its row holds all that a settlement needs."""
    open_budget(tables)
    reservation = reservation_of("0.10")

    assert tables.ledger().reserve(reservation) == Reserved()

    budget = open_budget(tables)
    assert (budget.reserved_usd, budget.remaining_usd) == (usd("0.10"), usd("0.90"))
    assert list(tables.ledger().open_past_lease(NOW + LEASE_S + 1)) == [reservation]


@in_both
def test_the_last_cent_can_be_reserved(tables: Tables) -> None:
    """An estimate of exactly what remains is admitted; a trillionth of a dollar more is not."""
    open_budget(tables, "0.10")

    assert isinstance(tables.ledger().reserve(reservation_of("0.100000000001")), Short)
    assert tables.ledger().reserve(reservation_of("0.10")) == Reserved()
    assert isinstance(tables.ledger().reserve(reservation_of("0.000000000001")), Short)


@in_both
def test_reserving_twice_with_the_same_reservation_counts_once(tables: Tables) -> None:
    """When the answer got lost, asking again sets nothing more aside, even if no money remains."""
    open_budget(tables, "0.15")
    reservation = reservation_of("0.10")

    assert tables.ledger().reserve(reservation) == Reserved()
    assert tables.ledger().reserve(reservation) == Reserved()

    assert open_budget(tables, "0.15").reserved_usd == usd("0.10")


def test_a_reservation_that_has_ended_cannot_be_reserved_again(tables: Tables) -> None:
    """An id is good for one life: afterwards it pays for no call."""
    open_budget(tables)
    reservation = reservation_of()
    tables.ledger().reserve(reservation)
    tables.ledger().release(reservation)

    with pytest.raises(TableUnavailable, match="has ended"):
        tables.ledger().reserve(reservation)

    assert open_budget(tables).reserved_usd == 0


@in_both
def test_short_names_the_budgets_as_they_stand(tables: Tables) -> None:
    """Who cannot pay learns from the refusal itself what stands in the row."""
    open_budget(tables)
    tables.ledger().reserve(reservation_of("0.95"))

    short = tables.ledger().reserve(reservation_of("0.06"))

    assert short == Short((open_budget(tables),))


@in_both
def test_one_budget_that_cannot_pay_keeps_all_others_whole(tables: Tables) -> None:
    """Money is set aside on every budget or on none, and only the one that is short is named."""
    tables.ledger().budgets(
        (
            budget_of("5"),
            budget_of("0.05", "U0ADA00001", BudgetKind.USER),
            budget_of("9", "T0TEAM0001", BudgetKind.WORKSPACE),
        )
    )

    short = tables.ledger().reserve(reservation_of("0.10", budgets=(on_channel(), USER, WORKSPACE)))

    assert isinstance(short, Short)
    assert [budget.id for budget in short.budgets] == ["U0ADA00001"]
    assert all(row["reserved_usd"] == 0 for row in tables.rows("budget#"))
    assert not tables.rows("reservation#")


def test_money_moves_on_every_budget_of_a_reservation(tables: Tables) -> None:
    """Channel, user and workspace are charged the same, and one of them is not the others' limit."""
    periods = (
        budget_of("5"),
        budget_of("2", "U0ADA00001", BudgetKind.USER),
        budget_of("9", "T0TEAM0001", BudgetKind.WORKSPACE),
    )
    tables.ledger().budgets(periods)
    reservation = reservation_of("0.10", budgets=(on_channel(), USER, WORKSPACE))

    tables.ledger().reserve(reservation)
    tables.ledger().settle(reservation, bill_of("0.04"))

    assert [b.remaining_usd for b in tables.ledger().budgets(periods)] == [
        usd("4.96"),
        usd("1.96"),
        usd("8.96"),
    ]


def test_a_period_that_is_not_open_admits_nothing(tables: Tables) -> None:
    """Without a budget row there is no money, and no row appears by reserving on it."""
    assert tables.ledger().reserve(reservation_of()) == Short(())

    assert not tables.rows()


def test_an_estimate_of_nothing_needs_no_money(tables: Tables) -> None:
    """A free model may answer when a budget is overdrawn; its record costs nothing."""
    open_budget(tables, "0.10")
    dear, free = reservation_of("0.10"), reservation_of("0")
    tables.ledger().reserve(dear)
    tables.ledger().settle(dear, bill_of("0.13"))

    assert tables.ledger().reserve(free) == Reserved()
    assert tables.ledger().settle(free, bill_of("0"))

    assert open_budget(tables, "0.10").remaining_usd == usd("-0.03")
    assert len(tables.rows("records#")) == 2


def test_a_transaction_that_cannot_be_made_is_not_taken_for_short_money(tables: Tables) -> None:
    """A row that no one can add to is an unavailable table: nothing is reserved or half ended on it."""
    open_budget(tables)
    reservation = reservation_of()
    tables.ledger().reserve(reservation)
    row = tables.row("budget#")
    tables.write(row, reserved_usd="ten")
    before = tables.rows()

    with pytest.raises(TableUnavailable):
        tables.ledger().reserve(reservation_of())
    for how in ("settle", "release"):
        with pytest.raises(TableUnavailable):
            end(tables, reservation, how)

    assert tables.rows() == before
    tables.write(row)


# settle and release


@in_both
def test_reserve_then_settle(tables: Tables) -> None:
    """The bill replaces the estimate, the rest returns, and the usage record is there."""
    open_budget(tables)
    reservation = reservation_of("0.10")
    tables.ledger().reserve(reservation)

    assert tables.ledger(lambda: NOW).settle(replace(reservation, generation_id="gen-1"), bill_of("0.04"))

    budget = open_budget(tables)
    assert (budget.spent_usd, budget.reserved_usd, budget.remaining_usd) == (usd("0.04"), usd(0), usd("0.96"))
    record = tables.row("records#")
    assert (record["cost_usd"], record["estimate_usd"], record["overrun_usd"]) == (
        usd("0.04"),
        usd("0.10"),
        0,
    )
    assert (record["reservation_id"], record["generation_id"]) == (reservation.id, "gen-1")
    row = tables.row("reservation#")
    assert (row["state"], row["expires_at"]) == ("settled", int(NOW) + ENDED_KEPT_S)
    assert "open" not in row


def test_a_settlement_teaches_what_the_next_choice_asks(tables: Tables) -> None:
    """Messages by weekday and answers by tier are counted in it, and come back with the budget."""
    opened = open_budget(tables)
    for tier, cost in (("standard", "0.04"), ("standard", "0.02"), ("economy", "0.001")):
        reservation = reservation_of("0.10", facts=facts_of(tier_given=tier))
        tables.ledger().reserve(reservation)
        tables.ledger().settle(reservation, bill_of(cost))

    known = open_budget(tables).known

    assert opened.known.tally.messages == (0,) * 7
    assert known.tally.period_key == MONTH
    assert known.tally.messages == (0, 0, 0, 0, 0, 0, 3)  # the 22nd is a Sunday
    assert known.answers["standard"] == Answers(2, 2400, 200, 100, usd("0.06"))
    assert known.answers["economy"].cost_usd == usd("0.001")


def test_the_month_before_is_read_along(tables: Tables) -> None:
    """Its counters come in the same round trip, its money does not count any more."""
    before = reservation_of(
        "0.10", budgets=((BudgetKind.CHANNEL, CHANNEL, "2026-10"),), facts=facts_of(day="2026-10-30")
    )
    october = datetime(2026, 10, 9, tzinfo=UTC).timestamp()
    period = BudgetPeriod(BudgetKind.CHANNEL, CHANNEL, october, UTC, Limit(usd(1), PeriodKind.MONTH))
    tables.ledger(lambda: october).budgets((period,))
    tables.ledger().reserve(before)
    tables.ledger().settle(before, bill_of())

    budget = open_budget(tables)

    assert budget.spent_usd == 0
    assert budget.known.before.messages == (0, 0, 0, 0, 1, 0, 0)  # a Friday
    assert (budget.known.before.opened, budget.known.before.period_key) == (date(2026, 10, 9), "2026-10")
    assert budget.known.answers["standard"].answers == 1
    newer = next(r for r in tables.rows("budget#") if r["sk"] == "2026-10")
    tables.write(newer, v=2)
    assert open_budget(tables).known.before.messages == (0,) * 7
    tables.write(newer)


@in_both
def test_reserve_then_release(tables: Tables) -> None:
    """All that was set aside returns, and nothing is recorded."""
    open_budget(tables)
    reservation = reservation_of("0.10")
    tables.ledger().reserve(reservation)

    assert tables.ledger().release(reservation)

    assert open_budget(tables).remaining_usd == usd("1.00")
    assert state_of(tables, reservation.id) == "released"
    assert not tables.rows("records#")


def end(tables: Tables, reservation: Reservation, how: str, cost: str = "0.04") -> bool:
    """Settle or release."""
    ledger = tables.ledger(lambda: NOW)
    return ledger.release(reservation) if how == "release" else ledger.settle(reservation, bill_of(cost))


@in_both
@pytest.mark.parametrize("first", ["settle", "release"])
@pytest.mark.parametrize("second", ["settle", "release"])
def test_what_has_ended_ends_no_second_time(tables: Tables, first: str, second: str) -> None:
    """Settling or releasing after either says that it was too late, and no row changes."""
    open_budget(tables)
    reservation = reservation_of("0.10")
    tables.ledger().reserve(reservation)
    assert end(tables, reservation, first, "0.04")
    before = tables.rows()

    assert not end(tables, reservation, second, "0.09")

    assert tables.rows() == before


def test_what_was_never_reserved_cannot_be_settled_or_released(tables: Tables) -> None:
    """Without its row a reservation ends nothing: neither budget nor records change."""
    open_budget(tables)

    assert not tables.ledger().settle(reservation_of(), bill_of())
    assert not tables.ledger().release(reservation_of())

    assert open_budget(tables).remaining_usd == usd("1.00")
    assert not tables.rows("records#")


def test_an_overrun_is_recorded_and_stops_what_comes_after(tables: Tables) -> None:
    """A bill above the estimate counts in full; what remains may fall below zero, and the next one waits."""
    open_budget(tables, "0.10")
    reservation = reservation_of("0.10")
    tables.ledger().reserve(reservation)

    assert tables.ledger().settle(reservation, bill_of("0.15"))

    assert tables.row("records#")["overrun_usd"] == usd("0.05")
    assert open_budget(tables, "0.10").remaining_usd == usd("-0.05")
    assert isinstance(tables.ledger().reserve(reservation_of("0.000001")), Short)


@pytest.mark.parametrize(
    ("cost", "counted"),
    [
        ("0.00000000000000000000000000000000000000000000001", "0.000000000001"),
        (f"0.0{'1' * 50}", "0.011111111112"),
        ("0E-400", "0"),
        ("1E-200", "0.000000000001"),
    ],
)
def test_a_cost_finer_than_the_ledger_is_rounded_up(tables: Tables, cost: str, counted: str) -> None:
    """More digits than DynamoDB can store stop nothing, and count as never less than was billed."""
    open_budget(tables)
    reservation = reservation_of("0.10")
    tables.ledger().reserve(reservation)

    assert tables.ledger().settle(reservation, bill_of(cost))

    assert open_budget(tables).spent_usd == usd(counted)
    assert tables.row("records#")["cost_usd"] == usd(counted)


def test_many_uneven_amounts_add_up_to_the_last_digit(tables: Tables) -> None:
    """Amounts that binary fractions cannot hold leave no crumb behind."""
    open_budget(tables, "1.00")
    costs = [usd("0.000000000003"), usd("0.1"), usd("0.0000123457"), usd("0.033333333334")]

    for cost in costs:
        reservation = reservation_of("0.2")
        tables.ledger().reserve(reservation)
        tables.ledger().settle(reservation, replace(bill_of(), cost_usd=cost))

    assert open_budget(tables).spent_usd == sum(costs)


# what the reconciler needs


def test_the_generation_is_noted_while_the_reservation_is_open(tables: Tables) -> None:
    """OpenRouter's id is kept for whoever has to ask for the bill."""
    open_budget(tables)
    reservation = reservation_of()
    tables.ledger().reserve(reservation)

    tables.ledger().note_generation(reservation.id, "gen-1")

    (found,) = tables.ledger().open_past_lease(NOW + LEASE_S + 1)
    assert found == replace(reservation, generation_id="gen-1")


def test_the_generation_of_an_ended_reservation_is_nobodys_business(tables: Tables) -> None:
    """A note that comes too late, or for an unknown id, changes and makes no row."""
    open_budget(tables)
    reservation = reservation_of()
    tables.ledger().reserve(reservation)
    tables.ledger().release(reservation)
    before = tables.rows()

    tables.ledger().note_generation(reservation.id, "gen-1")
    tables.ledger().note_generation("unknown", "gen-1")

    assert tables.rows() == before


@in_both
def test_only_open_reservations_past_their_lease_are_found(tables: Tables) -> None:
    """What is still within its lease, settled or released is not; the rest comes oldest first."""
    open_budget(tables)
    by_age = [reservation_of("0.01", lease_until=NOW - age) for age in (30, 20, 10)]
    ended = [reservation_of("0.01", lease_until=NOW - 50) for _ in range(2)]
    young = reservation_of("0.01", lease_until=NOW)
    for reservation in [by_age[1], young, by_age[2], *ended, by_age[0]]:
        tables.ledger().reserve(reservation)
    tables.ledger().settle(ended[0], bill_of("0.01"))
    tables.ledger().release(ended[1])

    assert list(tables.ledger().open_past_lease(NOW)) == by_age


# rows of a newer release


def newer(tables: Tables, prefix: str) -> Row:
    """Let a newer release rewrite the only row of a prefix; return it."""
    tables.write(tables.row(prefix), v=2)
    return tables.row(prefix)


def test_a_newer_budget_is_neither_read_nor_written(tables: Tables) -> None:
    """Looking, changing the limit, reserving and ending all say which row is too new, and change nothing."""
    open_budget(tables)
    reservation = reservation_of()
    tables.ledger().reserve(reservation)
    newer(tables, "budget#")
    before = tables.rows()

    attempts: list[Callable[[], object]] = [
        lambda: open_budget(tables),
        lambda: open_budget(tables, "7.00"),
        lambda: tables.ledger().reserve(reservation_of("0.01")),
        lambda: end(tables, reservation, "settle"),
        lambda: end(tables, reservation, "release"),
    ]
    for attempt in attempts:
        with pytest.raises(TableUnavailable, match=rf"budget#channel#{CHANNEL} {MONTH}: row version 2"):
            attempt()

    assert tables.rows() == before


@in_both
def test_a_newer_reservation_is_left_to_its_release(
    tables: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is neither ended nor noted on; who looks for old leases passes it by, with a line in the journal."""
    open_budget(tables)
    theirs, ours = reservation_of(lease_until=NOW - 2), reservation_of(lease_until=NOW - 1)
    tables.ledger().reserve(theirs)
    newer(tables, "reservation#")
    tables.ledger().reserve(ours)
    before = tables.rows()

    for how in ("settle", "release"):
        with pytest.raises(TableUnavailable, match="row version 2"):
            end(tables, theirs, how)
    tables.ledger().note_generation(theirs.id, "gen-1")

    assert list(tables.ledger().open_past_lease(NOW)) == [ours]
    assert tables.rows() == before
    line = json.loads(capsys.readouterr().out)
    assert (line["at"], line["outcome"]) == ("ledger", "left_to_newer_release")
    assert theirs.id in line["reason"]


def test_a_newer_rollup_stops_a_settlement_as_a_whole(tables: Tables) -> None:
    """Rather than adding to sums whose meaning it does not know, the ledger leaves the reservation open."""
    open_budget(tables)
    first, second = reservation_of(), reservation_of()
    for reservation in (first, second):
        tables.ledger().reserve(reservation)
    tables.ledger().settle(first, bill_of())
    (total,) = [row for row in tables.rows("rollup#") if row["sk"] == "total#all"]
    tables.write(total, v=2)

    with pytest.raises(TableUnavailable, match=rf"rollup#{CHANNEL}#{MONTH} total#all: row version 2"):
        tables.ledger().settle(second, bill_of())

    assert state_of(tables, second.id) == "open"
    tables.write(total)
    assert tables.ledger().settle(second, bill_of())


def test_keys_are_what_the_documentation_says() -> None:
    """The keys of budgets and reservations, by which operators look rows up."""
    assert budget_key("channel", CHANNEL, MONTH) == {"pk": f"budget#channel#{CHANNEL}", "sk": MONTH}
    assert reservation_key("r1") == {"pk": "reservation#r1", "sk": "reservation"}
