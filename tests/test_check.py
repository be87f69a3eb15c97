"""`python -m router check`: what is wrong is found, told with its remedy, and hides nothing else."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import boto3
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import handler
from playground.aws import REGION, LocalAws
from playground.clock import ManualClock, SystemClock
from playground.openrouter import ScriptedOpenRouter
from playground.serving import serve
from playground.slack.web_api import slack_app
from playground.slack.workspace import Workspace
from playground.stack import StackNames, create_stack, read_stack
from router import wiring
from router.__main__ import main
from router.settings import Settings
from router.stack_check import STATE_TABLE, USAGE_TABLE

ROOT = Path(__file__).resolve().parent.parent
NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there."""

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
MODELS = 9
FINDINGS = 13 + MODELS
"""Of the shipped configuration, without an endpoint."""

_stages = itertools.count(1)


@dataclass
class World:
    """All that the check looks at, and how to run it."""

    slack: Workspace
    openrouter: ScriptedOpenRouter
    names: StackNames
    aws: LocalAws
    environment: dict[str, str]
    run: Callable[..., Done]

    def client(self, service: str) -> Any:
        """Speak to the local AWS."""
        return boto3.client(service, endpoint_url=self.aws.url, region_name=REGION, **KEYS)

    def queue(self, name: str, **attributes: str) -> str:
        """Make a queue and return its URL."""
        url: str = self.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url

    def table(self, name: str, **changes: Any) -> str:
        """Make a table that differs from the state table as deployed by `changes`, and return its name."""
        stack = read_stack("test")["resources"]["Resources"]["StateTable"]["Properties"]
        names = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
        wanted = {key: stack[key] for key in names} | {"TableName": name} | changes
        self.client("dynamodb").create_table(
            **{key: value for key, value in wanted.items() if value is not None}
        )
        return name


@dataclass(frozen=True, slots=True)
class Done:
    """How a check ended."""

    code: int
    out: str
    err: str

    @property
    def wrong(self) -> dict[str, str]:
        """What failed, each with what was said of it."""
        lines = [line.removeprefix("fail  ") for line in self.out.splitlines() if line.startswith("fail")]
        return {check: said for check, _, said in (line.partition(": ") for line in lines)}


@pytest.fixture(scope="module")
def stack(aws: LocalAws, worker_id: str) -> StackNames:
    """Make the stack of serverless.yml once."""
    return create_stack(aws.url, stage=f"check-{worker_id}")


