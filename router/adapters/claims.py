"""Claims: the right to answer a message once, whatever was redelivered.

    (nothing) ──take──▶ claimed ──finish──▶ done            duplicates stop here
                         │  ▲ └──abandon──▶ abandoned ──take──▶ claimed
                         │  └────────take────────┐          the owner let go: taken at once
                         └──lease runs out──▶ (expired)     the owner died: taken over

A claim is keyed on channel and message ts, never on an event id: Slack delivers one message under many. A
message that is answered again, by a stronger tier, has one more claim for each such tier.
Every write but `take` and `stop` demands that the writer still owns the claim.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from router.domain.message import Message

KEPT_S = 30 * 24 * 3600
"""How long a finished claim guards against one more delivery: longer than a queue or a dead-letter queue
(14 days) can hold a job."""

IS_NEW = "attribute_not_exists(pk)"
WAS_LET_GO = "phase = :abandoned"
IS_BEING_ANSWERED = "phase = :claimed"
OWNER_DIED = "phase = :claimed AND lease_until < :now"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer `channel`'s message `ts`, held by `owner` until `lease_until` (epoch seconds).

    `replies` are the timestamps of what an earlier owner already posted, in order.
    """

    channel: str
    ts: str
    owner: str
    lease_until: float
    replies: tuple[str, ...] = ()
    is_takeover: bool = False
    """Whether an earlier owner began: let go, or died."""
    answering: str = ""
    """Which answer it is the right to: empty for the message's own, else the tier that answers it again."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The message is answered, or another job is answering it."""


@dataclass(frozen=True, slots=True)
class HeldByThisJob:
    """An earlier delivery of this very job still holds the claim, for `seconds` at most."""

    seconds: float


def claim_key(channel: str, ts: str, answering: str = "") -> Key:
    """Name the row of a claim."""
    return {"pk": f"message#{channel}#{ts}", "sk": f"again#{answering}" if answering else "claim"}


class Claims:
    """The claims in the state table."""

    def __init__(self, dynamo: Dynamo, state_table: str) -> None:
        self._dynamo = dynamo
        self._table = state_table

    def take(
        self, message: Message, *, job: str, owner: str, now: float, lease_s: float, answering: str = ""
    ) -> Claim | Duplicate | HeldByThisJob:
        """Take the claim of `message` for `owner`, who works on `job`.

        Taking twice with the same `owner` gives the same claim: an answer of the table may get lost.
        """
        update = Update(
            self._table,
            claim_key(message.channel, message.ts, answering),
            "SET phase = :claimed, #owner = :owner, job = :job, lease_until = :until,"
            " v = :v, expires_at = :end ADD receives :one",
            {
                ":claimed": "claimed",
                ":abandoned": "abandoned",
                ":owner": owner,
                ":job": job,
                ":until": int(now + lease_s),
                ":now": int(now),
                ":v": ROW_VERSION,
                ":end": int(now + KEPT_S),
                ":one": 1,
            },
            {"#owner": "owner"},
            f"{IS_NEW} OR ({IS_KNOWN} AND ({WAS_LET_GO} OR {OWNER_DIED}))",
        )
        try:
            before = self._dynamo.update(update)
        except ConditionFailed as failed:
            claim = Claim(message.channel, message.ts, owner, 0.0, answering=answering)
            return self._held(claim, failed.row, job, now)
        claim = Claim(message.channel, message.ts, owner, now + lease_s, answering=answering)
        return self._with_what_was(claim, before, earlier=before.get("receives", 0))

    def _with_what_was(self, claim: Claim, row: Row, earlier: int) -> Claim:
        replies = tuple(str(ts) for ts in row.get("replies", ()))
        return replace(claim, replies=replies, is_takeover=earlier > 0)

    def _held(self, claim: Claim, row: Row, job: str, now: float) -> Claim | Duplicate | HeldByThisJob:
        check_version(row)
        if row["phase"] == "claimed" and row["owner"] == claim.owner:
            claim = replace(claim, lease_until=float(row["lease_until"]))
            return self._with_what_was(claim, row, earlier=row["receives"] - 1)
        if row["phase"] == "claimed" and row["job"] == job:
            return HeldByThisJob(max(1.0, float(row["lease_until"]) - now))
        return Duplicate()

    def note_replies(self, claim: Claim, replies: tuple[str, ...]) -> None:
        """Remember what was posted, so that whoever takes over finishes it in place."""
        self._change(claim, "SET replies = :replies", {":replies": list(replies)})

    def finish(self, claim: Claim, outcome: str) -> None:
        """End the claim: the message is answered or refused for good."""
        self._change(claim, "SET phase = :done, outcome = :outcome", {":done": "done", ":outcome": outcome})

    def abandon(self, claim: Claim, reason: str) -> None:
        """Let go, so that the next delivery takes it at once; `reason` stays readable in the row."""
        self._change(
            claim, "SET phase = :abandoned, reason = :reason", {":abandoned": "abandoned", ":reason": reason}
        )

    def stop(self, channel: str, ts: str, answering: str, by: str) -> bool:
        """Ask whoever is answering to stop; False when nobody is, or no more. Asking twice is asking once."""
        update = Update(
            self._table,
            claim_key(channel, ts, answering),
            "SET stopped_by = :by",
            {":by": by, ":claimed": "claimed", ":v": ROW_VERSION},
            condition=f"{IS_KNOWN} AND {IS_BEING_ANSWERED}",
        )
        try:
            self._dynamo.update(update)
        except ConditionFailed:
            return False
        return True

    def is_stopped(self, claim: Claim) -> bool:
        """Whether someone asked to stop; a look that may be a moment behind. Raises TableUnavailable."""
        row = self._dynamo.get(self._table, claim_key(claim.channel, claim.ts, claim.answering))
        return bool(row and row.get("stopped_by"))

    def _change(self, claim: Claim, expression: str, values: Row) -> bool:
        """Write if the claim is still ours; a claim that was taken over is its new owner's to write."""
        update = Update(
            self._table,
            claim_key(claim.channel, claim.ts, claim.answering),
            expression,
            values | {":owner": claim.owner, ":still": "claimed"},
            {"#owner": "owner"},
            "#owner = :owner AND phase = :still",
        )
        try:
            self._dynamo.update(update)
        except ConditionFailed:
            return False
        return True
