"""`python -m router`, as people and programs meet it: what it prints, what it says, how it ends."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from playground.aws import LocalAws
from playground.serving import serve
from router import wiring
from router.__main__ import main
from router.adapters.alerts import LEASE_S, Alerts
from router.adapters.ledger import Reservation
from router.command import present_month
from router.domain.usage import month_and_day
from router.errors import ConfigError
from router.settings import Settings
from tests.channel_list import TOKEN, channel_list
from tests.money import CHANNEL, bill_of, budget_of, reservation_of
from tests.tables import Tables, fresh_tables
from tests.usage_rows import record_of, spend, write_usage

ROOT = Path(__file__).resolve().parent.parent
MONTH = "2026-11"
NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there."""

LONGEST_RUN_S = 60


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """What a command that failed said: one line and nothing else."""
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("penny: ")
        return line


Penny = Callable[..., Done]


@pytest.fixture
def tables(aws: LocalAws) -> Tables:
    """Make fresh tables in the local AWS."""
    return fresh_tables(aws.url)


@pytest.fixture
def environment(aws: LocalAws, tables: Tables) -> dict[str, str]:
    """Say all that a report needs, and nothing of this machine's own."""
    return {
        "PATH": os.defpath,
        "HOME": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_REGION": aws.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "STATE_TABLE": tables.state,
        "USAGE_TABLE": tables.usage,
    }


