"""Limits that were set while Penny runs: one row for each budget that has one, and a row for each change.

    pk                      sk
    limits                  <kind>#<id>    the limit as it stands; one partition, so that one query lists all
    limit_changes#<budget>  <revision>     who changed it, when, from what to what; never changed

A limit that was taken back keeps its row, without an amount: its revision tells whoever read the row a
moment too early that the budget has moved on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from router.adapters.made import change_made, was_made
from router.adapters.table import (
    CONDITION,
    IS_KNOWN,
    ROW_VERSION,
    Cancelled,
    Dynamo,
    Key,
    Put,
    Row,
    Update,
    check_version,
)
from router.domain.budget import BudgetKind, Limit, PeriodKind
from router.errors import TableUnavailable

CHANGE_TRIES = 5
"""Of one change against others at the same moment: people do not change one limit more often at once."""

IS_NEW = "attribute_not_exists(pk)"
IS_AS_READ = f"revision = :read AND {IS_KNOWN}"


@dataclass(frozen=True, slots=True)
class SetLimit:
    """What was set for a budget: `limit` None says that it was taken back and the file's counts again.

    `revision` counts the changes. `set_at` is in epoch seconds.
    """

    kind: BudgetKind
    id: str
    limit: Limit | None
    revision: int
    set_by: str
    set_at: int


@dataclass(frozen=True, slots=True)
class Change:
    """One change of what was set for a budget: who made it, when, from what to what (None: the file's)."""

    set_by: str
    set_at: int
    before: Limit | None
    after: Limit | None


def limit_key(kind: str, budget_id: str) -> Key:
    """Name the row of what was set for a budget."""
    return {"pk": "limits", "sk": f"{kind}#{budget_id}"}


def read_limit(row: Row) -> SetLimit:
    """Read such a row."""
    check_version(row)
    kind, _, budget_id = str(row["sk"]).partition("#")
    return SetLimit(
        kind=BudgetKind(kind),
        id=budget_id,
        limit=_limit(row, ""),
        revision=int(row["revision"]),
        set_by=str(row["set_by"]),
        set_at=int(row["set_at"]),
    )


class Limits:
    """The limits in the state table."""

    def __init__(self, dynamo: Dynamo, state_table: str) -> None:
        self._dynamo = dynamo
        self._table = state_table

    def all(self) -> list[SetLimit]:
        """Return what is set at present, from one query."""
        rows = self._dynamo.query(self._table, "pk = :pk", {":pk": "limits"})
        return [found for found in map(read_limit, rows) if found.limit]

    def get(self, kind: BudgetKind, budget_id: str) -> SetLimit | None:
        """Return what was last set for a budget, or taken back; None when nothing ever was."""
        row = self._dynamo.get(self._table, limit_key(kind, budget_id), consistent=True)
        return read_limit(row) if row else None

    def changes(self, kind: BudgetKind, budget_id: str) -> Iterator[Change]:
        """Yield all changes of a budget's limit, the first one first."""
        pk = f"limit_changes#{kind}#{budget_id}"
        for row in self._dynamo.query(self._table, "pk = :pk", {":pk": pk}):
            check_version(row)
            yield Change(
                str(row["set_by"]), int(row["set_at"]), _limit(row, "before_"), _limit(row, "after_")
            )

    def change(
        self,
        kind: BudgetKind,
        budget_id: str,
        limit: Limit | None,
        set_by: str,
        now: float,
        job: str = "",
    ) -> SetLimit | None:
        """Set a budget's limit, or take it back (None), and write down who did; returns what was set before.

        None: `job` had done so in an earlier delivery, and nothing changes. Raises TableUnavailable when
        others change it again and again at the same moment.
        """
        nothing = SetLimit(kind, budget_id, None, 0, "", 0)
        for _ in range(CHANGE_TRIES):
            if job and was_made(self._dynamo, self._table, job):
                return None
            before = self.get(kind, budget_id) or nothing
            after = replace(before, limit=limit, revision=before.revision + 1, set_by=set_by, set_at=int(now))
            made = [change_made(self._table, job, now)] if job else []
            try:
                self._dynamo.transact([self._update(before, after), self._note(before, after), *made])
            except Cancelled as cancelled:
                if {reason for reason, _ in cancelled.reasons} - {CONDITION, "None"}:
                    raise TableUnavailable(f"limit of {kind} {budget_id}: {cancelled}") from cancelled
            else:
                return before
        raise TableUnavailable(f"limit of {kind} {budget_id}: changed {CHANGE_TRIES} times meanwhile")

    def _update(self, before: SetLimit, after: SetLimit) -> Update:
        values: Row = {
            ":revision": after.revision,
            ":by": after.set_by,
            ":at": after.set_at,
            ":v": ROW_VERSION,
        }
        expression = "SET revision = :revision, set_by = :by, set_at = :at, v = :v"
        if after.limit:
            expression += ", limit_usd = :limit, per = :per"
            values |= {":limit": after.limit.amount_usd, ":per": after.limit.per.value}
        else:
            expression += " REMOVE limit_usd, per"
        values |= {":read": before.revision} if before.revision else {}
        condition = IS_AS_READ if before.revision else IS_NEW
        return Update(self._table, limit_key(after.kind, after.id), expression, values, condition=condition)

    def _note(self, before: SetLimit, after: SetLimit) -> Put:
        row: Row = {
            "pk": f"limit_changes#{after.kind}#{after.id}",
            "sk": f"{after.revision:06}",
            "v": ROW_VERSION,
            "set_by": after.set_by,
            "set_at": after.set_at,
            **_limit_row(before.limit, "before_"),
            **_limit_row(after.limit, "after_"),
        }
        return Put(self._table, row)


def _limit(row: Row, prefix: str) -> Limit | None:
    amount = row.get(f"{prefix}limit_usd")
    return None if amount is None else Limit(Decimal(amount), PeriodKind(row[f"{prefix}per"]))


def _limit_row(limit: Limit | None, prefix: str) -> Row:
    return {f"{prefix}limit_usd": limit.amount_usd, f"{prefix}per": limit.per.value} if limit else {}
