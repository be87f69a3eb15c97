"""Secrets against a loopback SSM that misbehaves, and against a local AWS beside boto3."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import threading
import time
from typing import Any

import boto3
import botocore.session
import pytest

from playground.aws import LocalAws
from router.adapters.secrets import Secrets, ssm_url
from router.adapters.sigv4 import Credentials, Signer
from router.errors import SecretsUnavailable, SettingsError
from router.settings import Settings
from tests.loopback_sqs import Answer, Drop, Hang, LoopbackSqs

NOW = 1_700_000_000.0
TOKEN, KEY = "/penny/dev/SLACK_BOT_TOKEN", "/penny/dev/OPENROUTER_API_KEY"


def settings_for(sqs: LoopbackSqs, **changes: str) -> Settings:
    """Make the settings of a deployed function whose secrets stand in SSM."""
    settings = Settings(
        secrets_prefix="/penny/dev",
        aws_endpoint_url=sqs.url,
        aws_region="eu-central-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="a-secret",
        aws_session_token="a-token",
    )
    return dataclasses.replace(settings, **changes)


@pytest.fixture
def ssm(sqs: LoopbackSqs) -> LoopbackSqs:
    """Put the worker's two secrets into the loopback SSM."""
    sqs.parameters |= {TOKEN: "xoxb-1", KEY: "sk-or-1"}
    return sqs


def worker_secrets(ssm: LoopbackSqs, /, *, give_up_after_s: float = 1.0, **changes: str) -> Secrets:
    """Make the secrets of a function that needs two of them."""
    settings = settings_for(ssm, **changes)
    return Secrets(settings, "slack_bot_token", "openrouter_api_key", give_up_after_s=give_up_after_s)


def refusal(secrets: Secrets, name: str = "slack_bot_token", now: float = NOW) -> str:
    """Ask for a secret that cannot be had, and return what is said."""
    with pytest.raises(SecretsUnavailable) as refused:
        secrets.get(name, now)
    return str(refused.value)


# What is asked


def test_all_secrets_are_read_in_one_call_and_once(ssm: LoopbackSqs) -> None:
    """A function asks for what it needs, for nothing else, and not again."""
    secrets = worker_secrets(ssm)
    for _ in range(3):
        assert secrets.get("slack_bot_token", NOW) == "xoxb-1"
        assert secrets.get("openrouter_api_key", NOW) == "sk-or-1"
    [received] = ssm.received
    assert received.headers["x-amz-target"] == "AmazonSSM.GetParameters"
    assert received.headers["content-type"] == "application/x-amz-json-1.1"
    assert received.fields == {"Names": [TOKEN, KEY], "WithDecryption": True}