@pytest.fixture
def penny(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Penny]:
    """Run the command line with these arguments; variables given by name change the environment.

    It runs in this process, which is quicker; what only a process shows is told by `shell`.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")] + [
        f.name.upper() for f in fields(Settings)
    ]:
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, **changes: str | None) -> Done:
        with monkeypatch.context() as patch:
            for name, value in (environment | changes).items():
                patch.setenv(name, value) if value is not None else patch.delenv(name, raising=False)
            try:
                code = main(arguments)
            except SystemExit as wrong_usage:
                code = int(wrong_usage.code or 0)
        return Done(code, *capsys.readouterr())

    yield run
    wiring.close()


@pytest.fixture
def shell(environment: dict[str, str]) -> Penny:
    """Run a line of shell in which $PENNY is `python -m router`, in a process of its own."""

    def run(line: str, **changes: str | None) -> Done:
        changed = environment | {"PENNY": f"{sys.executable} -m router"} | changes
        done = subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=ROOT,
            env={name: value for name, value in changed.items() if value is not None},
            capture_output=True,
            timeout=LONGEST_RUN_S,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def rows_of(out: str) -> list[dict[str, str]]:
    """Read CSV as a program does."""
    return list(csv.DictReader(io.StringIO(out, newline="")))


# --- help and wrong usage -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "taught"),
    [
        (["--help"], ["report", "reconcile", "check", "exit codes"]),
        (["budget", "--help"], ["show", "list", "set", "unset", "examples:", "STATE_TABLE"]),
        (["budget", "set", "--help"], ["examples:", "per month", "--workspace"]),
        (["simulate", "--help"], ["examples:", "--budget", "--policy", "never words"]),
        (["why", "--help"], ["examples:", "archives", "USAGE_TABLE"]),
        (["check", "--help"], ["examples:", "--url", "costs nothing", "docs/operating.md"]),
        (["report", "--help"], ["examples:", "--channel general", "--format csv", "USAGE_TABLE"]),
        (["reconcile", "--help"], ["examples:", "--dry-run", "estimated", "OPENROUTER_API_KEY"]),
    ],
)
def test_help_teaches(penny: Penny, arguments: list[str], taught: list[str]) -> None:
    """Help needs no environment, and shows by example how to go on."""
    done = penny(*arguments, USAGE_TABLE=None, STATE_TABLE=None)

    assert (done.code, done.err) == (0, "")
    assert not [words for words in taught if words not in done.out]


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ([], "report, budget, why, simulate, reconcile or check"),
        (["budget"], "show, list, set or unset"),
        (["budget", "show"], "--workspace"),
        (["budget", "set", "--workspace"], "LIMIT"),
        (["budget", "set", "-5", "--workspace"], "0.50"),
        (["budget", "set", "NaN", "--workspace"], "0.50"),
        (["budget", "set", "1e9", "--workspace"], "0.50"),
        (["budget", "set", "9999999", "--workspace"], "0.50"),
        (["budget", "set", "25", "per", "year", "--workspace"], "per week"),
        (["budget", "set", "25", "--user", "ada"], "U024BE7LH"),
        (["budget", "set", "25", "--user", "U024BE7LH", "--workspace"], "not allowed"),
        (["budget", "list", "--workspace"], "--help"),
        (["simulate", "--budget", "much"], "from 0 to 1000000"),
        (["simulate", "--budget", "nan"], "from 0 to 1000000"),
        (["simulate", "--budget", "-1"], "from 0 to 1000000"),
        (["simulate", "--policy", "random"], "'bands'"),
        (["simulate", "--month", "2026"], "2026-11"),
        (["repot"], "report"),
        (["report", "--month", "2026-13"], "2026-11"),
        (["report", "--month", ""], "2026-11"),
        (["report", "--by", "colour"], "'user'"),
        (["report", "--channel", "general", "--by", "channel"], "model, user, day"),
        (["report", "--channel", "#"], "general"),
        (["report", "--channel", "two words"], "general"),
        (["report", "--channel", "x" * 100_000], "general"),
        (["report", "--format", "xml"], "'csv'"),
        (["report", "--mon", "2026-11"], "--help"),
        (["report", "general"], "--help"),
        (["report", "--user", "ada"], "U024BE7LH"),
        (["report", "--user", "U024BE7LH", "--by", "model"], "--by"),
        (["report", "--user", "U024BE7LH", "--channel", "general"], "--channel"),
        (["report", "--verify", "--by", "model"], "--by"),
        (["report", "--verify", "--user", "U024BE7LH"], "--user"),
        (["report", "--month"], "--help"),
        (["reconcile", "--dry"], "--help"),
        (["why"], "--channel"),
        (["why", "yesterday"], "1795348800.000100"),
        (["why", "https://acme.slack.com/archives/C1"], "its link"),
        (["why", "1795348800.000100"], "--channel"),
    ],
)
def test_wrong_usage_is_told_in_one_line(penny: Penny, arguments: list[str], remedy: str) -> None:
    """Exit code 2, what is wrong and what would be right."""
    done = penny(*arguments)

    assert done.code == 2
    assert remedy in done.complaint
    assert len(done.complaint) < 400


# --- report -------------------------------------------------------------------------------------------------


def test_a_report_for_people(penny: Penny, tables: Tables) -> None:
    """A table has a title, the dearest first, shares in percent, the mean per answer and a total."""
    spend(tables, "0.75", model="dear/one")
    spend(tables, "0.20", model="cheap/one", prompt_tokens=1234)
    spend(tables, "0.05", model="cheap/one")

    done = penny("report", "--channel", CHANNEL, "--month", MONTH)

    assert (done.code, done.err) == (0, "")
    title, _, head, _, dear, cheap, _, total = done.out.splitlines()
    assert title == f"Spent in {CHANNEL} in 2026-11, by model"
    assert head.split("  ")[0] == "model"
    assert dear.split() == ["dear/one", "1", "$0.75", "75.0%", "$0.75", "100", "50"]
    assert cheap.split() == ["cheap/one", "2", "$0.25", "25.0%", "$0.13", "1,334", "100"]
    assert total.split() == ["total", "3", "$1.00", "100.0%", "$0.33", "1,434", "150"]


def test_the_estimated_part_is_shown_where_there_is_one(penny: Penny, tables: Tables) -> None:
    """The column and its explanation appear with the first charge that nobody could confirm."""
    spend(tables, "0.75", model="dear/one")
    without = penny("report", "--month", MONTH, "--by", "model").out
    spend(tables, "0.25", model="lost/one", estimated=True)

    lines = penny("report", "--month", MONTH, "--by", "model").out.splitlines()

    assert "stimated" not in without
    assert "estimated" in lines[2]
    assert lines[4].split() == ["dear/one", "1", "$0.75", "75.0%", "$0.75", "100", "50"]
    assert lines[5].split() == ["lost/one", "1", "$0.25", "25.0%", "$0.25", "$0.25", "100", "50"]
    assert lines[-1].startswith("Estimated:")


def test_reports_for_programs_are_exact(penny: Penny, tables: Tables) -> None:
    """JSON and CSV have every digit of every amount, and what the report is about."""
    spend(tables, "0.000000000001", user="U0ADA00001")
    spend(tables, "1234.5678901", user="U0GRACE001", estimated=True)

    as_json = json.loads(penny("report", "--month", MONTH, "--by", "user", "--format", "json").out)
    as_csv = rows_of(penny("report", "--month", MONTH, "--by", "user", "--format", "csv").out)

    grace, ada = as_json["rows"]
    assert (as_json["channel"], as_json["month"], as_json["by"]) == (None, MONTH, "user")
    assert (grace["user"], ada["user"]) == ("U0GRACE001", "U0ADA00001")
    assert (grace["cost_usd"], ada["cost_usd"]) == ("1234.5678901", "0.000000000001")
    assert as_json["total"]["cost_usd"] == "1234.567890100001"
    assert as_json["total"]["estimated_usd"] == "1234.5678901"
    assert [row | {"answers": int(row["answers"])} for row in as_csv] == [
        {name: str(value) if name.endswith("tokens") else value for name, value in row.items()}
        for row in as_json["rows"]
    ]


def test_the_workspace_is_reported_by_channel(penny: Penny, tables: Tables) -> None:
    """Without a channel, the report is of the whole workspace, a line for each channel."""
    spend(tables, "0.10", channel="C0RANDOM01")
    spend(tables, "0.20")

    done = penny("report", "--month", MONTH, "--format", "csv")

    assert [row["channel"] for row in rows_of(done.out)] == [CHANNEL, "C0RANDOM01"]


def test_a_persons_month(penny: Penny, tables: Tables) -> None:
    """What one person used, by channel, and nothing of anyone else's."""
    spend(tables, "0.11", user="U0GRACE001", channel="C0RANDOM01")
    spend(tables, "0.22", user="U0GRACE001")
    spend(tables, "0.40", user="U0ADA00001")

    done = penny("report", "--user", "U0GRACE001", "--month", MONTH)
    content = json.loads(penny("report", "--user", "U0GRACE001", "--month", MONTH, "--format", "json").out)

    assert done.out.splitlines()[0] == "Spent by U0GRACE001 in 2026-11, by channel"
    assert [(row["channel"], row["cost_usd"]) for row in content["rows"]] == [
        (CHANNEL, "0.22"),
        ("C0RANDOM01", "0.11"),
    ]
    assert (content["user"], content["total"]["cost_usd"]) == ("U0GRACE001", "0.33")


