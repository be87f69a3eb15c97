"""The table misbehaves: answers get lost, rows are busy, permissions are missing; money counts once or never.

The SDK waits up to a second before a request's second try and up to two before its third: few stories use
all three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from playground.aws import REGION, LocalAws
from playground.faults import ANY_OPERATION, Fault, FaultProxy
from router.adapters.claims import Claim
from router.adapters.ledger import Reserved, Short
from router.adapters.table import CONFLICT_TRIES, Dynamo
from router.errors import TableUnavailable
from tests.dynamodb_rules import checked_session
from tests.money import LEASE_S, NOW, bill_of, budget_of, message_of, reservation_of, usd
from tests.rows import Row
from tests.tables import Tables, fresh_tables

ESTIMATE = "0.6"
"""Without a zero at its end: the local DynamoDB drops it, and then does not know a repeated request again."""

TRIES = 3
"""Of the SDK, for one request whose answer does not come."""

PASS_AT_ONCE = [(Fault.CONFLICT, 1), (Fault.CONFLICT, CONFLICT_TRIES - 1), (Fault.THROTTLED_ITEM, 2)]
PASS = [
    *PASS_AT_ONCE,
    (Fault.THROTTLE, 1),
    (Fault.INTERNAL_ERROR, 1),
    (Fault.TIMEOUT_BEFORE, 1),
    (Fault.TIMEOUT_AFTER_COMMIT, 1),
]
STAY = [
    (Fault.ACCESS_DENIED, 1),
    (Fault.CONFLICT, CONFLICT_TRIES),
    (Fault.THROTTLED_ITEM, CONFLICT_TRIES),
    (Fault.TIMEOUT_BEFORE, TRIES),
]


@pytest.fixture(scope="module")
def proxy(aws: LocalAws) -> Iterator[FaultProxy]:
    """Run a proxy before the local DynamoDB."""
    with FaultProxy(aws.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def dynamo(proxy: FaultProxy) -> Dynamo:
    """Reach the tables through the proxy, and wait for no conflict."""
    with checked_session():
        return Dynamo(proxy.url, REGION, sleep=lambda _: None)


@pytest.fixture
def tables(aws: LocalAws, proxy: FaultProxy, dynamo: Dynamo) -> Iterator[Tables]:
    """Give each story tables with a dollar in the channel's budget; afterwards the books balance."""
    tables = fresh_tables(aws.url, dynamo)
    tables.ledger().budgets((budget_of("1.00"),))
    proxy.seen.clear()
    yield tables
    proxy.clear()
    tables.check_books()


def budget(tables: Tables) -> Row:
    """Read the budget's row."""
    return tables.row("budget#")


def commit_unseen(proxy: FaultProxy) -> None:
    """Let the next transaction be written, its answer get lost, and its repetition be refused."""
    proxy.inject("TransactWriteItems", Fault.TIMEOUT_AFTER_COMMIT)
    proxy.inject("TransactWriteItems", Fault.ACCESS_DENIED)


# reserve


@pytest.mark.parametrize(("fault", "times"), PASS)
def test_a_reservation_outlasts_what_passes(
    tables: Tables, proxy: FaultProxy, fault: Fault, times: int
) -> None:
    """A fault that goes away costs tries, not money: the estimate is set aside once."""
    proxy.inject("TransactWriteItems", fault, times)

    assert tables.ledger().reserve(reservation_of(ESTIMATE)) == Reserved()

    assert budget(tables)["reserved_usd"] == usd(ESTIMATE)
    assert proxy.seen["TransactWriteItems"] == times + 1


@pytest.mark.parametrize(("fault", "times"), STAY)
def test_a_reservation_gives_up_and_sets_nothing_aside(
    tables: Tables, proxy: FaultProxy, fault: Fault, times: int
) -> None:
    """What does not pass within its bound makes the table unavailable, and no money is held."""
    proxy.inject("TransactWriteItems", fault, times)

    with pytest.raises(TableUnavailable):
        tables.ledger().reserve(reservation_of(ESTIMATE))

    assert proxy.seen["TransactWriteItems"] == times + 1, "the last one returns what may have been reserved"
    assert budget(tables)["reserved_usd"] == 0
    assert not tables.rows("reservation#")


