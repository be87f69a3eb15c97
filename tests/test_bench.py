"""The yardsticks: that they measure what they say, and that they would notice a broken promise."""

from __future__ import annotations

import json
import logging
import socket
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from bench.__main__ import main
from bench.audit import Post, find_answers, read_books
from bench.crowd import answer_to, number_in, question, scripted_answer
from bench.doom import Doom
from bench.result import Result, Value, percentile, to_json, to_text
from bench.weather import CHANCES, Weather
from playground.aws import LocalAws
from playground.faults import Fault, FaultProxy

UNREACHABLE = "http://127.0.0.1:9"


# the command


def run(
    capsys: pytest.CaptureFixture[str], *arguments: str, aws: LocalAws | None = None
) -> list[dict[str, Any]]:
    """Run a yardstick that must keep all its promises; return its rows, ours first."""
    code = main([*arguments, "--json", *(["--aws", aws.url] if aws else [])])

    said = capsys.readouterr()
    assert code == 0, said.err
    result = json.loads(said.out)
    assert result["name"] == arguments[0]
    rows: list[dict[str, Any]] = result["rows"]
    assert rows[0]["policy"] == "penny"
    return rows


def test_a_small_load_keeps_all_promises(capsys: pytest.CaptureFixture[str], aws: LocalAws) -> None:
    """Questions go through queue and workers, one worker is killed, and each is answered once."""
    (row,) = run(capsys, "load", "--events", "2", "--at-once", "2", "--workers", "2", "--kills", "1", aws=aws)

    assert row["answered"] == row["questions"] == 2
    assert row["lost"] == row["duplicates"] == row["half_written"] == row["overspend_usd"] == 0
    assert row["kills"] <= row["retries"]
    assert row["events"] > 2
    assert 0 < row["ack_p50_ms"] < row["first_text_p95_ms"]


def test_a_small_burst_overspends_only_where_it_is_checked_then_spent(
    capsys: pytest.CaptureFixture[str], aws: LocalAws
) -> None:
    """Sixteen at once upon money for six: the ledger bears it, and the yardstick sees who does not."""
    burst = ["--n", "16", "--processes", "1", "--kills", "0", "--faults"]

    ours, theirs = run(capsys, "overspend", *burst, "--policy", "penny", "check-then-spend", aws=aws)

    assert ours["overspend_usd"] == ours["leaked_reservations"] == ours["uncounted_usd"] == 0
    assert ours["answers"] + ours["refusals_exhausted"] + ours["told_to_ask_later"] == ours["n"] == 16
    assert theirs["overspend_usd"] > 0


def test_a_report_costs_the_same_at_any_number(capsys: pytest.CaptureFixture[str], aws: LocalAws) -> None:
    """From forty records to three times as many, only the scan reads more."""
    ours, _, scan, ours_later, _, scan_later = run(capsys, "report", "--records", "40", "120", aws=aws)

    assert ours["requests"] == ours_later["requests"] == 1
    assert ours_later["bytes"] < 1.05 * ours["bytes"]
    assert scan_later["bytes"] > 2 * scan["bytes"]


def test_the_first_text_is_timed_beside_its_floor(capsys: pytest.CaptureFixture[str], aws: LocalAws) -> None:
    """Each way of asking shows its first words after a while."""
    ours, floor = run(capsys, "text", "--runs", "1", aws=aws)

    assert ours["first_text_ms"] > 0
    assert floor["first_text_ms"] > 0


def test_round_trips_are_counted(capsys: pytest.CaptureFixture[str], aws: LocalAws) -> None:
    """What the pages say of one answer is what is measured."""
    ours, floor = run(capsys, "trips", aws=aws)

    assert (ours["waited_for_before_call"], ours["write_units"]) == (2, 29)
    assert floor["before_call"] <= ours["before_call"]