def test_what_the_cheaper_tiers_saved(penny: Penny, tables: Tables) -> None:
    """The same tokens at the price caps of the best tier, and how much less was spent."""
    spend(tables, "0.25", prompt_tokens=100_000, completion_tokens=60_000)

    table = penny("report", "--month", MONTH).out
    content = json.loads(penny("report", "--month", MONTH, "--format", "json").out)

    assert "Always premium, at its price caps, would have been $1.00: $0.75 (75%) saved." in table
    assert content["best_tier"] == {"tier": "premium", "cost_usd": "1.0", "saved_usd": "0.75"}


def test_nothing_is_compared_without_a_config_file(penny: Penny, tables: Tables) -> None:
    """A report needs no file, and where nothing was saved it does not say so."""
    spend(tables, "0.25", prompt_tokens=100_000, completion_tokens=60_000)

    without = penny("report", "--month", MONTH, CONFIG_FILE="/nonexistent/config.toml")
    spend(tables, "9")

    assert without.code == 0
    assert "Always" not in without.out
    assert "Always" not in penny("report", "--month", MONTH).out


def test_books_are_verified(penny: Penny, tables: Tables) -> None:
    """Books that agree are said to, for people and for programs; exit code 0."""
    ledger = tables.ledger()
    ledger.budgets((budget_of("1.00"),))
    reservation = reservation_of("0.10")
    ledger.reserve(reservation)
    ledger.settle(reservation, bill_of("0.04"))

    people, programs = (
        penny("report", "--verify", "--month", MONTH, "--format", f) for f in ("table", "json")
    )

    assert (people.code, programs.code) == (0, 0)
    assert people.out.splitlines()[-1] == "1 records, 4 rollups, 1 budgets: all agree to the last digit."
    assert json.loads(programs.out) == {
        "month": MONTH,
        "records": 1,
        "rollups": 4,
        "budgets": 1,
        "rows": [],
    }


@pytest.mark.parametrize("where", [(), ("--channel", CHANNEL)])
def test_an_empty_month_is_no_error(penny: Penny, where: tuple[str, ...]) -> None:
    """Nothing yet is a sentence for people, no rows for programs, and exit code 0."""
    table, as_json, as_csv = (
        penny("report", *where, "--month", "2020-01", "--format", form) for form in ("table", "json", "csv")
    )

    assert {table.code, as_json.code, as_csv.code} == {0}
    assert "Nothing yet" in table.out
    assert json.loads(as_json.out)["rows"] == []
    assert json.loads(as_json.out)["total"]["cost_usd"] == "0"
    assert len(as_csv.out.splitlines()) == 1


def test_the_month_is_the_present_one(penny: Penny, tables: Tables) -> None:
    """Without a month, the report is of the month that the clock is in."""
    spend(tables, "0.10", day=f"{datetime.now(UTC):%Y-%m-%d}")

    done = penny("report", "--format", "json")

    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["total"]["answers"] == 1


def test_without_a_config_file_the_month_is_that_of_utc(penny: Penny, tmp_path: Path) -> None:
    """A report needs no config file, and says what it takes instead."""
    done = penny("report", CONFIG_FILE=str(tmp_path / "none.toml"))

    assert done.code == 0
    assert "Nothing yet" in done.out
    (remark,) = done.err.splitlines()
    assert remark.startswith("penny: there is no ")
    assert "UTC" in remark


def test_a_broken_config_file_stops_only_who_needs_it(penny: Penny, tmp_path: Path) -> None:
    """The present month is not guessed past a file that is wrong; a month that is given needs no file."""
    broken = tmp_path / "broken.toml"
    broken.write_text("[budget]\ntime_zone = 'Mars'", encoding="utf-8")

    guessed, given = (penny("report", *how, CONFIG_FILE=str(broken)) for how in ((), ("--month", MONTH)))

    assert (guessed.code, given.code) == (1, 0)
    assert guessed.complaint


def month_in(zone: str, now: datetime, folder: Path) -> str:
    """Tell the present month of a configuration with this time zone."""
    file = folder / "config.toml"
    shipped = (ROOT / "config.toml").read_text(encoding="utf-8")
    file.write_text(shipped.replace('time_zone = "UTC"', f'time_zone = "{zone}"'), encoding="utf-8")
    return present_month(Settings(config_file=str(file)), pytest.fail, now.timestamp())


def test_months_begin_where_the_budgets_do(tmp_path: Path) -> None:
    """The present month is that of the configured time zone, as it is for budgets and usage records."""
    new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)

    assert month_in("UTC", new_year, tmp_path) == "2026-12"
    assert month_in("Europe/Berlin", new_year, tmp_path) == "2027-01"
    assert month_in("America/New_York", new_year, tmp_path) == "2026-12"


