"""Load: questions from signed event to finished answer, while workers are killed and the table fails.

What must hold in the end: every question has one whole answer in Slack, no budget is overspent, the books
agree, and no reservation stays open.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import handler
from bench.aftermath import Aftermath, breaches, look_around
from bench.containers import Containers, Stage, Tally
from bench.crowd import Crowd, scripted_answer
from bench.doom import Doom
from bench.options import Say, any_number, some, with_aws
from bench.result import Result, Value, percentile
from bench.surroundings import Surroundings, environment_of, surroundings
from bench.tables import Tables
from bench.weather import CHANCES, Weather
from playground.clock import SystemClock
from playground.slack.delivery import Delivery
from playground.slack.endpoint import lambda_endpoint
from playground.stack import read_stack

JOURNAL = Path(__file__).resolve().parent.parent / ".playground" / "load.log"
"""What Penny wrote in the latest run, to look into when a promise was broken."""

LOOK_EVERY_S = 0.2
TELL_EVERY_S = 5.0

NOTES = (
    """For killed workers alone time was shortened: their claims' leases and their jobs' visibility ended half
a second after their death, not after minutes. All others kept the times of production.""",
    """When all workers had ended, reservations that were still open were aged by an hour and a half, for the
reconciler to look at.""",
    """Slack's rate limits were off: they are a workspace's, an installation has one, and they would be all
that is measured.""",
    "Slack, OpenRouter, AWS and the people ran on this machine too, and took their share of it.",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen while the load ran."""

    crowd: Crowd
    tally: Tally
    events: int
    is_in_time: bool


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    made = with_aws(argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]))
    made.add_argument("--events", type=some, default=1000, help="questions to ask (1000)")
    made.add_argument("--at-once", type=some, default=16, help="of them under way at any time (16)")
    made.add_argument("--workers", type=some, default=8, help="processes that answer (8)")
    made.add_argument("--kills", type=any_number, default=10, help="of workers over their work (10)")
    made.add_argument(
        "--faults",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="conflicts, throttling and lost answers of the table (on)",
    )
    made.add_argument("--seed", type=int, default=1, help="of all chances (1)")
    made.add_argument("--limit", type=some, default=300, help="in seconds, then the run is given up (300)")
    return made


def measure(options: argparse.Namespace, say: Say) -> Result:
    """Run the load and hold what stands in the end against the promises."""
    weather = Weather(options.seed)
    by_chance = weather.strike if options.faults else None
    with _journal(), surroundings(scripted_answer, by_chance, aws_url=options.aws) as around:
        say(f"{options.events} questions, {options.at_once} at once, {options.workers} workers")
        tables = Tables(around.aws.url, around.names)
        seen = _ask_all(around, tables, options, say)
        left = look_around(around, tables, seen.tally, options.events)
    broken = tuple(breaches(left, seen.tally))
    if not seen.is_in_time:
        broken = (f"the run ends by itself within {options.limit} s", *broken)
    return Result("load", (_row(options, seen, left, weather),), NOTES, broken)


@contextlib.contextmanager
def _journal() -> Iterator[None]:
    JOURNAL.parent.mkdir(exist_ok=True)
    JOURNAL.unlink(missing_ok=True)
    with JOURNAL.open("a", encoding="utf-8") as journal, contextlib.redirect_stdout(journal):
        yield


# while it runs


def _ask_all(around: Surroundings, tables: Tables, options: argparse.Namespace, say: Say) -> Seen:
    """Ask all questions, and wait until the queue is empty or the time is over."""
    stage = _stage(around)
    doom = Doom(options.kills, options.events, options.seed)
    containers = Containers(stage, options.workers, doom, tables)
    crowd = Crowd(around.slack, options.at_once, options.seed)
    receive = crowd.timed(lambda_endpoint(handler.receive))
    delivery = Delivery(around.slack, receive, SystemClock(), at_once=options.at_once)
    with contextlib.ExitStack() as parts:
        with environment_of(stage.environment):
            parts.enter_context(containers.running())
        parts.enter_context(delivery)
        began = time.monotonic()
        have_asked = parts.enter_context(crowd.asking(options.events))

        def is_over() -> bool:
            return have_asked() and not containers.jobs_left()

        def tell() -> None:
            say(f"{crowd.answered} of {options.events} answered, {containers.tally.kills} workers killed")

        is_in_time = _wait(is_over, began + options.limit, tell)
    return Seen(crowd, containers.tally, len(delivery.log), is_in_time)


def _wait(is_over: Callable[[], bool], give_up: float, tell: Callable[[], None]) -> bool:
    """Wait until it is over, telling about it now and then; False when that took too long."""
    tell_at = time.monotonic() + TELL_EVERY_S
    while not is_over():
        now = time.monotonic()
        if now >= give_up:
            return False
        if now >= tell_at:
            tell()
            tell_at = now + TELL_EVERY_S
        time.sleep(LOOK_EVERY_S)
    return True


def _stage(around: Surroundings) -> Stage:
    """Give the workers the times of the deployed function and queue, and the tables with their faults."""
    custom = read_stack("bench")["custom"]
    return Stage(
        environment=dict(around.environment) | {"AWS_ENDPOINT_URL": around.tables_url},
        aws_url=around.aws.url,
        queue_url=around.names.queue_url,
        visibility_s=custom["jobVisibility"],
        function_timeout_s=custom["answerTimeout"],
        journal=JOURNAL,
    )


# what comes of it


def _row(options: argparse.Namespace, seen: Seen, left: Aftermath, weather: Weather) -> dict[str, Value]:
    answers, books, crowd, tally = left.answers, left.books, seen.crowd, seen.tally
    return {
        "policy": "penny",
        "questions": options.events,
        "events": seen.events,
        "at_once": options.at_once,
        "workers": options.workers,
        "seconds": round(crowd.took_s, 1),
        "answers_per_s": round(len(answers.answered) / crowd.took_s, 1) if crowd.took_s else 0,
        "ack_p50_ms": _ms(percentile(crowd.acks_s, 0.5)),
        "ack_p95_ms": _ms(percentile(crowd.acks_s, 0.95)),
        "first_text_p50_ms": _ms(percentile(crowd.first_texts_s, 0.5)),
        "first_text_p95_ms": _ms(percentile(crowd.first_texts_s, 0.95)),
        "answered": len(answers.answered),
        "lost": len(answers.lost),
        "half_written": len(answers.half_written),
        "duplicates": answers.duplicates,
        "notices": answers.notices,
        "kills": tally.kills,
        "crashes": tally.crashes,
        "retries": tally.retries,
        "dead_letters": left.dead_letters,
        **{f"faults_{fault}": weather.struck[fault] for fault, _, _ in CHANCES},
        "calls_recorded": books.calls,
        "spent_usd": books.spent_usd,
        "of_that_estimated_usd": books.estimated_usd,
        "overspend_usd": books.overspend_usd,
        "uncounted_usd": left.uncounted_usd,
        "reservations_left_to_reconcile": left.left_open,
        "reservations_leaked": left.leaked + left.never_ended,
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
