"""The ledger: money is set aside before a call and settled after it, on every budget that applies.

    (nothing) ─1─▶ open ─3─▶ settled       1 reserve: on every budget or on none; 2 again: the same one
                   │ ▲ └─4─▶ released      3 settle: the bill replaces the estimate, the rest returns
                   └─┘                     4 release: nothing was billed, all returns
                    2,5                    5 note the generation; the lease runs out: still open, until
                                             whoever reconciles settles it (3); 6 what has ended stays so

docs/data-model.md names the test of each arc.

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

from router.adapters.limits import limit_key, read_limit
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
from router.domain.alert import still_crossed
from router.domain.budget import Budget, BudgetKind, BudgetPeriod, Limit, PeriodKind
from router.domain.experience import Experience, experience
from router.domain.money import LEDGER_STEP_USD, to_ledger_usd
from router.domain.tally import OPENED_ON, additions, read_tally
from router.domain.usage import Bill, Facts, UsageRecord
from router.errors import TableUnavailable
from router.journal import write_line

OPEN_INDEX = "open_reservations"
ENDED_KEPT_S = 35 * 24 * 3600
"""How long an ended reservation stays readable; the usage record stays for ever."""

MOST_KEYS = 100
"""Of one look: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html."""

RowKey = tuple[str, str]
"""A row's `pk` and `sk`."""

IS_NO_NEWER_LIMIT = "(attribute_not_exists(limit_revision) OR limit_revision <= :revision)"
CAN_PAY = "remaining_usd >= :estimate"
RESERVATION_IS_OPEN = "#state = :open"


BudgetRow = tuple[BudgetKind, str, str]
"""Kind, id and period key: they name the row of a budget."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one call until `lease_until` (epoch seconds), with all its record will need."""

    id: str
    owner: str
    amount_usd: Decimal
    budgets: tuple[BudgetRow, ...]
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