def test_a_time_zone_that_is_none_is_told(tmp_path: Path) -> None:
    """A wrong configuration is an error of the operator's, in words."""
    with pytest.raises(ConfigError, match="time_zone"):
        month_in("Mars", datetime(2026, 12, 31, tzinfo=UTC), tmp_path)


# --- channels by name ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["general", "#general"])
def test_a_channel_is_reported_by_its_name(penny: Penny, tables: Tables, name: str) -> None:
    """Slack is asked for the id, and the report says both."""
    spend(tables, "0.10")
    with channel_list({"id": CHANNEL, "name": "general"}) as slack:
        done = penny(
            "report", "--channel", name, "--month", MONTH, SLACK_BOT_TOKEN=TOKEN, SLACK_API_URL=slack.url
        )

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Spent in #general ({CHANNEL}) in 2026-11")


def report_general(penny: Penny, **changes: str | None) -> Done:
    """Ask for a channel by its name."""
    return penny("report", "--channel", "general", "--month", MONTH, **changes)


def test_a_name_needs_slacks_token(penny: Penny) -> None:
    """Without a token, the remedy is a token or the id."""
    done = report_general(penny)

    assert done.code == 1
    assert "SLACK_BOT_TOKEN" in done.complaint
    assert "id" in done.complaint


def test_a_channel_that_is_not_there_is_told(penny: Penny) -> None:
    """A misspelt or hidden channel is an error, not an empty report."""
    with channel_list({"id": CHANNEL, "name": "random"}) as slack:
        done = report_general(penny, SLACK_BOT_TOKEN=TOKEN, SLACK_API_URL=slack.url)

    assert done.code == 1
    assert "'general'" in done.complaint
    assert "invite" in done.complaint


@pytest.mark.parametrize(
    ("how", "remedy"),
    [
        ({"refusal": "missing_scope"}, "channels:read"),
        ({"refusal": "token_revoked"}, "SLACK_BOT_TOKEN"),
        ({"refusal": "internal_error"}, "again later"),
        ({"retry_after_s": 30}, "30 s"),
    ],
)
def test_slacks_refusals_come_with_a_remedy(penny: Penny, how: dict[str, Any], remedy: str) -> None:
    """What Slack says is told with what to do about it."""
    with channel_list(**how) as slack:
        done = report_general(penny, SLACK_BOT_TOKEN=TOKEN, SLACK_API_URL=slack.url)

    assert done.code == 1
    assert remedy in done.complaint


def test_no_secret_is_ever_printed(penny: Penny) -> None:
    """A token that Slack refuses, or that no header can carry, does not appear in what is said about it."""
    with channel_list() as slack:
        for token in ("xoxb-secret", "xoxb-secret\u2026"):
            done = report_general(penny, SLACK_BOT_TOKEN=token, SLACK_API_URL=slack.url)

            assert done.code == 1
            assert "secret" not in done.complaint


# --- what it needs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"USAGE_TABLE": None}, "USAGE_TABLE"),
        ({"USAGE_TABLE": "penny-usage-nowhere"}, "no such table"),
        ({"AWS_ENDPOINT_URL": NOWHERE}, "AWS_ENDPOINT_URL"),
        ({"AWS_ENDPOINT_URL": "somewhere"}, "AWS_ENDPOINT_URL"),
        ({"AWS_REGION": None}, "AWS_REGION"),
    ],
)
def test_what_is_missing_or_out_of_reach_is_told(
    penny: Penny, changes: dict[str, str | None], told: str
) -> None:
    """Exit code 1 and one line with the variable to look at, never a traceback."""
    done = penny("report", "--month", MONTH, **changes)

    assert done.code == 1
    assert told in done.complaint


def test_missing_credentials_are_told(shell: Penny) -> None:
    """As above, in a process that never had any: the AWS SDK keeps those it once found."""
    done = shell("$PENNY report --month 2026-11", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)

    assert done.code == 1
    assert "AWS_ACCESS_KEY_ID" in done.complaint


def test_all_that_reconcile_lacks_is_told_at_once(penny: Penny) -> None:
    """Nobody has to set one variable after the other."""
    done = penny("reconcile", STATE_TABLE=None, USAGE_TABLE=None)

    assert done.code == 1
    assert all(name in done.complaint for name in ("STATE_TABLE", "USAGE_TABLE", "OPENROUTER_API_KEY"))


# --- budget -------------------------------------------------------------------------------------------------


def test_a_limit_is_set_shown_and_taken_back(penny: Penny, tables: Tables) -> None:
    """Each command tells how the budget stands then; the next message finds it so."""
    changed = penny("budget", "set", "25", "per", "day", "--channel", CHANNEL)
    shown = penny("budget", "show", "--channel", CHANNEL)
    back = penny("budget", "unset", "--channel", CHANNEL)

    assert {changed.code, shown.code, back.code} == {0}
    assert {changed.err, shown.err, back.err} == {""}
    row = changed.out.splitlines()[4]
    assert row.split()[:7] == ["channel", CHANNEL, "$25.00", "day", "$0.00", "$0.00", "$25.00"]
    assert "command line" in row
    assert changed.out.splitlines()[-1] == "Changed: $5.00 per month -> $25.00 per day."
    assert "the file's limit -> $25.00 per day, by command line" in shown.out.splitlines()[-1]
    assert back.out.splitlines()[-1] == "Changed: $25.00 per day -> $5.00 per month."
    assert tables.row("limits")["revision"] == 2


