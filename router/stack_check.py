"""Tables and queues as AWS describes them, held against what Penny needs and serverless.yml makes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from router.adapters.ledger import OPEN_INDEX
from router.adapters.table import TableShape
from router.adapters.usage import MONTH_INDEX
from router.delivered import MAX_RECEIVES
from router.replying import CLOSING_S, LEASE_MARGIN_S

STATE_TABLE = TableShape(
    keys=("pk", "sk"),
    indexes={OPEN_INDEX: ("open", "lease_until")},
    expires_by="expires_at",
    can_be_restored=True,
    is_on_demand=True,
)
USAGE_TABLE = TableShape(
    keys=("pk", "sk"),
    indexes={MONTH_INDEX: ("rollup_month", "rollup_of")},
    expires_by="",
    can_be_restored=True,
    is_on_demand=True,
)


STAGED = re.compile(
    r"penny-(?:state|usage|jobs|dead-letters)-([A-Za-z0-9-]+)(?:\.fifo)?|/penny/([A-Za-z0-9-]+)/?"
)
"""How serverless.yml names a stage in tables, queues and the path of secrets."""


def stages_in(names: Mapping[str, str]) -> dict[str, str]:
    """Return the stage in each of `names` (a table, a queue's URL, a path of secrets) that names one."""
    found = {
        what: STAGED.fullmatch(n if n.startswith("/") else n.rpartition("/")[2]) for what, n in names.items()
    }
    return {what: match[1] or match[2] for what, match in found.items() if match}


def wrong_with_table(found: TableShape, wanted: TableShape) -> Iterator[str]:
    """Yield what of a table is not as it should be; more indexes than needed are no harm."""
    if found.keys != wanted.keys:
        yield f"its keys are {', '.join(found.keys)} instead of {', '.join(wanted.keys)}"
    for index, keys in wanted.indexes.items():
        if found.indexes.get(index) != keys:
            yield f"it has no index {index} on {', '.join(keys)}"
    if found.expires_by != wanted.expires_by:
        yield f"rows expire by {found.expires_by or 'nothing'} instead of {wanted.expires_by or 'never'}"
    if not found.can_be_restored:
        yield "it has no point-in-time recovery"
    if not found.is_on_demand:
        yield "it is not billed on demand, so it may be throttled"


def wrong_with_job_queue(found: Mapping[str, str], deadline_s: int) -> Iterator[str]:
    """Yield what of the job queue's attributes an answer of up to `deadline_s` seconds cannot do with."""
    if not is_fifo(found):
        yield "it is not FIFO"
    needed_s = deadline_s + CLOSING_S + LEASE_MARGIN_S
    visibility = found.get("VisibilityTimeout", "")
    if not visibility.isdecimal() or int(visibility) < needed_s:
        told = visibility or "an unknown number of"
        yield f"its visibility is {told} s; a deadline of {deadline_s} s needs {needed_s:g} s"
    if str(_redrive(found).get("maxReceiveCount", "")) != str(MAX_RECEIVES):
        yield f"it does not park a job after {MAX_RECEIVES} receives, which is when its thread is told"


def is_fifo(found: Mapping[str, str]) -> bool:
    """Whether a queue keeps the order of each group."""
    return found.get("FifoQueue") == "true"


def dead_letter_queue_of(found: Mapping[str, str], url: str) -> str:
    """Return the URL of the queue that the queue at `url` parks in; empty if it names none.

    Both are of one account and region: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
    """
    name = str(_redrive(found).get("deadLetterTargetArn", "")).rpartition(":")[2]
    return f"{url.rpartition('/')[0]}/{name}" if name else ""


def _redrive(found: Mapping[str, str]) -> dict[str, Any]:
    try:
        policy = json.loads(found.get("RedrivePolicy", ""))
    except ValueError:
        return {}
    return policy if isinstance(policy, dict) else {}