@pytest.fixture
def world(
    aws: LocalAws, stack: StackNames, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[World]:
    """Make a world in which all is well."""
    for name in [n for n in os.environ if n.startswith("AWS_")] + [f.name.upper() for f in fields(Settings)]:
        monkeypatch.delenv(name, raising=False)
    slack, openrouter = Workspace(SystemClock()), ScriptedOpenRouter()
    with serve(slack_app(slack)) as slack_server, serve(openrouter.app) as openrouter_server:
        environment = {
            "HOME": "/nonexistent",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "OPENROUTER_API_KEY": "sk-or-playground",
            "QUEUE_URL": stack.queue_url,
            "DEAD_LETTER_QUEUE_URL": stack.dead_letter_queue_url,
            "STATE_TABLE": stack.state_table,
            "USAGE_TABLE": stack.usage_table,
            "SLACK_API_URL": f"{slack_server.url}/api/",
            "OPENROUTER_BASE_URL": f"{openrouter_server.url}/api/v1",
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_REGION": aws.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

        def run(*arguments: str, **changes: str | None) -> Done:
            with monkeypatch.context() as patch:
                for name, value in (environment | changes).items():
                    patch.setenv(name, value) if value is not None else patch.delenv(name, raising=False)
                code = main(["check", *arguments])
            return Done(code, *capsys.readouterr())

        yield World(slack, openrouter, stack, aws, environment, run)
        wiring.close()


def config(folder: Path, *changes: tuple[str, str]) -> str:
    """Write the shipped configuration with changes, and return its path."""
    text = (ROOT / "config.toml").read_text(encoding="utf-8")
    for shipped, wanted in changes:
        assert shipped in text
        text = text.replace(shipped, wanted)
    file = folder / f"config-{next(_stages)}.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


# --- all is well --------------------------------------------------------------------------------------------


def test_all_is_well(world: World) -> None:
    """A line for each check, each ok, and exit code 0; nothing was changed, nothing was spent."""
    done = world.run()

    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == FINDINGS
    assert all(line.startswith("ok    ") for line in done.out.splitlines())
    assert world.openrouter.calls == []
    assert {call.method for call in world.slack.calls} == {"auth.test"}


def test_for_programs(world: World) -> None:
    """JSON and CSV hold the same findings, those that failed with their remedies."""
    world.slack.revoke_token()

    as_json, as_csv = world.run("--format", "json"), world.run("--format", "csv")

    content = json.loads(as_json.out)
    assert (content["checks"], content["failed"]) == (FINDINGS, 2)
    assert [row["check"] for row in content["rows"] if row["result"] == "fail"] == ["bot token", "scopes"]
    assert all(bool(row["remedy"]) == (row["result"] == "fail") for row in content["rows"])
    assert [*csv.DictReader(io.StringIO(as_csv.out, newline=""))] == content["rows"]
    assert as_json.code == as_csv.code == 1
    assert as_json.err == f"penny: 2 of {FINDINGS} checks failed\n"


def test_nothing_is_there(world: World) -> None:
    """With an empty environment every check is made, and each that cannot be passed says what to do."""
    unset = dict.fromkeys(world.environment)

    done = world.run(**unset | {"HOME": "/nonexistent", "OPENROUTER_BASE_URL": NOWHERE})

    assert done.code == 1
    assert len(done.out.splitlines()) == 13
    assert len(done.wrong) == 12
    assert all(" -> " in said for said in done.wrong.values())
    assert "Traceback" not in done.out + done.err


def test_no_secret_is_ever_printed(world: World) -> None:
    """Neither good secrets nor refused, malformed or misplaced ones appear in what is said."""
    for secret in ("xoxb-open-sesame", "open-sesame\u2026", "open-sesame\n"):
        said = world.run(SLACK_SIGNING_SECRET=secret, SLACK_BOT_TOKEN=secret, OPENROUTER_API_KEY=secret)

        assert said.code == 1
        assert "sesame" not in said.out + said.err
    said = world.run()
    secrets = (world.slack.signing_secret, world.slack.bot_token, "sk-or-playground")
    assert not [secret for secret in secrets if secret in said.out + said.err]


# --- the environment, the file, AWS -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "failing", "told"),
    [
        ({"STATE_TABLE": None}, {"environment", "state table"}, "STATE_TABLE"),
        ({"QUEUE_URL": None}, {"environment", "job queue", "dead-letter queue"}, "QUEUE_URL"),
        ({"USAGE_TABLE": "usage-nowhere"}, {"usage table"}, "no such table"),
        ({"CONFIG_FILE": "/nowhere.toml"}, {"config.toml", "models"}, "CONFIG_FILE"),
        ({"SLACK_SIGNING_SECRET": "6" * 31}, {"signing secret"}, "Basic Information"),
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, {"bot token", "scopes"}, "SLACK_BOT_TOKEN"),
        ({"SLACK_API_URL": NOWHERE}, {"bot token", "scopes"}, "SLACK_API_URL"),
        ({"OPENROUTER_API_KEY": "sk-or-wrong"}, {"OpenRouter key"}, "OPENROUTER_API_KEY"),
        ({"OPENROUTER_BASE_URL": NOWHERE}, {"OpenRouter key", "models"}, "OPENROUTER_BASE_URL"),
        ({"DEAD_LETTER_QUEUE_URL": "https://x/1/another.fifo"}, {"dead-letter queue"}, "another than"),
    ],
)
def test_what_is_missing_or_wrong(
    world: World, changes: dict[str, str | None], failing: set[str], told: str
) -> None:
    """What hangs on it fails with the variable to look at; all else is looked at as ever."""
    done = world.run(**changes)

    assert done.code == 1
    assert set(done.wrong) == failing
    assert any(told in said for said in done.wrong.values())