def test_a_reservation_that_was_made_unseen_is_given_back(tables: Tables, proxy: FaultProxy) -> None:
    """Nobody will make the call, so the money that was set aside unseen returns."""
    commit_unseen(proxy)

    with pytest.raises(TableUnavailable):
        tables.ledger().reserve(reservation_of(ESTIMATE))

    assert tables.row("reservation#")["state"] == "released"
    assert budget(tables)["remaining_usd"] == usd("1.00")


def test_a_reservation_that_cannot_be_given_back_is_left_to_the_reconciler(
    tables: Tables, proxy: FaultProxy
) -> None:
    """When the table stays away, the row stays open and is found when its lease runs out."""
    commit_unseen(proxy)
    proxy.inject("TransactWriteItems", Fault.ACCESS_DENIED)
    reservation = reservation_of(ESTIMATE)

    with pytest.raises(TableUnavailable):
        tables.ledger().reserve(reservation)

    assert list(tables.ledger().open_past_lease(NOW + LEASE_S + 1)) == [reservation]


def test_a_second_transaction_for_one_reservation_changes_nothing(tables: Tables, proxy: FaultProxy) -> None:
    """When not even the token helps, the reservation's own row says that the money is set aside already."""
    proxy.inject("TransactWriteItems", Fault.TIMEOUT_AFTER_COMMIT)
    proxy.inject("TransactWriteItems", Fault.IN_PROGRESS, TRIES - 1)

    assert tables.ledger().reserve(reservation_of(ESTIMATE)) == Reserved()

    assert budget(tables)["reserved_usd"] == usd(ESTIMATE)
    assert proxy.seen["TransactWriteItems"] == TRIES + 1


def test_a_conflict_does_not_hide_that_money_is_short(tables: Tables, proxy: FaultProxy) -> None:
    """After the conflict the refusal is the budget's own."""
    proxy.inject("TransactWriteItems", Fault.CONFLICT)

    assert isinstance(tables.ledger().reserve(reservation_of("1.01")), Short)


# settle and release


@pytest.mark.parametrize(("fault", "times"), [*PASS_AT_ONCE, (Fault.TIMEOUT_AFTER_COMMIT, 1)])
def test_a_settlement_outlasts_what_passes(
    tables: Tables, proxy: FaultProxy, fault: Fault, times: int
) -> None:
    """The bill counts once in the budget, once in the records, once in each rollup."""
    reservation = reservation_of(ESTIMATE)
    tables.ledger().reserve(reservation)
    proxy.inject("TransactWriteItems", fault, times)

    assert tables.ledger().settle(reservation, bill_of("0.25"))

    assert (budget(tables)["spent_usd"], budget(tables)["reserved_usd"]) == (usd("0.25"), 0)
    assert len(tables.rows("records#")) == 1


@pytest.mark.parametrize(
    ("fault", "times"),
    [(Fault.ACCESS_DENIED, 1), (Fault.CONFLICT, CONFLICT_TRIES)],
)
def test_a_settlement_that_fails_can_be_made_later(
    tables: Tables, proxy: FaultProxy, fault: Fault, times: int
) -> None:
    """The reservation stays open, nothing is half settled, and a later try completes it."""
    reservation = reservation_of(ESTIMATE)
    tables.ledger().reserve(reservation)
    proxy.inject("TransactWriteItems", fault, times)

    with pytest.raises(TableUnavailable):
        tables.ledger().settle(reservation, bill_of("0.25"))

    assert budget(tables)["reserved_usd"] == usd(ESTIMATE)
    assert not tables.rows("records#")
    assert tables.ledger().settle(reservation, bill_of("0.25"))


def test_a_settlement_that_was_made_unseen_counts_once(tables: Tables, proxy: FaultProxy) -> None:
    """The next try finds the reservation settled and changes nothing."""
    reservation = reservation_of(ESTIMATE)
    tables.ledger().reserve(reservation)
    commit_unseen(proxy)

    with pytest.raises(TableUnavailable):
        tables.ledger().settle(reservation, bill_of("0.25"))
    before = tables.rows()

    assert not tables.ledger().settle(reservation, bill_of("0.25"))
    assert tables.rows() == before
    assert budget(tables)["spent_usd"] == usd("0.25")


@pytest.mark.parametrize(("fault", "times"), PASS_AT_ONCE)
def test_a_release_outlasts_what_passes(tables: Tables, proxy: FaultProxy, fault: Fault, times: int) -> None:
    """What was set aside returns once."""
    reservation = reservation_of(ESTIMATE)
    tables.ledger().reserve(reservation)
    proxy.inject("TransactWriteItems", fault, times)

    assert tables.ledger().release(reservation)

    assert budget(tables)["remaining_usd"] == usd("1.00")