@dataclass(frozen=True, slots=True)
class Ruling:
    """The limit that counts, and how often it was changed: who knows of fewer changes must not move it."""

    limit: Limit
    revision: int


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
        """Return the budgets that apply as they stand, in the order asked; opens a period on its first sight.

        A limit that was set wins over the file's; either that has changed is taken over here. One round trip,
        but for the first message of a period or after a change. The figures may be a moment old (less so when
        `consistent`): they choose, never admit.
        """
        rows = self._rows_of(periods, consistent=consistent)
        return tuple(
            replace(self._current(period, ruling, row), known=_known(period, ruling, rows))
            for period, ruling, row in _ruled(periods, rows)
        )

    def peek(self, periods: tuple[BudgetPeriod, ...]) -> tuple[Budget, ...]:
        """Return the budgets as the next message would find them, without writing: no period is opened."""
        return tuple(
            _as_ruled(_budget(row), ruling) if row else _unopened(period, ruling)
            for period, ruling, row in _ruled(periods, self._rows_of(periods))
        )

    def rows(self, names: tuple[BudgetRow, ...]) -> tuple[Budget, ...]:
        """Return the rows of these names as they stand now, whatever limits say by now."""
        keys = [budget_key(*name) for name in names]
        rows = self._read(keys, consistent=True)
        return tuple(_budget(rows[_pair(key)]) for key in keys if _pair(key) in rows)

    def history(self, kind: BudgetKind, budget_id: str, first: str, last: str) -> Iterator[Budget]:
        """Yield a budget's rows with period keys from `first` to `last`, in their order."""
        pk = budget_key(kind, budget_id, "")["pk"]
        values = {":pk": pk, ":first": first, ":last": last}
        rows = self._dynamo.query(self._state, "pk = :pk AND sk BETWEEN :first AND :last", values)
        return (_budget(row) for row in rows)

    def _rows_of(self, periods: tuple[BudgetPeriod, ...], *, consistent: bool = False) -> dict[RowKey, Row]:
        """Read what was set for each budget, and its periods of every kind with those before them.

        Only the first says which kind counts.
        """
        keys = [key for p in periods for key in (limit_key(p.kind, p.id), *_keys_of_periods(p))]
        return self._read(keys, consistent=consistent)

    def _read(self, keys: list[Key], *, consistent: bool) -> dict[RowKey, Row]:
        """Read rows, a hundred in each round trip."""
        return {
            _pair(row): row
            for at in range(0, len(keys), MOST_KEYS)
            for row in self._dynamo.get_many(self._state, keys[at : at + MOST_KEYS], consistent=consistent)
        }

    def _current(self, period: BudgetPeriod, ruling: Ruling, row: Row | None) -> Budget:
        if row is None:
            return self._open(period, ruling)
        budget = _budget(row)
        return budget if budget.limit_usd == ruling.limit.amount_usd else self._relimit(budget, ruling)

    def _open(self, period: BudgetPeriod, ruling: Ruling) -> Budget:
        budget = _unopened(period, ruling)
        row: Row = budget_key(budget.kind, budget.id, budget.period_key) | {
            "v": ROW_VERSION,
            "limit_usd": budget.limit_usd,
            "limit_revision": ruling.revision,
            "spent_usd": budget.spent_usd,
            "reserved_usd": budget.reserved_usd,
            "remaining_usd": budget.remaining_usd,
            OPENED_ON: f"{datetime.fromtimestamp(period.moment, period.zone):%Y-%m-%d}",
        }
        try:
            self._dynamo.put(Put(self._state, row))
        except ConditionFailed as already_open:
            return _budget(already_open.row)
        return budget

    def _relimit(self, budget: Budget, ruling: Ruling) -> Budget:
        """Move the limit of a period that is under way; what is spent and reserved stays as it is."""
        limit_usd = ruling.limit.amount_usd
        update = Update(
            self._state,
            budget_key(budget.kind, budget.id, budget.period_key),
            "SET limit_usd = :new, limit_revision = :revision, alerted = :alerted ADD remaining_usd :more",
            {
                ":new": limit_usd,
                ":more": limit_usd - budget.limit_usd,
                ":old": budget.limit_usd,
                ":alerted": still_crossed(budget, limit_usd),
                ":revision": ruling.revision,
                ":v": ROW_VERSION,
            },
            condition=f"limit_usd = :old AND {IS_KNOWN} AND {IS_NO_NEWER_LIMIT}",
        )
        try:
            before = _budget(self._dynamo.update(update))
        except ConditionFailed as someone_was_faster:
            return _budget(someone_was_faster.row)
        return _as_ruled(before, ruling)

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

    def _set_aside(self, reservation: Reservation, budget: BudgetRow) -> Update:
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

    def facts(self, reservation_id: str) -> Row | None:
        """Return what a reservation knows of its call; None when there is none (any more)."""
        row = self._dynamo.get(self._state, reservation_key(reservation_id))
        if row is None:
            return None
        check_version(row)
        return dict(row["facts"])

    def settle(self, reservation: Reservation, bill: Bill) -> bool:
        """Replace the estimate by the bill, write the usage record and its rollups; once.

        Returns False when the reservation had ended before: then nothing changes.
        """
        bill = replace(bill, cost_usd=to_ledger_usd(bill.cost_usd))
        record = UsageRecord(
            reservation.id,
            reservation.generation_id,
            reservation.facts,
            bill,
            reservation.amount_usd,
            budget_names(reservation),
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

    def _post(self, reservation: Reservation, budget: BudgetRow, bill: Bill) -> Update:
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

    def _return(self, reservation: Reservation, budget: BudgetRow) -> Update:
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


def _keys_of_periods(period: BudgetPeriod) -> list[Key]:
    named = [period.period(per) for per in PeriodKind]
    return [budget_key(period.kind, period.id, key) for one in named for key in (one.key, one.key_before)]


def _ruled(
    periods: tuple[BudgetPeriod, ...], rows: dict[RowKey, Row]
) -> Iterator[tuple[BudgetPeriod, Ruling, Row | None]]:
    """Yield each budget that has a limit, that limit, and the row of its period if it is open."""
    for period in periods:
        ruling = _ruling(period, rows.get(_pair(limit_key(period.kind, period.id))))
        if ruling:
            key = budget_key(period.kind, period.id, period.period(ruling.limit.per).key)
            yield period, ruling, rows.get(_pair(key))


def _pair(key: Row) -> RowKey:
    return key["pk"], key["sk"]


def _ruling(period: BudgetPeriod, row: Row | None) -> Ruling | None:
    """Return the limit that counts: the one that was set, or else the file's."""
    known = read_limit(row) if row else None
    limit = (known.limit if known else None) or period.limit
    if limit is None:
        return None
    return Ruling(replace(limit, amount_usd=_storable(limit.amount_usd)), known.revision if known else 0)


def _storable(limit_usd: Decimal) -> Decimal:
    """Return a limit to the ledger's step: a finer one would not fit into what DynamoDB stores exactly."""
    rounded = limit_usd.quantize(LEDGER_STEP_USD, rounding=ROUND_FLOOR)
    return Decimal(f"{rounded.normalize():f}")  # 100, not 1E+2, for whoever reads the row


def _unopened(period: BudgetPeriod, ruling: Ruling) -> Budget:
    zero, limit_usd = Decimal(0), ruling.limit.amount_usd
    key = period.period(ruling.limit.per).key
    return Budget(period.kind, period.id, key, limit_usd, zero, zero, limit_usd)


def _as_ruled(budget: Budget, ruling: Ruling) -> Budget:
    limit_usd = ruling.limit.amount_usd
    more = limit_usd - budget.limit_usd
    return replace(budget, limit_usd=limit_usd, remaining_usd=budget.remaining_usd + more)


def _known(period: BudgetPeriod, ruling: Ruling, rows: dict[RowKey, Row]) -> Experience:
    """Read what a budget's answers taught; what a newer release counted before is left alone."""
    named = period.period(ruling.limit.per)
    now, before = (
        rows.get(_pair(budget_key(period.kind, period.id, key)), {}) for key in (named.key, named.key_before)
    )
    if before.get("v", 0) > ROW_VERSION:
        before = {}
    return experience(read_tally(named.key, now), read_tally(named.key_before, before))


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
        alerted=int(row.get("alerted", 0)),
    )