def test_aws_is_out_of_reach(world: World) -> None:
    """All that AWS holds fails, Slack and OpenRouter do not."""
    done = world.run(AWS_ENDPOINT_URL=NOWHERE)

    assert set(done.wrong) == {"state table", "usage table", "job queue", "dead-letter queue"}
    assert "AWS_ENDPOINT_URL" in done.wrong["state table"]


def test_no_region_and_no_credentials(world: World) -> None:
    """Both are told apart."""
    without_region = world.run(AWS_REGION=None).wrong
    without_keys = world.run(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None).wrong
    wrong_profile = world.run(AWS_PROFILE="nobody", AWS_ACCESS_KEY_ID=None).wrong

    assert "set AWS_REGION" in without_region["AWS"]
    assert "AWS_ACCESS_KEY_ID" in without_keys["AWS"]
    assert "AWS_PROFILE" in wrong_profile["AWS"]


def test_credentials_of_a_profile(world: World, tmp_path: Path) -> None:
    """Credentials may come from wherever AWS tools find them, for the queues too."""
    file = tmp_path / "credentials"
    file.write_text("[penny]\naws_access_key_id = test\naws_secret_access_key = test\n", encoding="utf-8")

    done = world.run(
        AWS_PROFILE="penny",
        AWS_SHARED_CREDENTIALS_FILE=str(file),
        AWS_ACCESS_KEY_ID=None,
        AWS_SECRET_ACCESS_KEY=None,
    )

    assert done.wrong == {}


def test_what_is_of_several_stages(world: World) -> None:
    """Tables, queues and secrets of one stage belong together; names of another form tell nothing."""
    mixed = world.run(SECRETS_PREFIX="/penny/elsewhere").wrong
    alike = world.run(STATE_TABLE="ours", USAGE_TABLE="theirs").wrong

    assert "elsewhere in SECRETS_PREFIX" in mixed["environment"]
    assert "of one stage" in mixed["environment"]
    assert "environment" not in alike


