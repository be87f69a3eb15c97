"""Schedules: each fires by itself and invokes its function, which does its work.

Reconciling ends what was left open, and tells of the money that is running out; the digest is posted.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

from deploy.e2e.conversation import check_books
from deploy.e2e.outside import CHANNEL, footer_of
from deploy.e2e.stage import STACK
from deploy.e2e.steps import expect, wait_until
from deploy.e2e.world import World
from playground.openrouter import traps

FIRES_WITHIN_S = 120.0
"""In this account every schedule fires each few seconds (`in_local_aws.py`)."""


MOST_USD = 4
"""Of a budget of five or six dollars: enough for an alert, and it bears an answer all the same."""


def let_cost_be_unknown(world: World) -> None:
    """Have OpenRouter keep the cost of the next call to itself until it is asked."""
    world.outside.openrouter.script(traps.no_usage())


def let_leases_run_out(world: World) -> None:
    """Make a minute old the lease of every reservation that is open."""
    for row in open_reservations(world):
        world.account.client("dynamodb").update_item(
            TableName=world.stage.table("state"),
            Key={"pk": row["pk"], "sk": row["sk"]},
            UpdateExpression="SET lease_until = :past",
            ExpressionAttributeValues={":past": {"N": str(int(time.time()) - 60)}},
        )


def open_reservations(world: World) -> list[dict[str, Any]]:
    """Return the reservations that have not ended."""
    rows = world.stage.rows("state")
    return [row for row in rows if row["pk"]["S"].startswith("reservation#") and "open" in row]


@contextlib.contextmanager
def money_running_out(world: World) -> Iterator[None]:
    """Have most of the channel's budget spent while the block runs, of which nobody was told yet."""
    _spend(world, MOST_USD)
    try:
        yield
    finally:
        _spend(world, -MOST_USD)


def _spend(world: World, usd: int) -> None:
    rows = world.stage.rows("state")
    (budget,) = (row for row in rows if row["pk"]["S"] == f"budget#channel#{CHANNEL}")
    world.account.client("dynamodb").update_item(
        TableName=world.stage.table("state"),
        Key={"pk": budget["pk"], "sk": budget["sk"]},
        UpdateExpression="ADD spent_usd :more, remaining_usd :less REMOVE alerted",
        ExpressionAttributeValues={":more": {"N": str(usd)}, ":less": {"N": str(-usd)}},
    )


def fire(world: World) -> str:
    """Find every rule set up right, a digest posted, and what was left open settled by the next run."""
    rules = [_check_rule(world, name) for name in world.stage.resources("AWS::Events::Rule").values()]
    let_cost_be_unknown(world)
    answer = world.outside.answer(world.outside.ask("what will this have cost?"))
    expect("pending" in footer_of(answer), "a cost that is pending", footer_of(answer))
    with money_running_out(world):
        let_leases_run_out(world)
        wait_until(lambda: not open_reservations(world), "the reservation settled", FIRES_WITHIN_S)
        wait_until(world.outside.alerts, "an alert in the channel", FIRES_WITHIN_S)
    check_books(world)
    wait_until(world.outside.digests, "the week's digest in the channel", FIRES_WITHIN_S)
    for posts in (world.outside.digests(), world.outside.alerts()):
        expect(len(posts) == 1, "one of each", [post.visible_text for post in posts])
    return (
        f"{'; '.join(rules)}: a cost that was unknown is settled, an alert and the week's digest are posted"
    )


def stop(world: World) -> None:
    """Stop the schedules, so that no run comes in between."""
    for name in world.stage.resources("AWS::Events::Rule").values():
        world.account.client("events").disable_rule(Name=name)


def _check_rule(world: World, name: str) -> str:
    """Find a rule enabled, aimed at one function of ours, and allowed to invoke it; return both."""
    events, functions = world.account.client("events"), world.account.client("lambda")
    rule = events.describe_rule(Name=name)
    targets: list[dict[str, Any]] = events.list_targets_by_rule(Rule=name)["Targets"]
    expect(rule["State"] == "ENABLED" and len(targets) == 1, f"{name} enabled, with one target", targets)
    function = targets[0]["Arn"].rpartition(":")[2]
    policy = functions.get_policy(FunctionName=function)["Policy"]
    sources = [s.get("Condition", {}).get("ArnLike", {}) for s in json.loads(policy)["Statement"]]
    expect({"AWS:SourceArn": rule["Arn"]} in sources, f"{name} allowed to invoke {function}", policy)
    return f"{function.removeprefix(f'{STACK}-')} at {rule['ScheduleExpression']}"