def test_the_question_is_signed_for_ssm(ssm: LoopbackSqs) -> None:
    """With the function's own keys and token, as the signer does that is tested against botocore's."""
    worker_secrets(ssm).get("slack_bot_token", NOW)
    [received] = ssm.received
    signer = Signer(Credentials("AKIDEXAMPLE", "a-secret", "a-token"), "eu-central-1", "ssm")
    at = dt.datetime.strptime(received.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    given = {name: received.headers[name] for name in ("content-type", "x-amz-target")}
    signed = signer.sign(received.headers["host"], received.path, given, received.body, at.timestamp())
    assert signed.items() <= received.headers.items()


def test_what_stands_in_the_environment_is_not_asked_for(ssm: LoopbackSqs) -> None:
    """A value that is set wins, and the others still come from SSM."""
    secrets = worker_secrets(ssm, slack_bot_token="xoxb-own")
    assert secrets.get("slack_bot_token", NOW) == "xoxb-own"
    assert ssm.received == []
    assert secrets.get("openrouter_api_key", NOW) == "sk-or-1"
    assert ssm.readings == [[KEY]]
    assert secrets.renewed("slack_bot_token", "xoxb-own", NOW) == "xoxb-own"
    assert len(ssm.readings) == 1


def test_without_a_prefix_nothing_of_aws_is_needed() -> None:
    """Whoever sets the secrets themselves needs neither region nor keys."""
    secrets = Secrets(Settings(slack_bot_token="xoxb-own"), "slack_bot_token")
    assert secrets.get("slack_bot_token", NOW) == "xoxb-own"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"secrets_prefix": ""},
            "not set in the environment: SLACK_BOT_TOKEN, OPENROUTER_API_KEY",
        ),
        ({"secrets_prefix": "penny"}, "SECRETS_PREFIX: must be a path such as /penny/dev"),
        ({"aws_region": ""}, "AWS_REGION: must be the name of a region, such as eu-central-1"),
        ({"aws_region": "evil.example/"}, "AWS_REGION: must be the name of a region, such as eu-central-1"),
        ({"aws_access_key_id": ""}, "not set in the environment: AWS_ACCESS_KEY_ID"),
        ({"aws_endpoint_url": "localhost"}, "AWS_ENDPOINT_URL: must be a URL that starts with http:"),
    ],
)
def test_a_setting_that_is_wrong_is_named(ssm: LoopbackSqs, changes: dict[str, str], told: str) -> None:
    """The operator is told which variable to mend, before anything is asked."""
    with pytest.raises(SettingsError) as refused:
        Secrets(settings_for(ssm, **changes), "slack_bot_token", "openrouter_api_key")
    assert str(refused.value).startswith(told)


def test_a_prefix_may_end_in_a_slash(ssm: LoopbackSqs) -> None:
    """It is a path, and people end those either way."""
    assert worker_secrets(ssm, secrets_prefix="/penny/dev/").get("slack_bot_token", NOW) == "xoxb-1"


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-eusc"])
def test_ssm_is_called_where_botocore_calls_it(partition: str) -> None:
    """In every cloud that is open to the public."""
    session = botocore.session.get_session()
    session.set_credentials("test", "test")
    regions = [r for r in session.get_available_regions("ssm", partition) if "fips" not in r]
    assert regions
    for region in regions[:2]:
        assert ssm_url(region) == session.create_client("ssm", region).meta.endpoint_url


# What comes back


def test_white_space_around_a_value_is_not_part_of_it(ssm: LoopbackSqs) -> None:
    """A key that was pasted with its line end works."""
    ssm.parameters[TOKEN] = " xoxb-1\r\n"
    assert worker_secrets(ssm).get("slack_bot_token", NOW) == "xoxb-1"


@pytest.mark.parametrize("value", ["", "  \n", "xoxb-\n-1", "xoxb-…", "xoxb\x00", 7, None, ["xoxb-1"]])
def test_a_value_that_can_be_no_secret_is_none(ssm: LoopbackSqs, value: Any) -> None:
    """An empty one would let everyone in, and no header can carry the others; none is shown."""
    ssm.parameters[TOKEN] = value
    told = refusal(worker_secrets(ssm))
    assert told.startswith(f"{TOKEN}: ")
    assert told.endswith("`make secrets STAGE=dev` sets it")
    assert "xoxb" not in told


def test_a_parameter_that_is_missing_is_named_with_the_command_that_sets_it(ssm: LoopbackSqs) -> None:
    """What is there can be used all the same."""
    del ssm.parameters[KEY]
    secrets = worker_secrets(ssm)
    told = refusal(secrets, "openrouter_api_key")
    assert told == f"{KEY}: is not in SSM; `make secrets STAGE=dev` sets it"
    assert secrets.get("slack_bot_token", NOW) == "xoxb-1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b"{}",
        b'{"Parameters": null}',
        b'{"Parameters": {"Name": "x"}}',
        b'{"Parameters": [null, 7, [], {}, {"Name": ["a"], "Value": "b"}, {"Name": "/other", "Value": "b"}]}',
    ],
)
def test_an_answer_that_no_one_can_read_holds_nothing(ssm: LoopbackSqs, body: bytes) -> None:
    """Whatever SSM answers, the reading ends in order."""
    ssm.script.append(Answer(body=body))
    assert refusal(worker_secrets(ssm)).startswith(f"{TOKEN}: is not in SSM")


