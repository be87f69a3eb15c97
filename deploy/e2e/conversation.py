"""Conversation: what a person sees in Slack, and what the books say of it."""

from __future__ import annotations

import json
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import httpx

from deploy.e2e.outside import ANSWER, ANSWERED_WITHIN_S, footer_of
from deploy.e2e.steps import expect, wait_until
from deploy.e2e.world import World
from playground.slack.request import Outgoing, Purpose, SlackRequest, sign

BUSY = {0, HTTPStatus.SERVICE_UNAVAILABLE}
"""Statuses of deliveries that come again: one that took longer than Slack waits, one that could not be queued
in time. On a busy machine both happen."""


def is_answered(world: World) -> str:
    """Ask, and find one answer in the thread, one call, one usage record of what it cost."""
    calls, records = world.outside.billed_calls, len(usage_records(world))
    ts = world.outside.ask("hello")
    answer = world.outside.answer(ts)
    world.stage.wait_until_worked_off()
    expect(answer.visible_text.startswith(ANSWER), ANSWER, answer.visible_text)
    replies = [reply.visible_text for reply in world.outside.replies(ts)]
    expect(len(replies) == 1, "one reply", replies)
    refused = {made.status for made in world.outside.delivery.log} - {HTTPStatus.OK} - BUSY
    expect(not refused, "no delivery refused", refused)
    expect(world.outside.billed_calls == calls + 1, f"{calls + 1} billed calls", world.outside.billed_calls)
    found = len(usage_records(world))
    expect(found == records + 1, f"{records + 1} usage records", found)
    check_books(world)
    return footer_of(answer)


def is_explained(world: World) -> str:
    """Press under the last answer to be told why its model was chosen."""
    thread = next(reversed(world.outside.asked))
    world.outside.slack.board.send(world.outside.ask_why(world.outside.answer(thread)))
    (told,) = wait_until(world.outside.whispers, "an explanation", ANSWERED_WITHIN_S)
    return told.strip().splitlines()[0]


def is_told_by_command(world: World) -> str:
    """Type a command that looks into the books, and open the home tab."""
    before = len(world.outside.whispers())
    world.outside.slack.board.send(world.outside.command("why"))
    told = wait_until(lambda: world.outside.whispers()[before:], "a command's answer", ANSWERED_WITHIN_S)
    expect("The tier " in told[0], "an explanation", told)
    world.outside.slack.open_home()
    wait_until(world.outside.home, "a home tab", ANSWERED_WITHIN_S)
    return told[0].strip().splitlines()[0]


def is_answered_once(world: World) -> str:
    """Look at everything that was asked, after all jobs are done: each question has one answer."""
    world.stage.wait_until_worked_off()
    asked = dict(world.outside.asked)
    answered = {thread: len(world.outside.answers(thread)) for thread in asked}
    expect(answered == asked, f"as many answers as questions, by thread: {asked}", answered)
    check_books(world)
    return (
        f"{sum(asked.values())} questions, as many answers; records of ${world.outside.openrouter.billed_usd}"
    )


def is_refused_unsigned(world: World) -> str:
    """Post what Slack did not sign, and find it refused and nothing written."""
    before = _written(world)
    body = {"type": "url_verification", "challenge": "let me in"}
    request = sign(Outgoing(Purpose.EVENT, body), "not the secret", world.outside.slack.clock.now())
    answers = {_post(world, request), _post(world, None)}
    expect(answers == {HTTPStatus.UNAUTHORIZED}, "HTTP 401", answers)
    after = _written(world)
    jobs = world.stage.messages("jobs")
    expect(after == before and jobs == 0, "nothing written", f"{jobs} jobs, rows {after}")
    return "401, and nothing written"


def is_reported(world: World) -> str:
    """Report the month from the usage table, and find in it what OpenRouter billed."""
    environment = {
        **world.account.environment,
        **world.outside.environment,
        "STATE_TABLE": world.stage.table("state"),
        "USAGE_TABLE": world.stage.table("usage"),
    }
    printed = world.project.python("router", "report", "--format", "json", environment=environment)
    report: dict[str, Any] = json.loads(printed)
    billed = world.outside.openrouter.billed_usd
    total = report["total"]
    expect(Decimal(total["cost_usd"]) == billed, f"a total of ${billed}", printed)
    return f"${billed} for {total['answers']} answers, as OpenRouter billed"


def usage_records(world: World) -> list[dict[str, Any]]:
    """Return the usage records."""
    return [row for row in world.stage.rows("usage") if row["pk"]["S"].startswith("records#")]


def check_books(world: World) -> None:
    """Find that what was recorded is what OpenRouter billed, to the last digit."""
    recorded = sum((Decimal(row["cost_usd"]["N"]) for row in usage_records(world)), Decimal(0))
    billed = world.outside.openrouter.billed_usd
    expect(recorded == billed, f"records of ${billed}, which OpenRouter billed", f"${recorded}")


def _written(world: World) -> list[dict[str, Any]]:
    """Return all rows but those of digests, which a schedule may write at any moment."""
    rows = [*world.stage.rows("state"), *world.stage.rows("usage")]
    return [row for row in rows if not row["pk"]["S"].startswith("digest#")]


def _post(world: World, request: SlackRequest | None) -> int:
    headers = dict(request.headers) if request else {"content-type": "application/json"}
    body = request.body if request else "{}"
    return httpx.post(world.stage.endpoint, content=body, headers=headers).status_code
