"""The ledger: money is set aside before a call and settled after it, on every budget that applies.

    reserve ──▶ open ──settle──▶ settled     the bill replaces the estimate, the rest returns
                 │  └──release─▶ released    nothing was billed, all returns
                 └─ lease runs out: someone else settles it (see reconcile)

Invariants, each decided by a condition of the database and never by a prior read:
- `spent + reserved <= limit` at every admission. Conditions know no arithmetic, so each budget row keeps
  `remaining_usd = limit - spent - reserved` as one number that a condition can compare.
- A reservation ends exactly once; ending it again changes nothing.
- Usage record, rollups and budgets change in one transaction, or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from router.adapters.table import (
    CONDITION,
    IS_KNOWN,
    ROW_VERSION,
    Cancelled,
    ConditionFailed,
    Dynamo,
    Key,
    Put,
    Row,
    Update,
    Write,
    check_version,
)
from router.adapters.usage import facts_row, read_facts, usage_writes
from router.domain.budget import Budget, BudgetKind, BudgetPeriod
from router.domain.experience import Experience, experience
from router.domain.money import LEDGER_STEP_USD, to_ledger_usd
from router.domain.tally import OPENED_ON, additions, read_tally
from router.domain.usage import Bill, Facts, UsageRecord
from router.errors import TableUnavailable
from router.journal import write_line

OPEN_INDEX = "open_reservations"
ENDED_KEPT_S = 35 * 24 * 3600
"""How long an ended reservation stays readable; the usage record stays for ever."""

CAN_PAY = "remaining_usd >= :estimate"
RESERVATION_IS_OPEN = "#state = :open"


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one call until `lease_until` (epoch seconds), with all its record will need."""

    id: str
    owner: str
    amount_usd: Decimal
    budgets: tuple[tuple[BudgetKind, str, str], ...]
    """Kind, id and period key of every budget it is reserved on."""
    lease_until: float
    facts: Facts
    generation_id: str = ""


@dataclass(frozen=True, slots=True)
class Reserved:
    """The money is set aside."""


@dataclass(frozen=True, slots=True)
class Short:
    """Nothing was set aside: these budgets, as they stand, cannot bear the estimate."""

    budgets: tuple[Budget, ...]


def budget_key(kind: str, budget_id: str, period_key: str) -> Key:
    """Name the row of a budget's period."""
    return {"pk": f"budget#{kind}#{budget_id}", "sk": period_key}


def reservation_key(reservation_id: str) -> Key:
    """Name the row of a reservation."""
    return {"pk": f"reservation#{reservation_id}", "sk": "reservation"}