def test_secrets_of_a_stage(world: World) -> None:
    """With a prefix the secrets are read from SSM, and the one that is not there is named."""
    stage = world.names.state_table.removeprefix("penny-state-")
    for name in ("SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"):
        world.client("ssm").put_parameter(
            Name=f"/penny/{stage}/{name}", Value=world.environment[name], Type="SecureString", Overwrite=True
        )
    unset = dict.fromkeys(("SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "OPENROUTER_API_KEY"))

    done = world.run(SECRETS_PREFIX=f"/penny/{stage}", **unset)

    assert set(done.wrong) == {"OpenRouter key"}
    assert f"/penny/{stage}/OPENROUTER_API_KEY" in done.wrong["OpenRouter key"]
    assert "make secrets" in done.wrong["OpenRouter key"]
    assert f"secrets are read under /penny/{stage}" in done.out


# --- tables and queues --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "resource"), [(STATE_TABLE, "StateTable"), (USAGE_TABLE, "UsageTable")])
def test_tables_are_wanted_as_the_stack_makes_them(wanted: Any, resource: str) -> None:
    """What the check takes for right is what serverless.yml says."""
    made = read_stack("test")["resources"]["Resources"][resource]["Properties"]

    def keys(definition: dict[str, Any]) -> tuple[str, ...]:
        return tuple(key["AttributeName"] for key in definition["KeySchema"])

    assert wanted.keys == keys(made)
    assert wanted.indexes == {index["IndexName"]: keys(index) for index in made["GlobalSecondaryIndexes"]}
    assert wanted.expires_by == made.get("TimeToLiveSpecification", {}).get("AttributeName", "")
    assert wanted.can_be_restored == made["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert wanted.is_on_demand == (made["BillingMode"] == "PAY_PER_REQUEST")


def test_a_table_that_is_not_as_it_should_be(world: World) -> None:
    """Index, expiry, recovery and billing that are missing are told, all of them at once."""
    keys = [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    table = world.table(
        f"bare-{next(_stages)}-{os.getpid()}",
        AttributeDefinitions=keys,
        GlobalSecondaryIndexes=None,
        BillingMode="PROVISIONED",
        ProvisionedThroughput=throughput,
    )

    said = world.run(STATE_TABLE=table).wrong["state table"]

    wrong = ("no index open_reservations", "instead of expires_at", "point-in-time", "not billed on demand")
    assert [words for words in wrong if words not in said] == []


def test_tables_that_are_exchanged(world: World) -> None:
    """The other table's name in a variable is found by its indexes."""
    done = world.run(STATE_TABLE=world.names.usage_table, USAGE_TABLE=world.names.state_table)

    assert set(done.wrong) == {"state table", "usage table"}
    assert "no index by_month" in done.wrong["usage table"]


def test_a_table_with_other_keys(world: World) -> None:
    """Someone else's table is told by its keys."""
    table = world.table(
        f"other-{next(_stages)}-{os.getpid()}",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=None,
    )

    assert "its keys are id instead of pk, sk" in world.run(STATE_TABLE=table).wrong["state table"]


def test_a_queue_that_is_none_of_ours(world: World) -> None:
    """Neither FIFO, nor long enough invisible, nor with a place for dead letters: all is told."""
    done = world.run(QUEUE_URL=world.queue(f"plain-{next(_stages)}-{os.getpid()}"))

    said = done.wrong["job queue"]
    wrong = ("not FIFO", "visibility is 30 s; a deadline of 120 s needs 190 s", "after 3 receives")
    assert [words for words in wrong if words not in said] == []
    assert "names none" in done.wrong["dead-letter queue"]


def test_a_dead_letter_queue_that_is_not_fifo(world: World) -> None:
    """A FIFO queue needs a FIFO queue to park in."""
    number = f"{next(_stages)}-{os.getpid()}"
    world.queue(f"plain-dead-{number}")
    redrive = {
        "deadLetterTargetArn": f"arn:aws:sqs:{REGION}:000000000000:plain-dead-{number}",
        "maxReceiveCount": 3,
    }
    url = world.queue(
        f"jobs-{number}.fifo",
        FifoQueue="true",
        VisibilityTimeout="310",
        RedrivePolicy=json.dumps(redrive),
    )

    done = world.run(QUEUE_URL=url, DEAD_LETTER_QUEUE_URL=None)

    assert set(done.wrong) == {"dead-letter queue"}
    assert "not FIFO" in done.wrong["dead-letter queue"]


def test_the_deadline_decides_about_the_visibility(world: World, tmp_path: Path) -> None:
    """What is enough for a short deadline is too little for a long one."""
    number = f"{next(_stages)}-{os.getpid()}"
    redrive = {
        "deadLetterTargetArn": f"arn:aws:sqs:{REGION}:000000000000:"
        + world.names.dead_letter_queue_url.rpartition("/")[2],
        "maxReceiveCount": 3,
    }
    attributes = {"FifoQueue": "true", "VisibilityTimeout": "200", "RedrivePolicy": json.dumps(redrive)}
    url = world.queue(f"short-{number}.fifo", **attributes)

    short = world.run(QUEUE_URL=url)
    long = world.run(QUEUE_URL=url, CONFIG_FILE=config(tmp_path, ("deadline_s = 120", "deadline_s = 230")))

    assert short.wrong == {}
    assert "needs 300 s" in long.wrong["job queue"]


# --- Slack --------------------------------------------------------------------------------------------------


def test_scopes_that_are_missing(world: World) -> None:
    """An app that was installed from an older manifest is told which scopes it lacks; more do no harm."""
    world.slack.scopes = world.slack.scopes - {"chat:write"} | {"users:read"}

    done = world.run()

    assert set(done.wrong) == {"scopes"}
    assert "missing: chat:write -> " in done.wrong["scopes"]
    assert "reinstall" in done.wrong["scopes"]


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>", 502),
        Response("[]", 200),
        JSONResponse({"ok": False, "error": {"code": 7}}),
        JSONResponse({"ok": False, "error": "account_inactive"}),
    ],
)
def test_a_slack_that_answers_nonsense(world: World, answer: Response) -> None:
    """Whatever comes back, the token fails with a remedy."""
    with serve(app_that_answers(answer)) as served:
        done = world.run(SLACK_API_URL=f"{served.url}/api/")

    assert set(done.wrong) == {"bot token", "scopes"}


def test_a_slack_that_tells_little(world: World) -> None:
    """Without names, scopes and clock the token works all the same, and what is not known is not assumed."""
    with serve(app_that_answers(JSONResponse({"ok": True, "team": 7, "user": None}))) as served:
        done = world.run(SLACK_API_URL=f"{served.url}/api/")

    assert set(done.wrong) == {"scopes"}
    assert "a bot in a workspace" in done.out


def test_words_from_outside_cannot_draw_on_the_terminal(world: World) -> None:
    """What Slack calls the workspace is one line, whatever it holds."""
    with serve(
        app_that_answers(JSONResponse({"ok": True, "team": "a\x1b[2J\nok    fake", "user": "p"}))
    ) as s:
        done = world.run(SLACK_API_URL=f"{s.url}/api/")

    assert "\x1b" not in done.out
    assert len(done.out.splitlines()) == FINDINGS


# --- OpenRouter ---------------------------------------------------------------------------------------------

KEY = {"limit": None, "limit_remaining": None, "limit_reset": None, "usage": 1.5, "is_free_tier": False}


def app_that_answers(answer: Response, path: str = "/{rest:path}") -> Starlette:
    """Make a server that always answers the same."""

    async def reply(_request: Request) -> Response:
        return answer

    return Starlette(routes=[Route(path, reply, methods=["GET", "POST"])])


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (KEY | {"limit": 100, "limit_remaining": 0}, "limit is used up"),
        (KEY | {"effective_budget": {"remaining_usd": 0}}, "budget of the OpenRouter account"),
        (KEY | {"is_free_tier": True}, "never bought credits"),
        ({}, "HTTP 200"),
        ([], "HTTP 200"),
        (None, "HTTP 200"),
    ],
)
def test_a_key_that_pays_for_nothing(world: World, key: Any, told: str) -> None:
    """Limits, budgets and credits that are gone are told, and so is an answer that is none."""
    with serve(app_that_answers(JSONResponse({"data": key}))) as served:
        done = world.run(OPENROUTER_BASE_URL=f"{served.url}/api/v1")

    assert told in done.wrong["OpenRouter key"]


