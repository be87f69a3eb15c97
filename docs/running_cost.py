#!/usr/bin/env python3
"""What Penny costs in a month: the models and AWS, for so many people who ask so much.

    python docs/running_cost.py                              the example of docs/operating.md
    python docs/running_cost.py --people 50 --questions 10   your own numbers

An estimate from list prices and the assumptions below; no free tier is taken into account.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # Penny is no installed package

from playground.openrouter.prices import listed_at, price_list
from playground.stack import read_stack
from router.config import load_config
from router.settings import CONFIG_BESIDE_HANDLER

MILLION = Decimal(1_000_000)
DAYS, WORKING_DAYS = 30, 21
EXAMPLES = (20, 200, 2000)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What people do, and what it takes."""

    questions: int = 4
    """To Penny, from each person on each working day."""
    posts: int = 40
    """In channels that she is in, from each person on each working day: each reaches `receive`."""
    prompt_tokens: int = 900
    """With system prompt and earlier posts of the thread."""
    mix: tuple[tuple[str, Decimal, int], ...] = (
        ("economy", Decimal("0.5"), 250),
        ("standard", Decimal("0.4"), 500),
        ("premium", Decimal("0.1"), 1000),
    )
    """Each tier's share of the answers, and the completion tokens of one."""
    answer_s: Decimal = Decimal(8)
    """Of a worker, for one answer."""
    receive_s: Decimal = Decimal("0.03")
    reconcile_s: Decimal = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Prices:
    """What AWS asks in us-east-1, in USD.

    https://aws.amazon.com/lambda/pricing/, https://aws.amazon.com/api-gateway/pricing/,
    https://aws.amazon.com/sqs/pricing/, https://aws.amazon.com/dynamodb/pricing/on-demand/,
    https://aws.amazon.com/cloudwatch/pricing/
    """

    lambda_gb_s: Decimal = Decimal("0.0000133334")
    """On arm64."""
    lambda_call: Decimal = Decimal("0.2") / MILLION
    http_call: Decimal = Decimal(1) / MILLION
    queue_call: Decimal = Decimal("0.5") / MILLION
    """Of a FIFO queue."""
    write_unit: Decimal = Decimal("0.625") / MILLION
    read_unit: Decimal = Decimal("0.125") / MILLION
    stored_gb: Decimal = Decimal("0.25") + Decimal("0.2")
    """With point-in-time recovery."""
    log_gb: Decimal = Decimal("0.5")
    alarm: Decimal = Decimal("0.1")
    metric: Decimal = Decimal("0.3")
    dashboard: Decimal = Decimal(3)


GB = Decimal(1024**3)
MEMORY_GB = Decimal("0.5")
EVENTS_PER_QUESTION = 2
"""A mention in a channel comes as two events."""

WRITE_UNITS, READ_UNITS = 29, Decimal(7)
"""Of one answer: docs/data-model.md, held by tests/test_capacity.py."""

QUEUE_CALLS = 3
"""Of one job: sent, received, deleted."""

IDLE_POLLS = 5 * 3 * 60 * 24 * DAYS
"""Lambda polls with five connections, 20 s each: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html."""

RECONCILE_RUNS = 12 * 24 * DAYS
LINE_BYTES = 800
"""Of the log of one call of a function: its own line, and Lambda's three."""

STATE_BYTES, RECORD_BYTES = 2_000, 1_000
"""Of one answer: for about a month, and for good."""


@dataclass(frozen=True, slots=True)
class Bill:
    """One month in USD."""

    people: int
    answers: int
    models: Decimal
    functions: Decimal
    endpoint: Decimal
    queue: Decimal
    tables: Decimal
    watching: Decimal

    @property
    def aws(self) -> Decimal:
        """All but the models."""
        return self.functions + self.endpoint + self.queue + self.tables + self.watching


def answer_usd(assumed: Assumptions) -> Decimal:
    """Return what the models of one answer cost on average: each tier's first model at its list price."""
    ladder = load_config(CONFIG_BESIDE_HANDLER).ladder
    total = Decimal(0)
    for name, share, completion_tokens in assumed.mix:
        rate = price_list()[ladder.named(name).models[0]].rates[0]
        total += share * (assumed.prompt_tokens * rate.prompt_usd + completion_tokens * rate.completion_usd)
    return total


