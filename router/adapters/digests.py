"""Digests: that a channel gets its digest of a week once, whichever runs try and however they end.

    (nothing) ──take──▶ posting ──note posted──▶ posted          every later run stops here
                         │  ▲ └──note refused, unreachable──▶ (its word) ──take──▶ posting, a few times
                         └──┘ lease runs out: the run died in between

The row is written before the post. Whether a try reached Slack is not always known, so every later one is
told when the first was, and looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from router.adapters.table import (
    IS_KNOWN,
    ROW_VERSION,
    ConditionFailed,
    Dynamo,
    Key,
    Row,
    Update,
    check_version,
)

MOST_TRIES = 5
"""Of one channel in one week: the schedule's own three (Lambda runs a failed one twice more), two by hand."""

LEASE_S = 180.0
"""Longer than one channel takes: two calls that break after 10 s each, and Slack's wish to be left alone."""

KEPT_S = 60 * 24 * 3600
"""How long one can look up what became of a digest; its week is over long before."""

IS_NEW = "attribute_not_exists(pk)"
IS_LEFT = "phase IN (:refused, :unreachable) OR (phase = :posting AND lease_until < :now)"
MAY_TRY = "tries < :most"


class Phase(StrEnum):
    """How far the digest of a channel's week is."""

    POSTING = "posting"
    POSTED = "posted"
    REFUSED = "refused"
    """Slack said no: nothing was posted."""
    UNREACHABLE = "unreachable"
    """Slack did not say: it may have been posted."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to post the digest of `channel` and `week`, held by `owner`.

    `tried_since` (epoch seconds) is when the first turn began, which may have posted it; None: this is it.
    """

    channel: str
    week: str
    owner: str
    tried_since: float | None


@dataclass(frozen=True, slots=True)
class NoTurn:
    """It is posted, or being posted by another run (`phase` says which), or was tried often enough."""

    phase: Phase


def digest_key(channel: str, week: str) -> Key:
    """Name the row of a channel's week."""
    return {"pk": f"digest#{channel}", "sk": week}


class Digests:
    """The rows of digests in the state table."""

    def __init__(self, dynamo: Dynamo, state_table: str) -> None:
        self._dynamo = dynamo
        self._table = state_table

    def take(self, channel: str, week: str, owner: str, now: float) -> Turn | NoTurn:
        """Take the turn to post the digest of a week (`2026-W47`) for `owner`, one run.

        Taking twice with the same `owner` gives the same turn: an answer of the table may get lost.
        """
        update = Update(
            self._table,
            digest_key(channel, week),
            "SET phase = :posting, #owner = :owner, lease_until = :until, v = :v, expires_at = :end,"
            " began_at = if_not_exists(began_at, :now) ADD tries :one",
            {
                ":posting": Phase.POSTING.value,
                ":refused": Phase.REFUSED.value,
                ":unreachable": Phase.UNREACHABLE.value,
                ":owner": owner,
                ":until": int(now + LEASE_S),
                ":now": int(now),
                ":end": int(now + KEPT_S),
                ":most": MOST_TRIES,
                ":one": 1,
                ":v": ROW_VERSION,
            },
            {"#owner": "owner"},
            f"{IS_NEW} OR ({IS_KNOWN} AND {MAY_TRY} AND ({IS_LEFT}))",
        )
        try:
            before = self._dynamo.update(update)
        except ConditionFailed as failed:
            return self._held(failed.row, channel, week, owner)
        return Turn(channel, week, owner, float(before["began_at"]) if before else None)

    def _held(self, row: Row, channel: str, week: str, owner: str) -> Turn | NoTurn:
        check_version(row)
        if (row["phase"], row["owner"]) == (Phase.POSTING, owner):
            return Turn(channel, week, owner, float(row["began_at"]) if row["tries"] > 1 else None)
        return NoTurn(Phase(row["phase"]))

    def note(self, turn: Turn, phase: Phase, *, ts: str = "", reason: str = "") -> None:
        """Say how a turn ended, and where the digest stands or why not; nothing if it was taken over."""
        update = Update(
            self._table,
            digest_key(turn.channel, turn.week),
            "SET phase = :phase, ts = :ts, reason = :reason",
            {
                ":phase": phase.value,
                ":ts": ts,
                ":reason": reason,
                ":owner": turn.owner,
                ":posting": Phase.POSTING.value,
            },
            {"#owner": "owner"},
            "#owner = :owner AND phase = :posting",
        )
        try:
            self._dynamo.update(update)
        except ConditionFailed:
            return
