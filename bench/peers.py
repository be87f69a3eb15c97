"""The peers: two ledgers as they are usually built, on the same tables, to be measured beside Penny's.

All else is Penny's own (fitting the call to the money, calling, settling with patience), which is kinder than
their kind is. Source of both habits: https://github.com/BerriAI/litellm/issues.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from router.adapters.ledger import CAN_PAY, Ledger, Reservation, Reserved, Short, budget_key
from router.adapters.table import ConditionFailed, Row, Update

if TYPE_CHECKING:
    from router.domain.usage import Bill


class _Peer(Ledger):
    """A ledger that keeps sums on the budget's row and nothing else. Knows one budget for each call."""

    def note_generation(self, reservation_id: str, generation_id: str) -> None:
        """Forget it: there is no row that could hold it."""

    def open_past_lease(self, now: float) -> Iterator[Reservation]:  # noqa: ARG002 - the ledger's signature
        """Know of none."""
        return iter(())

    def _add(
        self, reservation: Reservation, amounts: Mapping[str, Decimal | int], condition: str = ""
    ) -> Row:
        """Add to the attributes of the budget's row and return it as it was."""
        (key,) = reservation.budgets
        values: Row = {f":{name}": amount for name, amount in amounts.items()}
        if condition:
            values[":estimate"] = reservation.amount_usd
        added = ", ".join(f"{name} :{name}" for name in amounts)
        return self._dynamo.update(
            Update(self._state, budget_key(*key), f"ADD {added}", values, condition=condition)
        )


class CheckThenSpend(_Peer):
    """Looks whether what is not spent bears the worst case; counts the cost when the answer is there."""

    def reserve(self, reservation: Reservation) -> Reserved | Short:
        """Look, and set nothing aside."""
        (key,) = reservation.budgets
        row = self._dynamo.get(self._state, budget_key(*key), consistent=True) or {}
        return Reserved() if row["remaining_usd"] >= reservation.amount_usd else Short(())

    def settle(self, reservation: Reservation, bill: Bill) -> bool:
        """Add the cost to what is spent; twice if asked twice."""
        self._add(reservation, {"spent_usd": bill.cost_usd, "remaining_usd": -bill.cost_usd})
        return True

    def release(self, reservation: Reservation) -> bool:  # noqa: ARG002 - the ledger's signature
        """Have nothing to return."""
        return True


class AnonymousHold(_Peer):
    """Takes the worst case off what remains, by one conditional write; nobody knows whose it is.

    `holds` counts what is set aside, for this measurement alone.
    """

    def reserve(self, reservation: Reservation) -> Reserved | Short:
        """Set money aside; twice if asked twice."""
        amount = reservation.amount_usd
        try:
            self._add(
                reservation, {"remaining_usd": -amount, "reserved_usd": amount, "holds": 1}, condition=CAN_PAY
            )
        except ConditionFailed:
            return Short(())
        return Reserved()

    def settle(self, reservation: Reservation, bill: Bill) -> bool:
        """Replace the hold by the cost; twice if asked twice."""
        amount, cost = reservation.amount_usd, bill.cost_usd
        self._add(
            reservation,
            {"spent_usd": cost, "reserved_usd": -amount, "remaining_usd": amount - cost, "holds": -1},
        )
        return True

    def release(self, reservation: Reservation) -> bool:
        """Return the hold; twice if asked twice."""
        amount = reservation.amount_usd
        self._add(reservation, {"reserved_usd": -amount, "remaining_usd": amount, "holds": -1})
        return True


LEDGERS: Mapping[str, type[Ledger]] = {
    "penny": Ledger,
    "check-then-spend": CheckThenSpend,
    "hold-without-lease": AnonymousHold,
}
"""By the policy's name; ours first."""