def test_a_limit_below_what_is_spent_is_told(penny: Penny) -> None:
    """Who lowers a limit that far reads until when nothing is left."""
    done = penny("budget", "set", "0", "--workspace")

    assert done.code == 0
    assert "no limit -> $0 per month. Nothing is left until 20" in done.out.splitlines()[-1]


def test_budgets_for_programs(penny: Penny) -> None:
    """JSON and CSV have every digit; JSON has the changes too."""
    penny("budget", "set", "0.000001", "--user", "U024BE7LH")

    as_json = json.loads(penny("budget", "show", "--user", "U024BE7LH", "--format", "json").out)
    as_csv = rows_of(penny("budget", "list", "--format", "csv").out)

    (row,) = as_json["rows"]
    assert (row["kind"], row["id"], row["limit_usd"]) == ("user", "U024BE7LH", "0.000001")
    assert as_csv == [row]
    (change,) = as_json["changes"]
    assert (change["before"], change["after"]) == (None, "0.000001 per month")


def test_no_budget_is_no_error(penny: Penny) -> None:
    """A user without a limit, and a month in which nothing was spent, are told in a sentence."""
    show, listed = penny("budget", "show", "--user", "U024BE7LH"), penny("budget", "list")

    assert {show.code, listed.code} == {0}
    assert "No limit applies to user U024BE7LH." in show.out
    assert "None yet" in listed.out


def test_a_table_that_is_away_changes_nothing(penny: Penny) -> None:
    """Setting a limit that cannot be written fails with its reason."""
    done = penny("budget", "set", "5", "--workspace", STATE_TABLE="none")

    assert done.code == 1
    assert "STATE_TABLE" in done.complaint


# --- reconcile ----------------------------------------------------------------------------------------------


@pytest.fixture
def openrouter() -> Iterator[str]:
    """Serve what OpenRouter knows of past calls: each generation called `gen-…` cost 0.0125 dollars."""

    async def generation(request: Request) -> JSONResponse:
        asked = request.query_params["id"]
        if not asked.startswith("gen-"):
            return JSONResponse({"error": {"code": 404, "message": "not found"}}, 404)
        tokens = {"native_tokens_prompt": 120, "native_tokens_completion": 30}
        record = {"id": asked, "model": "vendor/model", "provider_name": "Vendor", "total_cost": 0.0125}
        return JSONResponse({"data": record | tokens})

    with serve(Starlette(routes=[Route("/api/v1/generation", generation)])) as served:
        yield f"{served.url}/api/v1"


@pytest.fixture
def reconciling(penny: Penny, openrouter: str) -> Penny:
    """Run `python -m router reconcile` with OpenRouter in reach."""

    def run(*arguments: str, **changes: str | None) -> Done:
        reach = {"OPENROUTER_API_KEY": "sk-or-test", "OPENROUTER_BASE_URL": openrouter}
        return penny("reconcile", *arguments, **(reach | changes))

    return run


def leave_open(
    tables: Tables, generation: str, past_lease_s: float = 60, channel: str = CHANNEL, limit: str = "5.00"
) -> Reservation:
    """Reserve as a worker does that dies: its lease ran out `past_lease_s` ago."""
    ledger = tables.ledger()
    ledger.budgets((budget_of(limit, channel),))
    lease_until = time.time() - past_lease_s
    reservation = reservation_of("0.10", channel=channel, lease_until=lease_until, generation_id=generation)
    ledger.reserve(reservation)
    return reservation


def ending_of(reservation: Reservation, done: Done) -> list[str]:
    """Return what a table says of a reservation after its channel and its start."""
    (line,) = (line for line in done.out.splitlines() if line.startswith(reservation.id))
    return line.split()[4:]


def test_reconcile_tells_what_became_of_each(reconciling: Penny, tables: Tables) -> None:
    """A row for each reservation, a closing line; the journal tells of each as it is done, on stderr."""
    settled = leave_open(tables, "gen-1")
    waiting = leave_open(tables, "unknown")
    estimated = leave_open(tables, "", past_lease_s=2 * 3600)

    done = reconciling()

    assert done.code == 0
    assert {json.loads(line)["reservation"] for line in done.err.splitlines()} == {
        settled.id,
        waiting.id,
        estimated.id,
    }
    assert ending_of(settled, done) == ["$0.10", "$0.0125", "settled"]
    assert ending_of(waiting, done) == ["$0.10", "waiting"]
    assert ending_of(estimated, done) == ["$0.10", "$0.1000", "estimated"]
    assert done.out.splitlines()[-1] == "Done: 1 settled, 1 estimated, 1 waiting."
    assert tables.row("budget#")["spent_usd"] == Decimal("0.1125")
    tables.check_books()


def test_a_dry_run_changes_nothing(reconciling: Penny, tables: Tables) -> None:
    """It says what would be done, and can be said again; then it is done once."""
    leave_open(tables, "gen-1")
    before = tables.rows()

    tried, again = reconciling("--dry-run"), reconciling("--dry-run")

    assert tables.rows() == before
    assert tried.out == again.out
    assert tried.out.splitlines()[-1] == "Nothing was changed. It would be: 1 settled."
    assert reconciling().out.splitlines()[-1] == "Done: 1 settled."
    assert reconciling().out.endswith("Nothing to reconcile: no open reservation is past its lease.\n")