# When SSM does not answer


def test_a_refusal_is_named_with_its_parameters(ssm: LoopbackSqs) -> None:
    """The operator learns which parameters, and AWS's own word for what is wrong."""
    error = {"__type": "AccessDeniedException", "Message": "User: arn:aws:sts::1:assumed-role/x is not"}
    ssm.script.append(Answer(400, json.dumps(error).encode()))
    assert refusal(worker_secrets(ssm)) == f"{TOKEN}, {KEY}: GetParameters: HTTP 400 AccessDeniedException"


def test_a_failure_is_remembered_for_a_second(ssm: LoopbackSqs) -> None:
    """Whoever makes us need a secret that cannot be had does not make us ask each time."""
    del ssm.parameters[TOKEN]
    secrets = worker_secrets(ssm)
    told = {refusal(secrets, now=NOW + tenth / 10) for tenth in range(10)}
    assert len(told) == len(ssm.readings) == 1
    ssm.parameters[TOKEN] = "xoxb-1"
    assert secrets.get("slack_bot_token", NOW + 1) == "xoxb-1"


def test_a_clock_that_was_set_back_does_not_keep_us_waiting(ssm: LoopbackSqs) -> None:
    """A failure that lies in the future is not remembered."""
    ssm.script.append(Answer(400, b"{}"))
    secrets = worker_secrets(ssm)
    refusal(secrets)
    assert secrets.get("slack_bot_token", NOW - 3600) == "xoxb-1"


@pytest.mark.parametrize("stumble", [Drop(), Answer(503, b"busy")])
def test_one_stumble_is_forgiven(ssm: LoopbackSqs, stumble: Answer | Drop) -> None:
    """A connection that broke and an error of SSM's own are tried once more."""
    ssm.script.append(stumble)
    assert worker_secrets(ssm).get("slack_bot_token", NOW) == "xoxb-1"


def test_ssm_that_is_asked_too_often_is_asked_again(ssm: LoopbackSqs) -> None:
    """Many containers that start at once come in turn."""
    ssm.script.extend([Answer(400, b'{"__type": "ThrottlingException"}')] * 2)
    assert worker_secrets(ssm, give_up_after_s=5).get("slack_bot_token", NOW) == "xoxb-1"
    assert len(ssm.readings) == 3


def test_a_throttled_reading_ends_in_time(ssm: LoopbackSqs) -> None:
    """Who waits in turn does not wait for ever."""
    ssm.script.extend([Answer(400, b'{"__type": "ThrottlingException"}')] * 50)
    began = time.monotonic()
    assert "ThrottlingException" in refusal(worker_secrets(ssm, give_up_after_s=0.3))
    assert time.monotonic() - began < 1.5


def test_silence_is_given_up_on_in_time(ssm: LoopbackSqs) -> None:
    """Slack's three seconds must not end while we wait for SSM."""
    ssm.script.extend([Hang(), Hang()])
    began = time.monotonic()
    assert refusal(worker_secrets(ssm, give_up_after_s=0.2)).endswith("GetParameters: TimeoutError")
    assert time.monotonic() - began < 1.5


# A secret that was refused


def test_a_changed_secret_takes_the_place_of_the_refused_one(ssm: LoopbackSqs) -> None:
    """One reading brings all that changed, also for those who come late with the old one."""
    secrets = worker_secrets(ssm)
    secrets.get("slack_bot_token", NOW)
    ssm.parameters |= {TOKEN: "xoxb-2", KEY: "sk-or-2"}
    assert secrets.get("slack_bot_token", NOW + 1e6) == "xoxb-1"
    assert secrets.renewed("slack_bot_token", "xoxb-1", NOW) == "xoxb-2"
    assert secrets.get("slack_bot_token", NOW) == "xoxb-2"
    assert secrets.renewed("openrouter_api_key", "sk-or-1", NOW) == "sk-or-2"
    assert secrets.renewed("slack_bot_token", "xoxb-1", NOW + 120) == "xoxb-2"
    assert len(ssm.readings) == 2


