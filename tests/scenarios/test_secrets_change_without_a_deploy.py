"""Secrets stand in SSM: found there, missed where they are not, and changed there while Penny runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest

import handler
from playground.aws import LocalAws
from tests.scenarios.world import World, journal, said

SetSecrets = Callable[..., None]


@pytest.fixture(scope="module")
def ssm(aws: LocalAws) -> Any:
    """Make the client once: it takes a fifth of a second."""
    return boto3.Session("test", "test", region_name=aws.region).client("ssm", endpoint_url=aws.url)


@pytest.fixture
def set_secrets(ssm: Any, world: World, monkeypatch: pytest.MonkeyPatch) -> SetSecrets:
    """Move the world's secrets from the environment into SSM: `set_secrets(SLACK_BOT_TOKEN="xoxb-2")`."""
    prefix = f"/penny/{world.names.state_table}"
    for name in ("SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "OPENROUTER_API_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("SECRETS_PREFIX", prefix)

    def put(**secrets: str) -> None:
        for name, value in secrets.items():
            ssm.put_parameter(Name=f"{prefix}/{name}", Value=value, Type="SecureString", Overwrite=True)

    put(
        SLACK_SIGNING_SECRET=world.slack.signing_secret,
        SLACK_BOT_TOKEN=world.slack.bot_token,
        OPENROUTER_API_KEY="sk-or-playground",
    )
    return put


def test_all_three_change_while_penny_runs(
    world: World, set_secrets: SetSecrets, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next message is received, paid for and answered with the new ones, at once and once."""
    (before,) = world.ask("@penny hello")
    world.slack.signing_secret = "fedcba9876543210fedcba9876543210"
    world.slack.bot_token = "xoxb-2"
    world.openrouter.api_keys = frozenset({"sk-or-2"})
    set_secrets(
        SLACK_SIGNING_SECRET="fedcba9876543210fedcba9876543210",
        SLACK_BOT_TOKEN="xoxb-2",
        OPENROUTER_API_KEY="sk-or-2",
    )

    (after,) = world.ask("@penny and again")

    assert said(before) == said(after) == "Forty-two."
    assert len(world.records()) == 2
    printed = capsys.readouterr().out
    renewed = {line["secret"] for line in journal(printed) if line["outcome"] == "renewed"}
    assert renewed == {"SLACK_BOT_TOKEN", "OPENROUTER_API_KEY"}
    assert "xoxb-2" not in printed
    assert "sk-or-2" not in printed
    world.check_books()


def test_a_key_that_is_no_good_any_more_is_the_operators_matter(
    world: World, set_secrets: SetSecrets
) -> None:
    """As long as SSM has no other one the thread gets a notice, and nothing is charged."""
    set_secrets()
    world.openrouter.api_keys = frozenset({"sk-or-2"})

    (notice,) = world.ask("@penny hello")

    assert "Forty-two." not in said(notice)
    assert world.records() == []
    assert world.open_reservations() == []


def test_a_job_waits_for_a_secret_that_is_missing(
    world: World,
    set_secrets: SetSecrets,
    ssm: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says which command sets the secret, and is worked off once that was done."""
    set_secrets()
    prefix = f"/penny/{world.names.state_table}"
    ssm.delete_parameter(Name=f"{prefix}/OPENROUTER_API_KEY")
    ts = world.say("@penny hello")
    (record,) = world.receive_jobs()

    assert not world.run(record)

    (line,) = [line for line in journal(capsys.readouterr().out) if line["outcome"] == "later"]
    assert line["reason"] == (
        f"{prefix}/OPENROUTER_API_KEY: is not in SSM; `make secrets STAGE={world.names.state_table}` sets it"
    )
    assert world.openrouter.calls == []
    set_secrets(OPENROUTER_API_KEY="sk-or-playground")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another container's")  # ours asks again after a second
    assert world.run(record)
    assert [said(m) for m in world.replies(ts)] == ["Forty-two."]


def test_reconcile_needs_openrouters_key_alone(world: World, set_secrets: SetSecrets, ssm: Any) -> None:
    """The function that settles what was left open runs where Slack's secrets are not."""
    set_secrets()
    for name in ("SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN"):
        ssm.delete_parameter(Name=f"/penny/{world.names.state_table}/{name}")

    assert handler.reconcile({}, None) == {}