@pytest.fixture
def slack() -> Iterator[tuple[str, list[str]]]:
    """Serve a Slack that takes every post; gives its address and what was posted."""
    posted: list[str] = []

    async def post(request: Request) -> JSONResponse:
        posted.append((await request.json())["text"])
        return JSONResponse({"ok": True, "ts": "1.1"})

    with serve(Starlette(routes=[Route("/api/chat.postMessage", post, methods=["POST"])])) as served:
        yield f"{served.url}/api/", posted


def test_with_a_token_alerts_are_posted(
    reconciling: Penny, tables: Tables, slack: tuple[str, list[str]]
) -> None:
    """What was charged and what a dead worker left unposted: each is told once, and not by a dry run."""
    address, posted = slack
    leave_open(tables, "", past_lease_s=2 * 3600, limit="0.15")
    (budget,) = tables.ledger().budgets((budget_of("1.00", "C0LEFT0001"),))
    Alerts(tables.dynamo, tables.state).mark(budget, 50, (budget.id,), time.time() - LEASE_S - 1)
    with_token = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_API_URL": address}

    reconciling("--dry-run", **with_token)
    assert posted == []
    assert reconciling(**with_token).code == 0
    assert reconciling(**with_token).code == 0

    assert ["$0.15 per month" in words for words in posted] == [True, False]
    assert "$1.00 per month" in posted[1]


def test_a_live_reservation_is_left_alone(reconciling: Penny, tables: Tables) -> None:
    """What a worker may still be busy with is not touched."""
    leave_open(tables, "gen-1", past_lease_s=-3600)

    assert "Nothing to reconcile" in reconciling().out
    assert tables.row("reservation#")["state"] == "open"


def test_reconcile_for_programs(reconciling: Penny, tables: Tables) -> None:
    """JSON and CSV stand alone on stdout; the journal and the closing line are on stderr."""
    reservation = leave_open(tables, "gen-1")

    as_json, as_csv = (reconciling("--dry-run", "--format", form) for form in ("json", "csv"))

    content = json.loads(as_json.out)
    assert (content["dry_run"], content["counts"]) == (True, {"settled": 1})
    expected = {
        "reservation": reservation.id,
        "channel": CHANNEL,
        "user": "U0ADA00001",
        "started_at": "2026-11-22T12:00:00Z",
        "estimate_usd": "0.1",
        "cost_usd": "0.0125",
        "ending": "settled",
    }
    for row in (*content["rows"], *rows_of(as_csv.out)):
        assert row | {"estimate_usd": row["estimate_usd"].rstrip("0")} == expected
    for done in (as_json, as_csv):
        journal, closing = done.err.splitlines()
        assert json.loads(journal)["reservation"] == reservation.id
        assert closing.startswith("penny: Nothing was changed.")


def test_what_a_table_does_not_take_is_a_failure(reconciling: Penny, tables: Tables) -> None:
    """A settlement that was refused is told among the others, holds up none of them, and ends with 1."""
    settled = leave_open(tables, "gen-1")
    refused = leave_open(tables, "gen-2", channel="C0NEWER001")
    row = tables.row("budget#channel#C0NEWER001")
    tables.write(row, v=99)

    done = reconciling()
    tables.write(row)

    assert done.code == 1
    assert ending_of(settled, done)[-1] == "settled"
    assert ending_of(refused, done)[-1] == "unsettled"
    assert done.err.splitlines()[-1] == "penny: a table did not take 1 of 2; reconcile again in a minute"


def test_an_unreachable_table_is_no_empty_result(reconciling: Penny) -> None:
    """When the table cannot be asked, nobody says that there was nothing to do."""
    done = reconciling(AWS_ENDPOINT_URL=NOWHERE)

    assert done.code == 1
    assert "AWS_ENDPOINT_URL" in done.complaint


# --- terminals and pipes ------------------------------------------------------------------------------------


def test_the_exit_code_is_the_commands(shell: Penny) -> None:
    """A script can tell done and failed from each other; only the first writes to stdout."""
    done = shell("$PENNY report --month 2026-11 > /dev/null; echo $?; USAGE_TABLE= $PENNY report; echo $?")

    assert done.out.split() == ["0", "1"]
    assert len(done.err.splitlines()) == 1