def budget_names(reservation: Reservation) -> tuple[str, ...]:
    """Name the budgets of a reservation as rows do: `<period>#<kind>#<id>`."""
    return tuple(f"{period_key}#{kind}#{budget_id}" for kind, budget_id, period_key in reservation.budgets)


def _reservation_row(reservation: Reservation) -> Row:
    return reservation_key(reservation.id) | {
        "v": ROW_VERSION,
        "id": reservation.id,
        "owner": reservation.owner,
        "state": "open",
        "open": "open",
        "lease_until": int(reservation.lease_until),
        "amount_usd": reservation.amount_usd,
        "budgets": list(budget_names(reservation)),
        "generation_id": reservation.generation_id,
        "facts": facts_row(reservation.facts),
    }


def _reservation(row: Row) -> Reservation:
    return Reservation(
        id=str(row["id"]),
        owner=str(row["owner"]),
        amount_usd=Decimal(row["amount_usd"]),
        budgets=tuple(read_budget_name(str(name)) for name in row["budgets"]),
        lease_until=float(row["lease_until"]),
        facts=read_facts(row["facts"]),
        generation_id=str(row.get("generation_id", "")),
    )


def read_budget_name(name: str) -> BudgetRow:
    """Read what `budget_names` wrote."""
    period_key, kind, budget_id = name.split("#", 2)
    return BudgetKind(kind), budget_id, period_key