def test_what_is_left_of_the_key(world: World) -> None:
    """A key with a limit says how much of it is left and when it renews."""
    key = KEY | {"limit": 100, "limit_remaining": 74.5, "limit_reset": "monthly"}
    with serve(app_that_answers(JSONResponse({"data": key}))) as served:
        done = world.run(OPENROUTER_BASE_URL=f"{served.url}/api/v1")

    assert "ok    OpenRouter key: works: $74.50 of $100.00 left, monthly" in done.out


def test_a_model_that_is_gone(world: World) -> None:
    """A retired model is named with its tier; the others are looked at."""
    world.openrouter.retire("openai/gpt-6-luna")

    done = world.run()

    assert set(done.wrong) == {"model openai/gpt-6-luna (economy)"}
    assert "take it out of tier 'economy'" in done.wrong["model openai/gpt-6-luna (economy)"]
    assert len(done.out.splitlines()) == FINDINGS


def test_a_model_above_its_cap(world: World, tmp_path: Path) -> None:
    """A cap below the list price is found before a call finds no provider."""
    cheap = config(
        tmp_path,
        (
            "max_price = { prompt = 0.20, completion = 0.75 }",
            "max_price = { prompt = 0.12, completion = 0.75 }",
        ),
    )

    done = world.run(CONFIG_FILE=cheap)

    assert set(done.wrong) == {"model mistralai/mistral-small-2603 (economy)"}
    assert "costs $0.15 and $0.60 per million tokens; the caps are $0.12 and $0.75" in done.out


def test_a_price_step_within_reach(world: World, tmp_path: Path) -> None:
    """Prompts long enough for a higher price are found by the tier's max_prompt_tokens."""
    long = config(
        tmp_path,
        ("max_tokens = 1500\nmax_prompt_tokens = 90000", "max_tokens = 1500\nmax_prompt_tokens = 120000"),
    )

    done = world.run(CONFIG_FILE=long)

    assert set(done.wrong) == {"model anthropic/claude-haiku-5.5 (economy)"}
    assert "lower max_prompt_tokens of tier 'economy' below 100,001" in done.out


