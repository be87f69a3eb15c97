"""Changes made: one row for each job that changed something, written together with what it changed.

    pk           sk
    job#<name>   change

So a command or a press that the queue delivers again changes nothing, also when someone else has changed it
meanwhile. What changed stands in the records of limits and settings.
"""

from __future__ import annotations

from router.adapters.table import ROW_VERSION, Dynamo, Key, Put

KEPT_S = 30 * 24 * 3600
"""Longer than a job can wait in both queues."""


def change_made(table: str, job: str, now: float) -> Put:
    """Return the write that says that `job` made a change; it fails when that was said before."""
    return Put(table, _key(job) | {"v": ROW_VERSION, "expires_at": int(now + KEPT_S)})


def was_made(dynamo: Dynamo, table: str, job: str) -> bool:
    """Whether `job` has made its change."""
    return dynamo.get(table, _key(job), consistent=True) is not None


def _key(job: str) -> Key:
    return {"pk": f"job#{job}", "sk": "change"}
