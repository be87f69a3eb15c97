"""Run inside the local AWS before it starts: where it differs from AWS it is put right, and it is watched.

It asks IAM about every parameter that a call reads, and lets an invocation end though its function is updated
meanwhile. What roles are allowed goes to the file that DECISIONS names, one JSON line each, and schedules
fire every few seconds. Made for the version of ministack that requirements-play.txt pins.
"""

from __future__ import annotations

import json
import os
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack.core import iam_actions, iam_evaluator, lambda_runtime
from ministack.services import eventbridge

CALENDAR_S = 5.0
"""Between two firings of a schedule with a calendar: long enough for one run to end before the next."""

parameters: ContextVar[tuple[str, ...]] = ContextVar("parameters", default=())


def write_down_what_is_used(file: Path) -> None:
    """Write what a role is allowed, as IAM is asked."""
    decide = iam_evaluator.evaluate

    def decide_and_write(context: Any, *policies: Any) -> Any:
        result = decide(context, *policies)
        if result.decision == "Allow":
            _, _, function = context.principal_arn.rpartition("/")
            used = {"function": function, "action": context.action, "resource": context.resource_arn}
            with file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(used) + "\n")
        return result

    iam_evaluator.evaluate = decide_and_write


def ask_for_every_parameter() -> None:
    """Ask IAM about the parameters that GetParameters names; it would ask about `*`, which no one may."""
    find_resource, enforce = iam_actions.extract_resource_arn, iam_evaluator.enforce

    def find_resources(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        found = find_resource(service, method, path, headers, body, *rest)
        names = json.loads(body).get("Names", []) if service == "ssm" and body else []
        region, account = rest[1], rest[2]
        parameters.set(tuple(f"arn:aws:ssm:{region}:{account}:parameter{name}" for name in names))
        return found

    def enforce_for_each(key: str, action: str, *rest: Any, resource_arn: str = "*", **more: Any) -> Any:
        resources = parameters.get() if action == "ssm:GetParameters" else (resource_arn,)
        answers = (enforce(key, action, *rest, resource_arn=resource, **more) for resource in resources)
        return next((denied for denied in answers if denied is not None), None)

    iam_actions.extract_resource_arn, iam_evaluator.enforce = find_resources, enforce_for_each


def let_invocations_end() -> None:
    """Spare the workers that are at work when their function's code or configuration is replaced."""
    kill = lambda_runtime.kill_workers
    lambda_runtime.kill_workers = lambda workers: kill([w for w in workers if w is None or not w.in_use])


def let_schedules_hurry() -> None:
    """Let a minute of a rate pass in a second, a calendar's moment come every few, and look each second."""
    seconds_of, fields_of = eventbridge._parse_rate_seconds, eventbridge._parse_cron_fields

    def hurried(schedule: str) -> float | None:
        if schedule.startswith("cron("):
            return CALENDAR_S if fields_of(schedule) else None
        seconds = seconds_of(schedule)
        return None if seconds is None else seconds / 60

    eventbridge._parse_rate_seconds = hurried
    eventbridge._SCHEDULER_TICK_INTERVAL = 1


write_down_what_is_used(Path(os.environ["DECISIONS"]))
ask_for_every_parameter()
let_invocations_end()
let_schedules_hurry()