def test_reasoning_efforts_are_told(world: World) -> None:
    """It is said which models refuse to do without, and where an effort becomes another one."""
    out = world.run().out

    assert "claude-sonnet-5.5 (premium): $2.00 and $10.00 per million tokens; takes 1,000,000" in out
    assert "takes 1,000,000 tokens; refuses effort none" in out
    assert "effort low becomes the nearest of none, high" in out


# --- the clock ----------------------------------------------------------------------------------------------


def test_a_clock_that_is_wrong(world: World) -> None:
    """More than a minute away from Slack's or OpenRouter's is told, with how far and which way."""
    slow = ScriptedOpenRouter(ManualClock(SystemClock().now() - 300))
    with serve(slow.app) as served:
        done = world.run(OPENROUTER_BASE_URL=f"{served.url}/api/v1")

    assert set(done.wrong) == {"clock"}
    assert "as Slack's, 30" in done.wrong["clock"]
    assert "s ahead of OpenRouter's" in done.wrong["clock"]


def test_a_clock_that_is_a_little_off(world: World) -> None:
    """Half a minute is told and no failure."""
    fast = ScriptedOpenRouter(ManualClock(SystemClock().now() + 30))
    with serve(fast.app) as served:
        done = world.run(OPENROUTER_BASE_URL=f"{served.url}/api/v1")

    assert done.wrong == {}
    assert "s behind OpenRouter's" in done.out


@pytest.mark.parametrize("date", ["yesterday", "Sun, 99 Nov 2026 99:99:99 GMT", ""])
def test_a_date_that_is_none(world: World, date: str) -> None:
    """A Date header that cannot be read tells no time."""
    answer = JSONResponse({"data": KEY}, headers={"Date": date})
    with serve(app_that_answers(answer)) as served:
        done = world.run(OPENROUTER_BASE_URL=f"{served.url}/api/v1")

    assert "clock" not in done.wrong
    assert "ok    clock: as Slack's\n" in done.out


# --- the endpoint -------------------------------------------------------------------------------------------


async def penny(request: Request) -> Response:
    """Answer as the deployed endpoint does."""
    event = {
        "requestContext": {"http": {"method": request.method}},
        "headers": dict(request.headers),
        "body": (await request.body()).decode(),
        "isBase64Encoded": False,
    }
    answer = handler.receive(event, None)
    return Response(answer.get("body", ""), answer["statusCode"])


def test_the_endpoint_turns_away_what_is_not_signed(world: World) -> None:
    """Penny's own receiver passes, and the request leaves no trace in the queue."""
    with serve(Starlette(routes=[Route("/slack/events", penny, methods=["POST"])])) as served:
        done = world.run("--url", f"{served.url}/slack/events")

    assert done.wrong == {}
    assert "ok    endpoint: answers 401" in done.out


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(200, "RequestUrl"), (301, "RequestUrl"), (404, "RequestUrl"), (500, "log"), (503, "log")],
)
def test_an_endpoint_that_answers_otherwise(world: World, status: int, remedy: str) -> None:
    """Another status is told with where to look; a redirect is not followed."""
    elsewhere = Response("", status, {"Location": "/elsewhere"})
    with serve(app_that_answers(elsewhere, "/slack/events")) as served:
        done = world.run("--url", f"{served.url}/slack/events")

    assert set(done.wrong) == {"endpoint"}
    assert f"answers {status}" in done.wrong["endpoint"]
    assert remedy in done.wrong["endpoint"]


def test_an_endpoint_that_does_not_answer(world: World) -> None:
    """Nothing there is a failure with a remedy."""
    done = world.run("--url", f"{NOWHERE}/slack/events")

    assert set(done.wrong) == {"endpoint"}
    assert "ConnectionRefusedError" in done.wrong["endpoint"]


@pytest.mark.parametrize("url", ["", "slack/events", "ftp://x.test/", "https://", "https://a b.test/"])
def test_a_url_that_is_none(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage is told before anything is looked at."""
    with pytest.raises(SystemExit) as ended:
        main(["check", "--url", url])

    assert ended.value.code == 2
    assert "https://" in capsys.readouterr().err