def month(people: int, assumed: Assumptions, prices: Prices) -> Bill:
    """Return the bill of one month, the twelfth: usage records of a year are there by then."""
    answers = people * assumed.questions * WORKING_DAYS
    events = people * assumed.posts * WORKING_DAYS + answers * EVENTS_PER_QUESTION
    calls = events + answers + RECONCILE_RUNS
    busy_s = events * assumed.receive_s + answers * assumed.answer_s + RECONCILE_RUNS * assumed.reconcile_s
    stored_gb = Decimal(answers * (STATE_BYTES + 12 * RECORD_BYTES)) / GB
    return Bill(
        people=people,
        answers=answers,
        models=answers * answer_usd(assumed),
        functions=calls * prices.lambda_call + busy_s * MEMORY_GB * prices.lambda_gb_s,
        endpoint=events * prices.http_call,
        queue=(IDLE_POLLS + answers * QUEUE_CALLS) * prices.queue_call,
        tables=answers * (WRITE_UNITS * prices.write_unit + READ_UNITS * prices.read_unit)
        + stored_gb * prices.stored_gb,
        watching=_watching(prices) + Decimal(calls * LINE_BYTES) / GB * prices.log_gb,
    )


def _watching(prices: Prices) -> Decimal:
    """Return what alarms, counted metrics and the dashboard cost, however little happens."""
    resources = read_stack("cost")["resources"]["Resources"].values()
    kinds = [resource["Type"] for resource in resources]
    metrics = {
        transformation["MetricName"]
        for resource in resources
        if resource["Type"] == "AWS::Logs::MetricFilter"
        for transformation in resource["Properties"]["MetricTransformations"]
    }
    alarms, dashboards = kinds.count("AWS::CloudWatch::Alarm"), kinds.count("AWS::CloudWatch::Dashboard")
    return alarms * prices.alarm + len(metrics) * prices.metric + dashboards * prices.dashboard


def table(bills: Sequence[Bill]) -> str:
    """Write bills as a Markdown table."""
    names = ("models", "functions", "endpoint", "queue", "tables", "watching")
    rows = [
        f"| people | answers | {' | '.join(names)} | AWS together | all together | for each person |",
        f"|{'---:|' * (len(names) + 5)}",
    ]
    for bill in bills:
        amounts = [getattr(bill, name) for name in names]
        amounts += [bill.aws, bill.models + bill.aws, (bill.models + bill.aws) / bill.people]
        rows.append(f"| {bill.people:,} | {bill.answers:,} | {' | '.join(f'${a:,.2f}' for a in amounts)} |")
    return "\n".join(rows)


def assumptions(assumed: Assumptions) -> str:
    """Say what is assumed."""
    ladder = load_config(CONFIG_BESIDE_HANDLER).ladder
    tiers = ", ".join(
        f"{share:.0%} by `{ladder.named(name).models[0]}` with {tokens:,} tokens"
        for name, share, tokens in assumed.mix
    )
    day = f"{datetime.fromtimestamp(listed_at(), UTC):%Y-%m-%d}"
    return (
        f"- Each person asks {assumed.questions} questions on each of {WORKING_DAYS} working days, and posts "
        f"{assumed.posts} times in channels that Penny is in.\n"
        f"- A prompt has {assumed.prompt_tokens:,} tokens. Of the answers, {tiers}.\n"
        f"- An answer takes {assumed.answer_s} s of a worker; "
        f"its model costs ${answer_usd(assumed):.4f} on average.\n"
        f"- Models cost what they did on {day}, AWS what it does in us-east-1 without a free tier."
    )


def example() -> str:
    """Print the worked example."""
    bills = [month(people, Assumptions(), Prices()) for people in EXAMPLES]
    return f"{assumptions(Assumptions())}\n\n{table(bills)}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the example, or the bill for other numbers."""
    parser = argparse.ArgumentParser(description="What Penny costs in a month.")
    parser.add_argument("--people", type=int, action="append", help="how many (default: 20, 200 and 2,000)")
    parser.add_argument("--questions", type=int, default=Assumptions().questions, help="a day, from each")
    parser.add_argument("--posts", type=int, default=Assumptions().posts, help="a day in channels, from each")
    arguments = parser.parse_args(argv)
    assumed = Assumptions(questions=arguments.questions, posts=arguments.posts)
    bills = [month(max(1, people), assumed, Prices()) for people in arguments.people or EXAMPLES]
    sys.stdout.write(f"{assumptions(assumed)}\n\n{table(bills)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