class Ledger:
    """The budgets and reservations in the state table, and the settling of them into the usage table."""

    def __init__(
        self,
        dynamo: Dynamo,
        state_table: str,
        usage_table: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dynamo = dynamo
        self._state = state_table
        self._usage = usage_table
        self._clock = clock

    def budgets(self, periods: tuple[BudgetPeriod, ...], *, consistent: bool = False) -> tuple[Budget, ...]:
        """Return the budgets as they stand, in the order asked; opens a period on its first sight.

        A limit that the operator changed in the file is taken over here. One round trip, but for the first
        message of a period or after a change. The figures may be a moment old (less so when `consistent`):
        they choose, never admit.
        """
        keys = [budget_key(p.kind, p.id, p.period.key) for p in periods]
        before = [budget_key(p.kind, p.id, p.period.key_before) for p in periods]
        rows = {
            (row["pk"], row["sk"]): row
            for row in self._dynamo.get_many(self._state, keys + before, consistent=consistent)
        }
        found, earlier = ([rows.get((k["pk"], k["sk"])) for k in ks] for ks in (keys, before))
        return tuple(
            replace(self._current(period, row), known=_known(period, row, row_before))
            for period, row, row_before in zip(periods, found, earlier, strict=True)
        )

    def _current(self, period: BudgetPeriod, row: Row | None) -> Budget:
        if row is None:
            return self._open(period)
        budget = _budget(row)
        return budget if budget.limit_usd == _limit_usd(period) else self._relimit(period, budget)

    def peek(self, period: BudgetPeriod) -> Budget:
        """Return a budget as the next message would find it, without writing: its period stays unopened."""
        key = budget_key(period.kind, period.id, period.period.key)
        row = self._dynamo.get(self._state, key)
        limit, zero = _limit_usd(period), Decimal(0)
        if row is None:
            return Budget(period.kind, period.id, period.period.key, limit, zero, zero, limit)
        budget = _budget(row)
        more = limit - budget.limit_usd
        return replace(budget, limit_usd=limit, remaining_usd=budget.remaining_usd + more)

    def _open(self, period: BudgetPeriod) -> Budget:
        limit = _limit_usd(period)
        zero = Decimal(0)
        row: Row = budget_key(period.kind, period.id, period.period.key) | {
            "v": ROW_VERSION,
            "limit_usd": limit,
            "spent_usd": zero,
            "reserved_usd": zero,
            "remaining_usd": limit,
            OPENED_ON: f"{datetime.fromtimestamp(self._clock(), period.period.starts.tzinfo):%Y-%m-%d}",
        }
        try:
            self._dynamo.put(Put(self._state, row))
        except ConditionFailed as already_open:
            return _budget(already_open.row)
        return _budget(row)

    def _relimit(self, period: BudgetPeriod, budget: Budget) -> Budget:
        """Move the limit of a period that is under way; what is spent and reserved stays as it is."""
        limit = _limit_usd(period)
        more = limit - budget.limit_usd
        update = Update(
            self._state,
            budget_key(budget.kind, budget.id, budget.period_key),
            "SET limit_usd = :new ADD remaining_usd :more",
            {":new": limit, ":more": more, ":old": budget.limit_usd, ":v": ROW_VERSION},
            condition=f"limit_usd = :old AND {IS_KNOWN}",
        )
        try:
            before = _budget(self._dynamo.update(update))
        except ConditionFailed as someone_was_faster:
            return _budget(someone_was_faster.row)
        return replace(before, limit_usd=limit, remaining_usd=before.remaining_usd + more)

    def reserve(self, reservation: Reservation) -> Reserved | Short:
        """Set money aside on every budget of the reservation, or on none.

        Doing it twice with the same reservation sets it aside once. An estimate of zero needs no money, only
        open budgets. Raises TableUnavailable when the table does not answer or conflicts do not go away; what
        may have been set aside is then returned, if the table lets us.
        """
        writes: list[Write] = [self._set_aside(reservation, key) for key in reservation.budgets]
        writes.append(Put(self._state, _reservation_row(reservation)))
        try:
            self._dynamo.transact(writes)
        except Cancelled as cancelled:
            return self._not_reserved(reservation, cancelled)
        except TableUnavailable:
            with suppress(TableUnavailable):  # then the reconciler finds it
                self.release(reservation)
            raise
        return Reserved()

    def _set_aside(self, reservation: Reservation, budget: tuple[BudgetKind, str, str]) -> Update:
        amount = reservation.amount_usd
        return Update(
            self._state,
            budget_key(*budget),
            "ADD remaining_usd :less, reserved_usd :estimate",
            {":estimate": amount, ":less": -amount, ":v": ROW_VERSION},
            condition=f"{IS_KNOWN} AND {CAN_PAY}" if amount else IS_KNOWN,
        )

    def _not_reserved(self, reservation: Reservation, cancelled: Cancelled) -> Reserved | Short:
        *of_budgets, (own_reason, own_row) = cancelled.reasons
        if own_reason == CONDITION:
            if (own_row["owner"], own_row["state"]) != (reservation.owner, "open"):
                raise TableUnavailable(f"reserve: reservation {reservation.id} has ended") from cancelled
            return Reserved()  # it was written before: only the answer got lost
        failed = [row for reason, row in of_budgets if reason == CONDITION]
        if not failed:
            raise TableUnavailable(f"reserve: {cancelled}") from cancelled
        return Short(tuple(_budget(row) for row in failed if row))

    def note_generation(self, reservation_id: str, generation_id: str) -> None:
        """Remember OpenRouter's id of the call, by which its true cost can be asked for later."""
        update = Update(
            self._state,
            reservation_key(reservation_id),
            "SET generation_id = :id",
            {":id": generation_id, ":open": "open", ":v": ROW_VERSION},
            {"#state": "state"},
            f"{RESERVATION_IS_OPEN} AND {IS_KNOWN}",
        )
        try:
            self._dynamo.update(update)
        except ConditionFailed:
            return  # it has ended; nobody will ask

    def settle(self, reservation: Reservation, bill: Bill) -> bool:
        """Replace the estimate by the bill, write the usage record and its rollups; once.

        Returns False when the reservation had ended before: then nothing changes.
        """
        bill = replace(bill, cost_usd=to_ledger_usd(bill.cost_usd))
        record = UsageRecord(
            reservation.id, reservation.generation_id, reservation.facts, bill, reservation.amount_usd
        )
        writes: list[Write] = [self._end(reservation, "settled")]
        writes += [self._post(reservation, key, bill) for key in reservation.budgets]
        writes += usage_writes(self._usage, record)
        return self._end_with(writes)

    def release(self, reservation: Reservation) -> bool:
        """Return all that was set aside: nothing was billed. Returns False when it had ended before."""
        writes: list[Write] = [self._end(reservation, "released")]
        writes += [self._return(reservation, key) for key in reservation.budgets]
        return self._end_with(writes)

    def _end_with(self, writes: list[Write]) -> bool:
        """Apply the writes that end a reservation, the first of which demands that it is open."""
        try:
            self._dynamo.transact(writes)
        except Cancelled as cancelled:
            for _, row in cancelled.reasons:
                check_version(row)
            if cancelled.reasons[0][0] == CONDITION:
                return False
            raise TableUnavailable(f"end of a reservation: {cancelled}") from cancelled
        return True

    def _end(self, reservation: Reservation, state: str) -> Update:
        return Update(
            self._state,
            reservation_key(reservation.id),
            "SET #state = :state, expires_at = :end REMOVE #open",
            {
                ":state": state,
                ":end": int(self._clock() + ENDED_KEPT_S),
                ":open": "open",
                ":v": ROW_VERSION,
            },
            {"#state": "state", "#open": "open"},
            f"{RESERVATION_IS_OPEN} AND {IS_KNOWN}",
        )

    def _post(self, reservation: Reservation, budget: tuple[BudgetKind, str, str], bill: Bill) -> Update:
        counted = list(additions(reservation.facts, bill).items())
        counters = "".join(f", #n{i} :n{i}" for i in range(len(counted)))
        return Update(
            self._state,
            budget_key(*budget),
            f"ADD spent_usd :cost, reserved_usd :unreserve, remaining_usd :rest{counters}",
            {
                ":cost": bill.cost_usd,
                ":unreserve": -reservation.amount_usd,
                ":rest": reservation.amount_usd - bill.cost_usd,
                ":v": ROW_VERSION,
            }
            | {f":n{i}": more for i, (_, more) in enumerate(counted)},
            {f"#n{i}": name for i, (name, _) in enumerate(counted)},
            IS_KNOWN,
        )

    def _return(self, reservation: Reservation, budget: tuple[BudgetKind, str, str]) -> Update:
        return Update(
            self._state,
            budget_key(*budget),
            "ADD reserved_usd :unreserve, remaining_usd :amount",
            {":unreserve": -reservation.amount_usd, ":amount": reservation.amount_usd, ":v": ROW_VERSION},
            condition=IS_KNOWN,
        )

    def open_past_lease(self, now: float) -> Iterator[Reservation]:
        """Yield the open reservations whose lease ran out before `now`, oldest first; no scan.

        Those that a newer release wrote are left to it, with a line in the journal. One that has just ended
        may still be among them: the index lags behind.
        """
        rows = self._dynamo.query(
            self._state,
            "#open = :open AND lease_until < :now",
            {":open": "open", ":now": int(now)},
            index=OPEN_INDEX,
            names={"#open": "open"},
        )
        for row in rows:
            try:
                check_version(row)
            except TableUnavailable as newer:
                write_line("ledger", "left_to_newer_release", reason=str(newer))
            else:
                yield _reservation(row)


def _limit_usd(period: BudgetPeriod) -> Decimal:
    """Return the limit to the ledger's step: a finer one would not fit into what DynamoDB stores exactly."""
    rounded = period.limit_usd.quantize(LEDGER_STEP_USD, rounding=ROUND_FLOOR)
    return Decimal(f"{rounded.normalize():f}")  # 100, not 1E+2, for whoever reads the row


def _known(period: BudgetPeriod, row: Row | None, before: Row | None) -> Experience:
    """Read what a budget's answers taught; what a newer release counted before is left alone."""
    if before and before.get("v", 0) > ROW_VERSION:
        before = None
    key, key_before = period.period.key, period.period.key_before
    return experience(read_tally(key, row or {}), read_tally(key_before, before or {}))


def _budget(row: Row) -> Budget:
    check_version(row)
    _, kind, budget_id = str(row["pk"]).split("#", 2)
    return Budget(
        kind=BudgetKind(kind),
        id=budget_id,
        period_key=str(row["sk"]),
        limit_usd=Decimal(row["limit_usd"]),
        spent_usd=Decimal(row["spent_usd"]),
        reserved_usd=Decimal(row["reserved_usd"]),
        remaining_usd=Decimal(row["remaining_usd"]),
    )


def _reservation_row(reservation: Reservation) -> Row:
    return reservation_key(reservation.id) | {
        "v": ROW_VERSION,
        "id": reservation.id,
        "owner": reservation.owner,
        "state": "open",
        "open": "open",
        "lease_until": int(reservation.lease_until),
        "amount_usd": reservation.amount_usd,
        "budgets": [
            f"{period_key}#{kind}#{budget_id}" for kind, budget_id, period_key in reservation.budgets
        ],
        "generation_id": reservation.generation_id,
        "facts": facts_row(reservation.facts),
    }


def _reservation(row: Row) -> Reservation:
    return Reservation(
        id=str(row["id"]),
        owner=str(row["owner"]),
        amount_usd=Decimal(row["amount_usd"]),
        budgets=tuple(_budget_name(str(name)) for name in row["budgets"]),
        lease_until=float(row["lease_until"]),
        facts=read_facts(row["facts"]),
        generation_id=str(row.get("generation_id", "")),
    )


def _budget_name(name: str) -> tuple[BudgetKind, str, str]:
    period_key, kind, budget_id = name.split("#", 2)
    return BudgetKind(kind), budget_id, period_key