def test_a_refused_secret_that_did_not_change_is_read_again_once_a_minute(ssm: LoopbackSqs) -> None:
    """However often it is refused."""
    secrets = worker_secrets(ssm)
    secrets.get("slack_bot_token", NOW)
    for second in range(121):
        assert secrets.renewed("slack_bot_token", "xoxb-1", NOW + second) == "xoxb-1"
    assert len(ssm.readings) == 1 + 3


def test_what_cannot_be_read_again_is_kept(ssm: LoopbackSqs) -> None:
    """An outage of SSM takes nothing away, and neither does a parameter that was deleted."""
    secrets = worker_secrets(ssm)
    secrets.get("slack_bot_token", NOW)
    ssm.script.append(Answer(400, b"{}"))
    with pytest.raises(SecretsUnavailable):
        secrets.renewed("slack_bot_token", "xoxb-1", NOW)
    ssm.parameters.clear()
    with pytest.raises(SecretsUnavailable, match="is not in SSM"):
        secrets.renewed("slack_bot_token", "xoxb-1", NOW + 60)
    assert secrets.get("slack_bot_token", NOW + 60) == "xoxb-1"


def test_threads_that_are_refused_together_read_once(ssm: LoopbackSqs) -> None:
    """All of them go on with the new secret."""
    secrets = worker_secrets(ssm)
    secrets.get("slack_bot_token", NOW)
    ssm.parameters[TOKEN] = "xoxb-2"
    told: list[str] = []

    def be_refused() -> None:
        told.append(secrets.renewed("slack_bot_token", "xoxb-1", NOW))

    threads = [threading.Thread(target=be_refused) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == ["xoxb-2"] * 8
    assert len(ssm.readings) == 2


def test_no_connection_is_kept_after_a_reading(ssm: LoopbackSqs) -> None:
    """By the next reading it would have died without a word."""
    secrets = worker_secrets(ssm)
    secrets.get("slack_bot_token", NOW)
    secrets.renewed("slack_bot_token", "xoxb-1", NOW)
    assert [received.connection for received in ssm.received] == [0, 1]


def test_secrets_are_not_shown(ssm: LoopbackSqs) -> None:
    """Who prints the secrets, or the settings they came from, sees names alone."""
    secrets = worker_secrets(ssm, slack_bot_token="xoxb-own")
    secrets.get("openrouter_api_key", NOW)
    shown = f"{secrets!r} {secrets} {settings_for(ssm, slack_bot_token='xoxb-own')!r}"
    assert not [value for value in ("xoxb-own", "sk-or-1", "a-secret", "a-token") if value in shown]


# A local AWS


def test_ssm_of_a_local_aws_gives_us_what_it_gives_boto3(aws: LocalAws) -> None:
    """A SecureString comes decrypted, and what is not there is not there for both."""
    client = boto3.Session("test", "test", region_name=aws.region).client("ssm", endpoint_url=aws.url)
    names = [f"/penny/secrets-test/{name}" for name in ("SLACK_BOT_TOKEN", "OPENROUTER_API_KEY")]
    client.put_parameter(Name=names[0], Value="xoxb-local", Type="SecureString")
    theirs = client.get_parameters(Names=names, WithDecryption=True)
    settings = Settings(
        secrets_prefix="/penny/secrets-test",
        aws_endpoint_url=aws.url,
        aws_region=aws.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    secrets = Secrets(settings, "slack_bot_token", "openrouter_api_key")
    assert secrets.get("slack_bot_token", NOW) == theirs["Parameters"][0]["Value"] == "xoxb-local"
    [missing] = theirs["InvalidParameters"]
    assert refusal(secrets, "openrouter_api_key").startswith(f"{missing}: is not in SSM")
    client.put_parameter(Name=names[0], Value="xoxb-newer", Type="SecureString", Overwrite=True)
    assert secrets.renewed("slack_bot_token", "xoxb-local", NOW) == "xoxb-newer"
    client.close()