# writes of one row


def test_a_limit_that_moves_while_the_row_is_busy_moves_once(tables: Tables, proxy: FaultProxy) -> None:
    """A new limit waits for transactions on its row."""
    proxy.inject("UpdateItem", Fault.CONFLICT, CONFLICT_TRIES - 1)

    (moved,) = tables.ledger().budgets((budget_of("3.00"),))

    assert moved.remaining_usd == budget(tables)["remaining_usd"] == usd("3.00")


def test_a_limit_whose_answer_got_lost_moves_once(tables: Tables, proxy: FaultProxy) -> None:
    """The repeated request finds the new limit and adds nothing."""
    proxy.inject("UpdateItem", Fault.TIMEOUT_AFTER_COMMIT)

    (moved,) = tables.ledger().budgets((budget_of("3.00"),))

    assert moved.remaining_usd == budget(tables)["remaining_usd"] == usd("3.00")


def test_a_period_opens_once_though_the_answer_got_lost(tables: Tables, proxy: FaultProxy) -> None:
    """The repeated request finds the row that the first one made."""
    proxy.inject("PutItem", Fault.CONFLICT)
    proxy.inject("PutItem", Fault.TIMEOUT_AFTER_COMMIT)

    (opened,) = tables.ledger().budgets((budget_of("2.00", "C0OTHER001"),))

    assert opened.remaining_usd == tables.row("budget#channel#C0OTHER001")["remaining_usd"] == usd("2.00")


def test_a_claim_whose_answer_got_lost_is_still_new(tables: Tables, proxy: FaultProxy) -> None:
    """The repeated request finds its own claim, and takes it for no one else's."""
    proxy.inject("UpdateItem", Fault.CONFLICT)
    proxy.inject("UpdateItem", Fault.TIMEOUT_AFTER_COMMIT)

    claim = tables.claims().take(message_of(), job="job-1", owner="worker-1", now=NOW, lease_s=LEASE_S)

    assert isinstance(claim, Claim)
    assert not claim.is_takeover
    assert tables.row("message#")["receives"] == 1


def test_a_generation_is_noted_while_the_row_is_busy(tables: Tables, proxy: FaultProxy) -> None:
    """The note waits for a transaction on the reservation's row."""
    reservation = reservation_of()
    tables.ledger().reserve(reservation)
    proxy.inject("UpdateItem", Fault.CONFLICT, 2)

    tables.ledger().note_generation(reservation.id, "gen-1")

    assert tables.row("reservation#")["generation_id"] == "gen-1"


# whatever is asked


def calls(tables: Tables) -> dict[str, Callable[[], object]]:
    """Name one use of each operation."""
    reservation = reservation_of()
    return {
        "BatchGetItem": lambda: tables.ledger().budgets((budget_of(),)),
        "PutItem": lambda: tables.ledger().budgets((budget_of(name="C0OTHER001"),)),
        "UpdateItem": lambda: tables.claims().take(
            message_of(), job="job-1", owner="worker-1", now=NOW, lease_s=LEASE_S
        ),
        "TransactWriteItems": lambda: tables.ledger().settle(reservation, bill_of()),
        "Query": lambda: list(tables.ledger().open_past_lease(NOW)),
        "GetItem": lambda: tables.dynamo.get(tables.state, {"pk": "budget", "sk": "2026-11"}),
    }


@pytest.mark.parametrize(
    "operation", ["BatchGetItem", "PutItem", "UpdateItem", "TransactWriteItems", "Query", "GetItem"]
)
def test_a_missing_permission_is_named(tables: Tables, proxy: FaultProxy, operation: str) -> None:
    """Every operation turns a refusal of AWS's into an unavailable table that names operation and refusal."""
    proxy.inject(ANY_OPERATION if operation == "GetItem" else operation, Fault.ACCESS_DENIED)

    with pytest.raises(TableUnavailable, match=f"{operation}: AccessDeniedException"):
        calls(tables)[operation]()


def test_a_batch_that_is_not_read_whole_is_not_read(tables: Tables, proxy: FaultProxy) -> None:
    """A budget that was throttled away must not look as if its period were not open yet."""
    proxy.inject("BatchGetItem", Fault.UNPROCESSED)

    with pytest.raises(TableUnavailable, match="throttled"):
        tables.ledger().budgets((budget_of("1.00"),))
