"""What a cold start of `receive` loads: the standard library, our own modules and nothing that is slow."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from router.domain.job import Job
from tests.loopback_sqs import LoopbackSqs
from tests.slack_requests import SECRET, event_body, lambda_event, mention

REPOSITORY = Path(__file__).parent.parent

COLD_START = """
import sys
sys.path.insert(0, sys.argv[1])
import handler
import json
event = json.load(sys.stdin)
answer = handler.receive(event, None)
print(json.dumps({"answer": answer, "modules": sorted(sys.modules), "path": sys.path}))
"""

NOT_NEEDED = {
    "argparse",
    "asyncio",
    "concurrent",
    "ctypes",
    "decimal",
    "email.mime",
    "http.cookies",
    "http.server",
    "importlib.metadata",
    "logging",
    "multiprocessing",
    "pydoc",
    "sqlite3",
    "subprocess",
    "threading",
    "tomllib",
    "unittest",
    "urllib.request",
    "uuid",
    "xml",
    "zoneinfo",
}
"""Modules of the standard library that cost a millisecond or more and would come in by an oversight."""

MOST_MODULES = 165
"""A bare interpreter has 27; `http.client` with TLS, `json` and `dataclasses` bring nearly all others."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """What one fresh interpreter answered, sent and loaded."""

    answer: dict[str, Any]
    modules: frozenset[str]
    jobs: tuple[Job, ...]
    body: str


@pytest.fixture(params=["secret in the environment", "secret in SSM"])
def cold_start(sqs: LoopbackSqs, request: pytest.FixtureRequest) -> ColdStart:
    """Send one signed request to a fresh interpreter that sees the repository and no installed package."""
    sqs.parameters["/penny/dev/SLACK_SIGNING_SECRET"] = SECRET
    where = {
        "secret in the environment": {"SLACK_SIGNING_SECRET": SECRET},
        "secret in SSM": {
            "SECRETS_PREFIX": "/penny/dev",
            "AWS_ENDPOINT_URL": sqs.url,
            "AWS_LAMBDA_FUNCTION_NAME": "penny-dev-receive",
        },
    }
    environment = where[request.param] | {
        "QUEUE_URL": sqs.queue_url,
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
    }
    body = event_body(mention())
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-c", COLD_START, str(REPOSITORY)],
        input=json.dumps(lambda_event(body)),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    _log, told = map(json.loads, finished.stdout.splitlines())
    assert not [folder for folder in told["path"] if "site-packages" in folder]
    assert len(sqs.readings) == ("SECRETS_PREFIX" in environment)
    jobs = tuple(Job.from_text(received.fields["MessageBody"]) for received in sqs.jobs)
    return ColdStart(told["answer"], frozenset(told["modules"]), jobs, body)


def test_a_cold_start_needs_the_standard_library_alone(cold_start: ColdStart) -> None:
    """From nothing to the message in the queue, without one installed package."""
    assert cold_start.answer["statusCode"] == 200
    assert [job.body for job in cold_start.jobs] == [cold_start.body]
    loaded = {name.partition(".")[0] for name in cold_start.modules}
    assert loaded - sys.stdlib_module_names - {"__main__"} == {"handler", "router"}


def test_a_cold_start_loads_nothing_that_it_does_not_need(cold_start: ColdStart) -> None:
    """Each of these would make every first ack slower."""
    loaded = {
        unneeded
        for unneeded in NOT_NEEDED
        for name in cold_start.modules
        if name == unneeded or name.startswith(f"{unneeded}.")
    }
    assert loaded == set()
    assert len(cold_start.modules) <= MOST_MODULES
