"""docs/operating.md speaks of what is deployed: alarms, names and commands are those of serverless.yml."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from docs.running_cost import EXAMPLES, Assumptions, Prices, answer_usd, main, month
from playground.stack import read_stack

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "operating.md").read_text(encoding="utf-8")
STACK = read_stack("prod")
RESOURCES: dict[str, Any] = STACK["resources"]["Resources"]

ALARMS = [
    str(resource["Properties"]["AlarmName"]).removeprefix("penny-prod-")
    for resource in RESOURCES.values()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
]


@pytest.mark.parametrize("alarm", ALARMS)
def test_every_alarm_is_explained(alarm: str) -> None:
    """Who is woken by an alarm finds what it means and what to do."""
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{alarm}` |")]

    _, _, meaning, remedy, _ = row.split("|")
    assert meaning.strip()
    assert remedy.strip()


@pytest.mark.parametrize(
    "name",
    [
        RESOURCES["StateTable"]["Properties"]["TableName"],
        RESOURCES["UsageTable"]["Properties"]["TableName"],
        RESOURCES["JobQueue"]["Properties"]["QueueName"],
        STACK["custom"]["secretsPrefix"],
        STACK["custom"]["functionName"] + "-answer",
    ],
)
def test_names_are_those_of_the_stack(name: str) -> None:
    """Commands can be copied: what they name is what is deployed."""
    assert re.search(rf"{re.escape(name)}\b", PAGE)


def test_settings_of_the_stack_are_called_by_their_names() -> None:
    """What the page asks to change in serverless.yml is there."""
    assert {"answersAtOnce", "spendAlarmUsd"} <= set(STACK["custom"])
    assert {"RequestUrl", "AlarmTopic"} <= set(STACK["resources"]["Outputs"])


def test_more_people_cost_more_and_each_of_them_less() -> None:
    """The bill grows with the people; what does not is shared by them."""
    bills = [month(people, Assumptions(), Prices()) for people in EXAMPLES]
    each = [(bill.models + bill.aws) / bill.people for bill in bills]

    assert [bill.aws for bill in bills] == sorted(bill.aws for bill in bills)
    assert each == sorted(each, reverse=True)
    assert bills[0].models * 100 == bills[2].models


def test_an_answer_costs_what_its_tiers_cost() -> None:
    """One tier alone: its first model's list price by the tokens."""
    assumed = Assumptions(prompt_tokens=1000, mix=(("standard", Decimal(1), 100),))

    assert answer_usd(assumed) == Decimal("0.0015")  # gpt-6.1-terra: $1 and $5 per million


def test_the_bill_for_other_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """Anyone can print it for their own."""
    assert main(["--people", "7", "--questions", "1", "--posts", "0"]) == 0

    out = capsys.readouterr().out
    assert "1 questions" in out
    assert "| 7 | 147 |" in out