def test_ctrl_c_ends_it_without_a_word(environment: dict[str, str]) -> None:
    """Whoever interrupts a command knows why it ended."""
    with channel_list(never_answers=True) as slack:
        running = subprocess.Popen(
            [sys.executable, "-m", "router", "report", "--channel", "general"],
            cwd=ROOT,
            env=environment | {"SLACK_BOT_TOKEN": TOKEN, "SLACK_API_URL": slack.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert slack.asked.wait(LONGEST_RUN_S)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=LONGEST_RUN_S)

    assert (running.returncode, out, err) == (130, b"", b"")


def test_a_reader_may_go_away(shell: Penny, tables: Tables) -> None:
    """`| head` ends a report without a complaint, and with success."""
    for number in range(50):
        spend(tables, "0.01", day=f"2026-11-{number % 30 + 1:02}", user=f"U{uuid.uuid4().hex}")

    done = shell("$PENNY report --month 2026-11 --by user | true; echo ${PIPESTATUS[0]}")

    assert (done.out, done.err) == ("0\n", "")


def test_work_is_done_to_its_end_though_nobody_reads(shell: Penny, tables: Tables, openrouter: str) -> None:
    """A reconciliation whose reader left still settles everything."""
    for number in range(3):
        leave_open(tables, f"gen-{number}")

    done = shell(
        "$PENNY reconcile 2>&1 | true; echo ${PIPESTATUS[0]}",
        OPENROUTER_API_KEY="sk-or-test",
        OPENROUTER_BASE_URL=openrouter,
    )

    assert (done.out, done.err) == ("0\n", "")
    assert {row["state"] for row in tables.rows("reservation#")} == {"settled"}


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-"])
def test_a_closed_stream_is_no_error(shell: Penny, closed: str) -> None:
    """Whoever closes stdout or stderr wants to hear nothing, and hears nothing."""
    done = shell(f"$PENNY report --month 2026-11 {closed}")

    assert (done.code, done.err) == (0, "")


def test_a_full_disk_is_an_error(shell: Penny) -> None:
    """A report that could not be written was not made."""
    done = shell("$PENNY report --month 2026-11 > /dev/full")

    assert done.code == 1
    assert "No space left" in done.complaint


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("form", ["table", "csv"])
def test_a_terminal_that_knows_few_characters_gets_them_all(
    penny: Penny, tables: Tables, encoding: str, form: str
) -> None:
    """What cannot be shown is shown as its escape."""
    spend(tables, "0.10", model="模型/large")
    terminal = io.BytesIO()

    with contextlib.redirect_stdout(io.TextIOWrapper(terminal, encoding=encoding)) as stdout:
        done = penny("report", "--month", MONTH, "--by", "model", "--format", form)

    assert done.code == 0
    assert rb"\u6a21\u578b/large" in terminal.getvalue()
    stdout.close()


def test_a_process_gets_its_characters_out(shell: Penny, tables: Tables) -> None:
    """As above, with the stdout that Python itself makes for such a terminal."""
    spend(tables, "0.10", model="模型/large")

    done = shell(f"$PENNY report --month {MONTH} --by model", PYTHONIOENCODING="ascii")

    assert (done.code, done.err) == (0, "")
    assert r"\u6a21\u578b/large" in done.out


def test_a_hostile_name_is_shown_not_obeyed(penny: Penny, tables: Tables) -> None:
    """A model's name that would clear the screen or compute in a spreadsheet does neither."""
    spend(tables, "0.10", model="=1+1\x1b[2J")

    table, as_csv = (
        penny("report", "--month", MONTH, "--by", "model", "--format", form).out for form in ("table", "csv")
    )

    assert "\x1b" not in table
    assert rows_of(as_csv)[0]["model"].startswith("'=")


# --- make report --------------------------------------------------------------------------------------------


@pytest.fixture
def make_report(tmp_path: Path, environment: dict[str, str]) -> Penny:
    """Run `make report` in a folder like ours beside which a playground with this environment runs."""
    for name in ("Makefile", "router", "config.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".playground").mkdir()
    exports = [f"export {name}={shlex.quote(value)}\n" for name, value in environment.items()]
    (tmp_path / ".playground" / "env").write_text("".join(exports), encoding="utf-8")

    def run(*arguments: str, **changes: str) -> Done:
        done = subprocess.run(
            ["/usr/bin/env", "make", "-o", ".venv/.play", "report", f"VENV={sys.executable}", *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]} | changes,
            capture_output=True,
            timeout=LONGEST_RUN_S,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def test_make_report_finds_the_running_playground(make_report: Penny, tables: Tables) -> None:
    """With nothing exported, the playground's usage is reported, and one line says so."""
    spend(tables, "0.10")

    done = make_report(f"CHANNEL={CHANNEL}", "MONTH=2026-11")

    assert done.code == 0
    assert done.out.startswith(f"Spent in {CHANNEL} in 2026-11, by model")
    assert "$0.10" in done.out
    (remark,) = done.err.splitlines()
    assert "playground" in remark


def test_make_report_without_a_channel_is_of_the_workspace(make_report: Penny) -> None:
    """What is not given is what the command line takes by itself."""
    done = make_report("MONTH=2026-11")

    assert done.out.startswith("Spent in the workspace in 2026-11, by channel")


def test_make_report_prefers_the_environment(make_report: Penny) -> None:
    """Whoever exports a table means that one, whatever playground is running."""
    done = make_report("MONTH=2026-11", USAGE_TABLE="elsewhere", AWS_ENDPOINT_URL=NOWHERE, AWS_REGION="eu-1")

    assert done.code != 0
    assert "playground" not in done.err
    assert "penny: " in done.err


def test_make_report_refuses_what_is_no_month(make_report: Penny) -> None:
    """What the command line refuses fails the target, with the same line."""
    done = make_report("MONTH=2026-13")

    assert done.code != 0
    assert "'2026-13' is no month" in done.err


# --- why ----------------------------------------------------------------------------------------------------

WHY = {
    "policy": "paced",
    "length": "1200",
    "weight": "1.38",
    "signs": "code",
    "usual_usd": "0.00305",
    "reach_usd": "0.0110",
    "allowance_usd": "0.00266",
    "left_usd": "4.93",
    "floor_usd": "0.136",
    "to_come": "1435",
    "better": "premium",
    "better_usd": "0.0134",
}
SENTENCE = (
    "standard, since this message of 1,200 characters may cost $0.011 and premium usually costs $0.013: the "
    "allowance is $0.0026, which is $4.93 left less a floor of $0.13 over 1,435 messages, and the weight is "
    "1.38 for code."
)


def answered(tables: Tables, ts: str, *, after_s: int = 3, **facts: Any) -> None:
    """Write the record of one paced answer, begun so long after the message."""
    began = Decimal(ts) + after_s
    month, day = month_and_day(float(began), UTC)
    record = record_of()
    known = replace(record.facts, message_ts=ts, started_at=began, month=month, day=day, why=WHY, **facts)
    write_usage(tables, replace(record, facts=known))


def test_the_newest_answer_is_explained(penny: Penny, tables: Tables) -> None:
    """Of this month or, on its first days, of the last one: a sentence and nothing else."""
    newest = f"{time.time() - 60:.6f}"
    answered(tables, f"{time.time() - 3600:.6f}", tier_given="economy")
    answered(tables, newest)

    assert penny("why", "--channel", CHANNEL) == Done(0, f"{SENTENCE}\n", "")


def test_an_answer_is_explained_by_its_message_or_by_its_own_link(penny: Penny, tables: Tables) -> None:
    """People copy the link of either; the thread of another message is not confused with it."""
    answered(tables, "1795348800.000100")
    answered(tables, "1795348900.000200", tier_wanted="economy", tier_given="economy")
    link = f"https://acme.slack.com/archives/{CHANNEL}/p{{}}"

    for asked in (["1795348800.000100", "--channel", CHANNEL], [link.format("1795348800000100")]):
        assert penny("why", *asked).out == f"{SENTENCE}\n"
    assert penny("why", link.format("1795348850000900") + "?thread_ts=1795348800.000100").out.startswith(
        "standard"
    )
    assert penny("why", link.format("1795348930000900")).out.startswith("economy")


def test_an_answer_of_the_next_month_is_found(penny: Penny, tables: Tables) -> None:
    """A message a second before midnight is answered a second after."""
    eve = f"{datetime(2026, 12, 1, tzinfo=UTC).timestamp() - 1:.6f}"
    answered(tables, eve)

    assert penny("why", eve, "--channel", CHANNEL).code == 0


def test_why_for_programs(penny: Penny, tables: Tables) -> None:
    """All its numbers, exact."""
    answered(tables, "1795348800.000100", tier_given="economy")
    asked = ("why", "1795348800.000100", "--channel", CHANNEL, "--format")

    (row,) = json.loads(penny(*asked, "json").out)["rows"]
    assert (row["tier_wanted"], row["tier_given"], row["cost_usd"]) == ("standard", "economy", "0.04")
    assert row["sentence"].endswith("; the answer came from economy in the end.")
    assert {name: row[name] for name in WHY} == WHY
    (line,) = rows_of(penny(*asked, "csv").out)
    assert line["usual_usd"] == "0.00305"


@pytest.mark.parametrize("asked", [[], ["1795348800.000100"]])
def test_what_was_never_answered_is_told(penny: Penny, asked: list[str]) -> None:
    """No record, no reason."""
    done = penny("why", *asked, "--channel", CHANNEL)

    assert done.code == 1
    assert f"no paid answer of {CHANNEL}" in done.complaint


# --- simulate -----------------------------------------------------------------------------------------------


def test_a_month_is_replayed(penny: Penny, tables: Tables) -> None:
    """A table shows both, and what would have run out; JSON and CSV have the same figures, exact."""
    for second in range(3):
        answered(tables, f"{1795348800 + 60 * second}.000100")
    asked = ("simulate", "--channel", CHANNEL, "--month", MONTH)

    shown = penny(*asked, "--budget", "0")
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[0] == f"Replay of {CHANNEL} in {MONTH}"
    assert lines[2].split("  ")[0] == "tier"
    assert "would have been refused" in shown.out
    assert f"{CHANNEL} on 2026-11-22" in shown.out

    found = json.loads(penny(*asked, "--budget", "1000000", "--format", "json").out)
    assert (found["total"]["answers"], found["total"]["would_answer"], found["would_refuse"]) == (3, 3, 0)
    assert found["total"]["cost_usd"] == "0.12"
    of_tiers = {
        row["tier"]: int(row["would_answer"]) for row in rows_of(penny(*asked, "--format", "csv").out)
    }
    assert list(of_tiers) == ["premium", "standard", "economy"]


def test_a_month_without_answers_has_nothing_to_replay(penny: Penny) -> None:
    """It is no error."""
    assert "Nothing to replay" in penny("simulate", "--month", "2020-01").out


@pytest.mark.parametrize(
    ("config", "remedy"), [("no.toml", "set CONFIG_FILE to a file"), ("README.md", "is not TOML")]
)
def test_a_replay_needs_a_configuration(penny: Penny, config: str, remedy: str) -> None:
    """A file that is not there, or is something else, is named."""
    done = penny("simulate", "--config", config)

    assert done.code == 1
    assert remedy in done.complaint
