"""Ratings: what each person said of each answer, and how often each model's answers were called good or bad.

    pk                         sk
    ratings#<channel>#<month>  <reservation id>#<user>

The rating and the rollups that count it (the channel's total, the model's) change in one transaction: a press
twice counts once, and who changes their mind moves their vote.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from router.adapters.table import (
    CONDITION,
    IS_KNOWN,
    ROW_VERSION,
    Cancelled,
    Dynamo,
    Update,
    Write,
    check_version,
)
from router.adapters.usage import rating_update
from router.errors import TableUnavailable

GOOD, BAD = "good", "bad"
TRIES = 4
"""Somebody's own presses can meet each other, hardly more than two at once."""

IS_NEW = "attribute_not_exists(pk)"
WAS_SO = "rating = :before"


@dataclass(frozen=True, slots=True)
class Rated:
    """An answer that a person rates: the `reservation` that paid for it, and the model that wrote it."""

    channel: str
    month: str
    reservation: str
    model: str
    user: str


class Ratings:
    """The ratings in the usage table."""

    def __init__(self, dynamo: Dynamo, usage_table: str) -> None:
        self._dynamo = dynamo
        self._table = usage_table

    def rate(self, rated: Rated, rating: str) -> str:
        """Count one person's rating of one answer and return the one that it replaces; empty: their first.

        Raises TableUnavailable.
        """
        before = ""
        for _ in range(TRIES):
            try:
                self._dynamo.transact(list(self._writes(rated, before, rating)))
            except Cancelled as cancelled:
                for _reason, row in cancelled.reasons:
                    check_version(row)
                reason, row = cancelled.reasons[0]
                if reason != CONDITION:
                    raise TableUnavailable(f"rate: {cancelled}") from cancelled
                before = str(row.get("rating", ""))
                if before == rating:
                    return before
            else:
                return before
        raise TableUnavailable("rate: changed all the time")

    def _writes(self, rated: Rated, before: str, rating: str) -> Iterator[Write]:
        yield Update(
            self._table,
            {"pk": f"ratings#{rated.channel}#{rated.month}", "sk": f"{rated.reservation}#{rated.user}"},
            "SET rating = :rating, model = :model, v = :v",
            {":rating": rating, ":model": rated.model, ":v": ROW_VERSION}
            | ({":before": before} if before else {}),
            condition=f"{IS_KNOWN} AND {WAS_SO}" if before else IS_NEW,
        )
        counts = {name: (rating == name) - (before == name) for name in (GOOD, BAD)}
        for rollup in (("total", "all"), ("model", rated.model)):
            yield rating_update(self._table, (rated.channel, rated.month), rollup, counts)
