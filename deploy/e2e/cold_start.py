"""The cold start of each function, from the package as it is, against what cannot be saved.

Ratios of one run, so that they hold on any machine. They are ratios of processor time: a start computes, and
how long a stand-in takes to answer does not belong to it. In each round all are started one after the other,
and of each the least counts: what else the machine does can only add to it.
"""

from __future__ import annotations

import json
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from deploy.e2e.loopback import Answering, Loopback
from deploy.e2e.outside import new_secrets
from deploy.e2e.runtime import Runtime, make_runtime
from deploy.e2e.steps import expect
from deploy.package import ARTIFACT, ROOT
from deploy.target import IN_THE_RUNTIME
from playground.slack.request import Outgoing, Purpose, sign
from playground.stack import read_stack

ROUNDS = 5
MOST_ROUNDS = 15
"""Rounds are added while a limit is exceeded: a busy machine is no failure."""

AT_MOST = {"receive": ("empty", 2.5), "answer": ("imports", 1.2)}
"""Times what: an empty handler, which leaves no room for an SDK; the bare imports of Bolt, httpx and boto3
with a DynamoDB client, to which all of ours may add a fifth."""

EMPTY = """
def handler(event, context):
    return None
"""

IMPORTS = """
import boto3, httpx, slack_bolt
client = boto3.client("dynamodb")

def handler(event, context):
    return None
"""

PREFIX = "/penny/cold-start"
SIGNING_SECRET, TOKEN, KEY = new_secrets()
SECRETS = {"SLACK_SIGNING_SECRET": SIGNING_SECRET, "SLACK_BOT_TOKEN": TOKEN, "OPENROUTER_API_KEY": KEY}

Round = dict[str, float]
"""Milliseconds of each start."""


@dataclass(frozen=True, slots=True)
class Start:
    """One function's cold start: its first event, and fields that the answer to it has (None: any)."""

    handler: str
    event: Any = None
    answer: dict[str, Any] | None = None
    with_sdk: bool = True


def starts() -> dict[str, Start]:
    """Return what is measured: every function of serverless.yml, and what they are measured against."""
    ours = {name: Start(one["handler"], {}) for name, one in read_stack("cold-start")["functions"].items()}
    return {
        "empty": Start("empty_handler.handler", with_sdk=False),
        "imports": Start("bare_imports.handler"),
        **ours,
        "receive": Start("handler.receive", signed_message(), {"statusCode": HTTPStatus.OK}, with_sdk=False),
        "answer": Start("handler.answer", {"Records": []}, {"batchItemFailures": []}),
    }


def measure() -> str:
    """Start every function of the package cold; raises StepFailed when one fails or takes too long."""
    runtime = make_runtime(_pins("requirements-deploy.txt", {"awslambdaric"})[0], _sdk())
    with tempfile.TemporaryDirectory(prefix="penny-task-") as folder, _Aws() as aws:
        task = Path(folder)
        _unpack(task)
        rounds: list[Round] = []
        while len(rounds) < ROUNDS or (len(rounds) < MOST_ROUNDS and excesses(rounds)):
            one = {name: _start(runtime, start, task, aws.address) for name, start in starts().items()}
            rounds.append(one)
    said = described(rounds)
    expect(
        not (too_much := excesses(rounds)),
        " and ".join(f"{name} at most {most} times {floor}" for name, (floor, most) in AT_MOST.items()),
        f"{', '.join(too_much)} exceeded: {said}",
        then="see what a start imports: python -X importtime -c 'import handler, router.worker'",
    )
    return f"{said}; Python {runtime.version}"


def ratio(rounds: list[Round], name: str) -> float:
    """Return the ratio of a start to what it is measured against."""
    floor, _ = AT_MOST[name]
    return least(rounds, name) / least(rounds, floor)


def least(rounds: list[Round], name: str) -> float:
    """Return the least milliseconds of a start."""
    return min(one[name] for one in rounds)


