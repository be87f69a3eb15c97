"""The world that scenarios share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from handler import receive
from playground.aws import LocalAws
from playground.aws_json import call
from playground.openrouter import ScriptedOpenRouter
from playground.serving import serve
from playground.slack.delivery import Delivery
from playground.slack.endpoint import lambda_endpoint
from playground.slack.web_api import slack_app
from playground.slack.workspace import Workspace
from playground.stack import create_stack
from router import wiring
from tests.rows import Rows, over_http
from tests.scenarios.world import Time, World

SHIPPED = Path(__file__).parents[2] / "config.toml"

_stages = itertools.count(1)

Configure = Callable[..., None]

BY_BANDS = ('policy = "paced"', 'policy = "bands"')
"""For stories that need to know the tier: a short message gets the economy tier."""


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Change lines of the shipped config.toml: `configure(("deadline_s = 120", "deadline_s = 2"))`."""

    def change(*changes: tuple[str, str]) -> None:
        text = SHIPPED.read_text(encoding="utf-8")
        for shipped, wanted in changes:
            assert shipped in text, shipped
            text = text.replace(shipped, wanted)
        path = tmp_path / f"config-{next(_stages)}.toml"  # another name, another configuration
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("CONFIG_FILE", str(path))

    return change


@pytest.fixture
def world(aws: LocalAws, monkeypatch: pytest.MonkeyPatch, worker_id: str) -> Iterator[World]:
    """Make a fresh workspace, OpenRouter, queue and tables, and set the environment that Penny reads."""
    clock = Time()
    slack, openrouter = Workspace(clock), ScriptedOpenRouter(clock, generation_delay_s=0)
    openrouter.answer = "Forty-two."
    names = create_stack(aws.url, stage=f"s{worker_id}{next(_stages)}")
    with serve(slack_app(slack)) as slack_server, serve(openrouter.app) as openrouter_server:
        slack.response_urls.base = slack.files.base = slack_server.url
        environment = {
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "OPENROUTER_API_KEY": "sk-or-playground",
            "QUEUE_URL": names.queue_url,
            "DEAD_LETTER_QUEUE_URL": names.dead_letter_queue_url,
            "STATE_TABLE": names.state_table,
            "USAGE_TABLE": names.usage_table,
            "SLACK_API_URL": f"{slack_server.url}/api/",
            "OPENROUTER_BASE_URL": f"{openrouter_server.url}/api/v1",
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_REGION": aws.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        delivery = Delivery(slack, lambda_endpoint(receive), clock)
        state, usage = (Rows(over_http(aws.url), table) for table in (names.state_table, names.usage_table))
        yield World(clock, slack, delivery, openrouter, names, partial(call, aws.url, "sqs"), state, usage)
        wiring.close()
