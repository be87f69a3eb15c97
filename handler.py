"""Lambda entry points, nothing else: each reads its event, calls one function and returns what Lambda wants.

What is imported here is imported by every function, so it is the standard library alone; the worker's
parts are imported by the functions that need them.
"""

from __future__ import annotations

import gc
import time
from typing import Any

gc.disable()  # until all is made: none of it is garbage, and looking for some takes a tenth of a cold start

from router import receive as receiver  # noqa: E402 - after the line above
from router.adapters.gateway import request_from  # noqa: E402 - as above
from router.settings import settings_from  # noqa: E402 - as above

receiver.get_ready(settings_from())


def receive(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Acknowledge a request of Slack's (HTTP, payload format 2.0)."""
    _keep_what_is_made()
    return receiver.receive(request_from(event), settings_from(), time.time()).to_payload()


def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Work off one record of the queue (SQS event); returns its partial batch response."""
    from router.worker import dispatcher  # noqa: PLC0415 - Bolt and the AWS SDK are not `receive`'s to import

    made = dispatcher(settings_from())
    _keep_what_is_made()
    return made.work_off(event, seconds_left(context))


def reconcile(_event: object, context: Any) -> dict[str, int]:
    """Settle what workers left open (schedule); returns how many reservations ended in which way."""
    from router import wiring  # noqa: PLC0415 - as above
    from router.reconcile import reconcile_all  # noqa: PLC0415 - as above

    settings = settings_from()
    made = wiring.ledger(settings), wiring.openrouter(settings)
    _keep_what_is_made()
    return reconcile_all(*made, seconds_left(context), lambda: wiring.alerting(settings))


def digest(_event: object, context: Any) -> dict[str, int]:
    """Post the week's digest in each channel (schedule); returns how many ended in which way."""
    from router import wiring  # noqa: PLC0415 - as above

    made = wiring.digesting(settings_from())
    _keep_what_is_made()
    return made.post_all(seconds_left(context))


def seconds_left(context: Any) -> float:
    """Return the seconds until Lambda stops us; without a Lambda around us there is no end."""
    if not hasattr(context, "get_remaining_time_in_millis"):
        return float("inf")
    return float(context.get_remaining_time_in_millis()) / 1000


def _keep_what_is_made() -> None:
    """Look for garbage from now on, but never again among what was made until now."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