def test_a_cold_ack_arrives_in_every_way(capsys: pytest.CaptureFixture[str]) -> None:
    """Fresh interpreters acknowledge, and what they queue or invoke arrives."""
    rows = run(capsys, "ack", "--runs", "1")

    assert [row["policy"] for row in rows] == ["penny", "bolt-lazy", "floor"]
    assert all(row["cpu_ms"] > 0 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lode"], "invalid choice: 'lode' (choose from "),
        ([], "NAME"),
        (["load", "--workers", "0"], "write a number from 1"),
        (["load", "--kills", "-1"], "write a number from 0"),
        (["load", "--events", "1000000"], "to 100000"),
    ],
)
def test_a_wrong_command_is_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    """Whatever is misspelt or out of bounds ends at once with what would be right."""
    with pytest.raises(SystemExit) as end:
        main(arguments)

    assert end.value.code == 2
    assert words in capsys.readouterr().err


def test_help_lists_the_yardsticks(capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks for help sees each name and what it is about."""
    with pytest.raises(SystemExit) as end:
        main(["--help"])

    assert end.value.code == 0
    assert "load" in capsys.readouterr().out


# the result


def test_json_has_the_agreed_form() -> None:
    """One object with name and rows; amounts are numbers."""
    result = Result(
        "load", ({"policy": "penny", "overspend_usd": Decimal("0.5")},), ("a\nnote",), ("a promise",)
    )

    assert json.loads(to_json(result)) == {
        "name": "load",
        "rows": [{"policy": "penny", "overspend_usd": 0.5}],
        "notes": ["a note"],
        "broken": ["a promise"],
    }


def test_a_table_has_a_column_for_each_policy() -> None:
    """Policies stand side by side, whole and aligned; nothing measured is a dash."""
    rows: tuple[dict[str, Value], ...] = ({"policy": "penny", "ms": 1234.5}, {"policy": "floor", "ms": None})

    assert to_text(Result("load", rows)).splitlines()[2:4] == [
        "policy    penny  floor",
        "ms      1,234.5      –",  # noqa: RUF001 - as in the reports
    ]


def test_percentiles_are_measured_values() -> None:
    """A percentile is one of the values; of none there is none."""
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 3.0
    assert percentile(range(100), 0.95) == 95
    assert percentile([1.0], 0.95) == 1.0
    assert percentile([], 0.5) is None


# the crowd


def test_a_question_is_known_by_its_number() -> None:
    """The scripted model answers the last question, whatever its length and whatever came before."""
    earlier = {"role": "user", "content": question(41, 60)}
    asked = {"role": "user", "content": f"U1: {question(42, 3000)}"}

    assert scripted_answer({"messages": [earlier, asked]}) == answer_to(42)
    assert number_in(answer_to(42)) == 42
    assert number_in("The budget of this channel is used up.") is None
    assert [len(question(1, length)) for length in (60, 600)] == [60, 600]


# the audit


def test_each_way_to_break_an_answer_is_seen() -> None:
    """Of five questions one is answered, one twice, one without its end, one unfinished, one never."""
    posts = [
        Post(answer_to(1) + "\nmodel · $0.01", is_finished=True),
        Post(answer_to(2), is_finished=True),
        Post(answer_to(2), is_finished=True),
        Post(answer_to(3)[:60], is_finished=True),
        Post(answer_to(4), is_finished=False),
        Post("Something went wrong.", is_finished=True),
    ]

    found = find_answers(posts, 5)

    assert [set(one) for one in (found.answered, found.half_written, found.lost)] == [{1, 2}, {3, 4}, {5}]
    assert (found.duplicates, found.notices) == (1, 1)


def books_of(**changed: str) -> list[dict[str, Any]]:
    """Return the rows of one channel with one call, in which one amount may be changed."""
    amounts = {
        "limit": "5",
        "spent": "0.25",
        "reserved": "0.50",
        "remaining": "4.25",
        "rollup": "0.25",
    } | changed
    usd = {name: Decimal(amount) for name, amount in amounts.items()}
    budget = {f"{name}_usd": usd[name] for name in ("limit", "spent", "reserved", "remaining")}
    rollup = {"pk": "rollup#C1#2026-11", "answers": 1}
    return [
        {"pk": "budget#channel#C1", "sk": "2026-11", **budget},
        {"pk": "records#C1#2026-11", "sk": "1", "cost_usd": Decimal("0.25"), "estimated": False},
        {"sk": "total#all", "cost_usd": usd["rollup"], **rollup},
        *({"sk": f"{name}#x", "cost_usd": Decimal("0.25"), **rollup} for name in ("model", "user", "day")),
    ]


def test_books_that_agree_say_nothing() -> None:
    """Budgets, records and rollups of the same sums are in order."""
    books = read_books(books_of())

    assert books.disagreements == ()
    assert (books.spent_usd, books.overspend_usd, books.calls) == (Decimal("0.25"), Decimal(0), 1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"spent": "0.26", "remaining": "4.24"}, "budgets of C1: 0.26 and 0.25"),
        ({"remaining": "4.24"}, "remaining of C1: 4.24 and 4.25"),
        ({"rollup": "0.24"}, "rollups by total of C1: 0.24 and 0.25"),
    ],
)
def test_books_that_disagree_are_told(changed: dict[str, str], said: str) -> None:
    """A sum that differs from the records is named with its channel."""
    assert read_books(books_of(**changed)).disagreements == (said,)


def test_overspending_is_seen() -> None:
    """What is spent and reserved above the limit is the overspend."""
    assert read_books(books_of(limit="0.7", remaining="-0.05")).overspend_usd == Decimal("0.05")


# kills and faults


def test_as_many_workers_are_doomed_as_was_wanted() -> None:
    """Each kill falls on a delivery of its own, and not on a job's last one."""
    doom = Doom(kills=3, deliveries=10, seed=1)

    assert [doom.moment_s(receives=3) for _ in range(20)] == [None] * 20
    moments = [doom.moment_s(receives=1) for _ in range(20)]

    assert sum(moment is not None for moment in moments) == 3


def test_a_worker_that_was_faster_is_replaced_by_the_next() -> None:
    """A kill that came too late falls on the next delivery."""
    doom = Doom(kills=1, deliveries=1, seed=1)
    assert doom.moment_s(receives=1) is not None
    assert doom.moment_s(receives=1) is None

    doom.missed()

    assert doom.moment_s(receives=1) is not None


def test_the_weather_strikes_tables_alone() -> None:
    """Every kind of fault strikes about as often as it says, and the queue never."""
    weather = Weather(seed=1)

    assert not any(weather.strike("SendMessage") for _ in range(1000))
    for _ in range(10_000):
        weather.strike("TransactWriteItems")

    for fault, chance, _ in CHANCES:
        assert 0.5 < weather.struck[fault] / (10_000 * chance) < 1.5


def test_a_fault_by_chance_befalls_a_request() -> None:
    """The proxy asks about requests for which no fault waits; those that wait come first."""
    by_chance = {"PutItem": Fault.THROTTLE}
    with (
        FaultProxy(UNREACHABLE, by_chance=by_chance.get) as proxy,
        httpx.Client(base_url=proxy.url) as client,
    ):
        proxy.inject("PutItem", Fault.INTERNAL_ERROR)
        put = {"x-amz-target": "DynamoDB_20120810.PutItem"}
        first, second = (client.post("/", headers=put, json={}) for _ in range(2))

    assert first.status_code == 500
    assert second.json()["__type"].endswith("#ProvisionedThroughputExceededException")


def test_a_client_that_dies_over_its_request_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    """Half a request goes nowhere, and the proxy serves the next one."""
    half = (
        b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\nContent-Length: 9\r\n\r\n{"
    )
    with FaultProxy(UNREACHABLE, by_chance=lambda _: Fault.THROTTLE) as proxy, caplog.at_level(logging.ERROR):
        with socket.create_connection(("127.0.0.1", urlsplit(proxy.url).port or 0)) as dying:
            dying.sendall(half)
        answer = httpx.post(proxy.url, headers={"x-amz-target": "DynamoDB_20120810.GetItem"}, json={})

    assert answer.status_code == 400
    assert proxy.seen == {"GetItem": 1}
    assert not caplog.records