def excesses(rounds: list[Round]) -> list[str]:
    """Name those that take more than they may."""
    return [name for name, (_, most) in AT_MOST.items() if ratio(rounds, name) > most]


def described(rounds: list[Round]) -> str:
    """Say what was measured."""
    ratios = [f"{name} {ratio(rounds, name):.2f} times {floor}" for name, (floor, _) in AT_MOST.items()]
    told = ", ".join(f"{name} {least(rounds, name):.0f} ms" for name in rounds[0])
    return f"{', '.join(ratios)} ({told}; {len(rounds)} rounds)"


def _start(runtime: Runtime, start: Start, task: Path, aws: str) -> float:
    """Start a function, hold its answer against what it should be, and return its milliseconds."""
    done = runtime.cold_start(
        start.handler, start.event, task, _environment(aws, start.handler), with_sdk=start.with_sdk
    )
    if start.answer is not None:
        is_right = isinstance(done.answer, dict) and start.answer.items() <= done.answer.items()
        expect(is_right, f"{start.handler} to answer {start.answer}", f"{done.answer}\n{done.printed}")
    return done.ms


def _unpack(task: Path) -> None:
    with zipfile.ZipFile(ARTIFACT) as archive:
        archive.extractall(task)
    (task / "empty_handler.py").write_text(EMPTY, encoding="utf-8")
    (task / "bare_imports.py").write_text(IMPORTS, encoding="utf-8")


def _environment(aws: str, handler: str) -> dict[str, str]:
    """Return what a function finds in its environment; its secrets are in SSM, as on AWS."""
    return {
        "AWS_ENDPOINT_URL": f"http://{aws}",
        "AWS_LAMBDA_FUNCTION_NAME": handler.replace(".", "-"),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "cold",
        "AWS_SECRET_ACCESS_KEY": "start",
        "SECRETS_PREFIX": PREFIX,
        "QUEUE_URL": f"http://{aws}/000000000000/jobs.fifo",
        "STATE_TABLE": "state",
        "USAGE_TABLE": "usage",
    }


def _sdk() -> list[str]:
    """Return the pins of what the package leaves to the runtime."""
    return _pins("requirements.txt", IN_THE_RUNTIME)


def _pins(file: str, names: frozenset[str] | set[str]) -> list[str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    pins = [line.split("#")[0].strip() for line in lines]
    return [pin for pin in pins if pin.partition("==")[0] in names]


class _Aws(Loopback):
    """SSM, SQS and DynamoDB, as far as a first event needs them.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html,
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html,
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html
    """

    def reply(self, request: Answering, body: bytes) -> tuple[HTTPStatus, dict[str, str], bytes] | None:
        """Answer one call."""
        answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "GetParameters": _parameters,
            "SendMessage": lambda _: {"MessageId": "00000000-0000-4000-8000-000000000000"},
            "Query": lambda _: {"Items": [], "Count": 0, "ScannedCount": 0},
        }
        answer = answers[request.headers["X-Amz-Target"].rpartition(".")[2]](json.loads(body))
        return HTTPStatus.OK, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()


def _parameters(asked: dict[str, Any]) -> dict[str, Any]:
    found = [{"Name": name, "Value": SECRETS[name.rpartition("/")[2]]} for name in asked["Names"]]
    return {"Parameters": found, "InvalidParameters": []}


def signed_message() -> dict[str, Any]:
    """Return a message to Penny, signed as Slack signs it, as API Gateway hands it over."""
    message = {
        "type": "app_mention",
        "user": "U0ADA00001",
        "text": "<@U0PENNY001> hello",
        "ts": "1700000000.000100",
        "channel": "C0GENERAL1",
    }
    envelope = {
        "type": "event_callback",
        "team_id": "T0PLAY0001",
        "event_id": "Ev0000000001",
        "event": message,
        "authorizations": [{"team_id": "T0PLAY0001", "user_id": "U0PENNY001", "is_bot": True}],
    }
    return sign(Outgoing(Purpose.EVENT, envelope), SIGNING_SECRET, time.time()).gateway_event()
