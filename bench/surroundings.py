"""The surroundings: AWS, Slack and OpenRouter on 127.0.0.1, and the environment by which Penny finds them."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from playground.aws import LocalAws, start_local_aws
from playground.clock import SystemClock
from playground.faults import Fault, FaultProxy
from playground.openrouter import ScriptedOpenRouter
from playground.serving import serve
from playground.slack.web_api import slack_app
from playground.slack.workspace import Workspace
from playground.stack import StackNames, create_stack
from router import wiring

FIRST_TOKEN_S = 0.05
TOKENS_PER_S = 400.0
"""Ten times as fast as real models, but not so fast that answers would not overlap."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around Penny, and the environment by which she finds it.

    `tables_url` is where the workers' AWS is: behind the fault proxy, if there is one.
    """

    aws: LocalAws
    names: StackNames
    slack: Workspace
    openrouter: ScriptedOpenRouter
    environment: Mapping[str, str]
    tables_url: str


@contextlib.contextmanager
def surroundings(
    answer: Callable[[dict[str, Any]], str],
    by_chance: Callable[[str], Fault | None] | None = None,
    *,
    aws_url: str = "",
) -> Iterator[Surroundings]:
    """Bring it all up while the block runs, with the environment set; models say what `answer` returns.

    A local AWS that runs at `aws_url` already is used; queues and tables are new ones.
    """
    clock = SystemClock()
    slack = Workspace(clock)
    slack.limits.enforced = False
    openrouter = ScriptedOpenRouter(clock, FIRST_TOKEN_S, TOKENS_PER_S, generation_delay_s=0, answer=answer)
    with contextlib.ExitStack() as parts:
        aws = parts.enter_context(local_aws(aws_url))
        names = new_stack(aws)
        slack_url = parts.enter_context(serve(slack_app(slack))).url
        openrouter_url = parts.enter_context(serve(openrouter.app)).url
        proxy = parts.enter_context(FaultProxy(aws.url, by_chance=by_chance)) if by_chance else None
        environment = {name.upper(): value for name, value in asdict(names).items()} | {
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_REGION": aws.region,
            "AWS_DEFAULT_REGION": aws.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": "",
            "CONFIG_FILE": "",
            "SECRETS_PREFIX": "",
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_API_URL": f"{slack_url}/api/",
            "OPENROUTER_API_KEY": "sk-or-playground",
            "OPENROUTER_BASE_URL": f"{openrouter_url}/api/v1",
        }
        parts.enter_context(environment_of(environment))
        parts.callback(wiring.close)
        yield Surroundings(aws, names, slack, openrouter, environment, proxy.url if proxy else aws.url)


@contextlib.contextmanager
def local_aws(url: str = "") -> Iterator[LocalAws]:
    """Start a local AWS while the block runs, unless one runs at `url` already."""
    with contextlib.nullcontext(LocalAws(url)) if url else start_local_aws() as aws:
        yield aws


def new_stack(aws: LocalAws) -> StackNames:
    """Create queues and tables that nobody else knows."""
    return create_stack(aws.url, f"bench-{uuid.uuid4().hex[:12]}")


@contextlib.contextmanager
def environment_of(variables: Mapping[str, str]) -> Iterator[None]:
    """Set these variables while the block runs."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
