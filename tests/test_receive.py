"""Requests to `receive`, signed and unsigned, and what comes back, goes on the queue and into the log."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.adapters.gateway import request_from
from router.domain.job import Job
from router.receive import get_ready, receive
from router.settings import Settings
from tests.loopback_sqs import Answer, Hang, LoopbackSqs
from tests.slack_requests import (
    FORM,
    JSON,
    SECRET,
    command_body,
    event_body,
    lambda_event,
    mention,
    message,
    press_body,
    signature_of,
)

if TYPE_CHECKING:
    from playground.aws import LocalAws

UNREACHABLE = "http://127.0.0.1:1/1/penny.fifo"


def settings_for(url: str, **changes: str) -> Settings:
    """Make the settings of a deployed `receive`."""
    settings = Settings(
        slack_signing_secret=SECRET,
        queue_url=url,
        aws_region="eu-central-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="a-secret",
        aws_session_token="a-token",
    )
    return dataclasses.replace(settings, **changes)


def send(event: Any, settings: Settings, now: float | None = None) -> dict[str, Any]:
    """Hand an event of Lambda's to `receive`, as the entry point does."""
    return receive(request_from(event), settings, now or time.time()).to_payload()


def logged(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the one line that was logged."""
    [line] = capsys.readouterr().out.splitlines()
    fields: dict[str, Any] = json.loads(line)
    return fields


def jobs(sqs: LoopbackSqs) -> list[Job]:
    """Read the jobs that were sent."""
    return [Job.from_text(received.fields["MessageBody"]) for received in sqs.jobs]


# What Slack signed


@pytest.mark.parametrize("base64_encoded", [False, True])
@pytest.mark.parametrize(
    ("body", "content_type", "group"),
    [
        (event_body(mention("Grüße 🙂")), JSON, "C0001:1700000000.000100"),
        (event_body(message("twin")), JSON, "C0001:1700000000.000100"),
        (command_body(trigger_id="1.2.abc"), FORM, "1.2.abc"),
        (press_body(), FORM, "1700000001.000200:U0ADA"),
    ],
)
def test_a_request_goes_on_the_queue_as_slack_sent_it(
    sqs: LoopbackSqs, body: str, content_type: str, group: str, base64_encoded: bool
) -> None:
    """Slack gets an empty 200, the worker the request to the letter."""
    event = lambda_event(body, content_type, base64_encoded=base64_encoded, x_slack_retry_num="2")
    answer = send(event, settings_for(sqs.queue_url), now=time.time())
    assert (answer["statusCode"], answer["body"]) == (200, "")
    [job] = jobs(sqs)
    assert (job.content_type, job.body, job.retry_num) == (content_type, body, 2)
    assert abs(job.received_at - time.time()) < 60
    assert sqs.received[0].fields["MessageGroupId"] == group


def test_the_queue_is_called_with_the_functions_own_keys(sqs: LoopbackSqs) -> None:
    """Keys and token that Lambda renewed are used from the next request on."""
    send(lambda_event(event_body(mention())), settings_for(sqs.queue_url))
    send(lambda_event(event_body(mention())), settings_for(sqs.queue_url, aws_session_token="renewed"))
    assert [received.headers["x-amz-security-token"] for received in sqs.received] == ["a-token", "renewed"]


def test_a_second_request_finds_the_connection_open(sqs: LoopbackSqs) -> None:
    """A warm function saves the way to make one."""
    for _ in range(3):
        send(lambda_event(event_body(mention())), settings_for(sqs.queue_url))
    assert [received.connection for received in sqs.received] == [0, 0, 0]


def test_getting_ready_asks_for_nothing(sqs: LoopbackSqs) -> None:
    """A start needs neither the queue nor settings; what is missing is told to the request that needs it."""
    get_ready(Settings())
    get_ready(settings_for(sqs.queue_url))
    assert sqs.connections == []
    assert send(lambda_event(event_body(mention())), settings_for(sqs.queue_url))["statusCode"] == 200


@pytest.mark.parametrize("header", ["", "0", "4", "-1", "1e3", "²", "9" * 5000])
def test_a_retry_number_that_slack_never_sends_counts_as_none(sqs: LoopbackSqs, header: str) -> None:
    """It is for people to look at and stops nothing."""
    answer = send(lambda_event(event_body(mention()), x_slack_retry_num=header), settings_for(sqs.queue_url))
    assert answer["statusCode"] == 200
    assert jobs(sqs)[0].retry_num == 0


def test_a_message_that_cannot_be_read_is_queued_with_a_word_in_the_log(
    sqs: LoopbackSqs, capsys: pytest.CaptureFixture[str]
) -> None:
    """The worker parks it; the log already says why it will."""
    answer = send(lambda_event(event_body(mention(ts=None))), settings_for(sqs.queue_url))
    assert answer["statusCode"] == 200
    assert len(jobs(sqs)) == 1
    assert logged(capsys)["reason"].startswith("event.ts: ")


def test_a_challenge_gets_its_word_back() -> None:
    """Slack accepts the address of an app that answers so."""
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aBm"})
    answer = send(lambda_event(body), settings_for(UNREACHABLE))
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "application/json"
    assert json.loads(answer["body"]) == {"challenge": "3eZbrw1aBm"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (event_body({"type": "reaction_added"}), JSON),
        (event_body(message(bot_id="B0001")), JSON),
        (event_body(message(subtype="message_changed", hidden=True)), JSON),
        (json.dumps({"type": "app_rate_limited"}), JSON),
        (press_body(type="view_closed"), FORM),
        (urlencode({"ssl_check": "1"}), FORM),
    ],
)
def test_what_is_not_for_us_is_acknowledged_without_the_queue(body: str, content_type: str) -> None:
    """Slack gets its 200, also while the queue is away."""
    answer = send(lambda_event(body, content_type), settings_for(UNREACHABLE))
    assert (answer["statusCode"], answer["body"]) == (200, "")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", JSON),
        ("[]", JSON),
        ("[" * 100_000, JSON),
        ("a=b", FORM),
        (b"\xff\xfe{}", JSON),
        (b"payload=\xff", FORM),
        (event_body(mention()), "text/plain"),
        (event_body(mention()), ""),
    ],
)
def test_signed_garbage_is_told_to_be_a_bad_request(body: str | bytes, content_type: str) -> None:
    """Nothing that Slack never sends makes the function fail."""
    answer = send(lambda_event(body, content_type, base64_encoded=True), settings_for(UNREACHABLE))
    assert answer["statusCode"] == 400


def test_a_request_too_long_for_the_queue_is_a_bad_request(capsys: pytest.CaptureFixture[str]) -> None:
    """SQS is not asked to take what it cannot."""
    noise = "".join(chr(0x4E00 + (7919 * n * n + n) % 20_000) for n in range(900_000))
    answer = send(lambda_event(event_body(mention(noise))), settings_for(UNREACHABLE))
    assert answer["statusCode"] == 400
    assert logged(capsys)["reason"] == "body: too long for the queue"


# What Slack did not sign


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    """Take headers away from an event."""
    kept = {name: value for name, value in event["headers"].items() if name not in names}
    return event | {"headers": kept}


def unsigned_events() -> dict[str, Any]:
    """Make events that no signature covers, by what is wrong with them."""
    body = event_body(mention())
    good = lambda_event(body)
    return {
        "no signature": without(good, "x-slack-signature"),
        "no timestamp": without(good, "x-slack-request-timestamp"),
        "no headers": good | {"headers": {}},
        "headers null": good | {"headers": None},
        "headers a list": good | {"headers": ["x-slack-signature"]},
        "another secret": lambda_event(body, x_slack_signature=signature_of(body.encode(), "1", "guessed")),
        "another body": good | {"body": body.replace("hello", "goodbye")},
        "no body": {name: value for name, value in good.items() if name != "body"},
        "body null": good | {"body": None},
        "body an object": good | {"body": {"type": "url_verification"}},
        "body a lone surrogate": good | {"body": "\ud800"},
        "invalid base64": good | {"body": "%%%", "isBase64Encoded": True},
        "non-ASCII base64": good | {"body": "ümläut", "isBase64Encoded": True},
        "base64 without the flag": lambda_event(body, base64_encoded=True) | {"isBase64Encoded": None},
        "signature empty": lambda_event(body, x_slack_signature=""),
        "signature not ASCII": lambda_event(body, x_slack_signature="v0=ä\ud800"),
        "signature of another version": lambda_event(body, x_slack_signature="v1=00"),
        "signature twice": lambda_event(
            body, x_slack_signature=", ".join([good["headers"]["x-slack-signature"]] * 2)
        ),
        "unsigned challenge": without(
            lambda_event(json.dumps({"type": "url_verification", "challenge": "x"})), "x-slack-signature"
        ),
        "unsigned check of the certificate": without(
            lambda_event(urlencode({"ssl_check": "1"}), FORM), "x-slack-signature"
        ),
        "unsigned garbage": without(lambda_event("[" * 100_000), "x-slack-signature"),
    }


@pytest.mark.parametrize("flaw", list(unsigned_events()))
def test_nothing_unsigned_gets_past(sqs: LoopbackSqs, capsys: pytest.CaptureFixture[str], flaw: str) -> None:
    """Whoever cannot sign learns nothing but that, and writes nowhere but one line in the log."""
    answer = send(unsigned_events()[flaw], settings_for(sqs.queue_url))
    assert answer == {"statusCode": 401, "headers": {}, "body": ""}
    assert sqs.received == []
    assert logged(capsys)["outcome"] == "unsigned"


@pytest.mark.parametrize(
    "timestamp",
    ["", "soon", " 17", "17 ", "+17", "1_7", "17.0", "0x11", "\u0661\u0667", "1\u00b2", "nan", "9" * 5000],
)
def test_a_timestamp_that_is_no_number_is_unsigned(timestamp: str) -> None:
    """A right signature over nonsense is none, however near to a number it comes."""
    body = event_body({"type": "reaction_added"})
    signature = signature_of(body.encode(), timestamp)
    event = lambda_event(body, x_slack_request_timestamp=timestamp, x_slack_signature=signature)
    assert send(event, settings_for(UNREACHABLE), now=17.0)["statusCode"] == 401


@pytest.mark.parametrize(
    ("age_s", "status"), [(0, 200), (299, 200), (-299, 200), (301, 401), (-301, 401), (1e9, 401)]
)
def test_a_signature_holds_for_five_minutes_either_way(age_s: float, status: int) -> None:
    """An overheard request cannot be played again later, and clocks may differ a little."""
    body = event_body({"type": "reaction_added"})
    event = lambda_event(body, x_slack_request_timestamp="1700000000")
    event["headers"]["x-slack-signature"] = signature_of(body.encode(), "1700000000")
    assert send(event, settings_for(UNREACHABLE), now=1700000000 + age_s)["statusCode"] == status


def test_the_case_of_header_names_does_not_matter() -> None:
    """HTTP's own rule."""
    event = lambda_event(event_body({"type": "reaction_added"}))
    event["headers"] = {name.title(): value for name, value in event["headers"].items()}
    assert send(event, settings_for(UNREACHABLE))["statusCode"] == 200


def test_an_empty_secret_lets_no_one_in(capsys: pytest.CaptureFixture[str]) -> None:
    """Everyone could sign with it; the operator is told what is missing, and Slack to come again."""
    body = event_body(mention())
    timestamp = str(int(time.time()))
    signature = signature_of(body.encode(), timestamp, "")
    event = lambda_event(body, x_slack_signature=signature, x_slack_request_timestamp=timestamp)
    answer = send(event, settings_for(UNREACHABLE, slack_signing_secret=""))
    assert answer["statusCode"] == 503
    line = logged(capsys)
    assert (line["outcome"], line["reason"]) == (
        "misconfigured",
        "not set in the environment: SLACK_SIGNING_SECRET",
    )


# Our secret in SSM

PARAMETER = "/penny/dev/SLACK_SIGNING_SECRET"
OTHER_SECRET = "0123456789abcdef0123456789abcdef"


def settings_in_ssm(sqs: LoopbackSqs, **changes: str) -> Settings:
    """Make the settings of a `receive` without a secret in its environment, and put one into SSM."""
    sqs.parameters.setdefault(PARAMETER, SECRET)
    elsewhere = {"slack_signing_secret": "", "secrets_prefix": "/penny/dev", "aws_endpoint_url": sqs.url}
    return settings_for(sqs.queue_url, **elsewhere | changes)


def signed_with(secret: str, age_s: float = 0) -> dict[str, Any]:
    """Make a request that was signed with `secret` so long ago."""
    body = event_body(mention())
    timestamp = str(int(time.time() - age_s))
    signature = signature_of(body.encode(), timestamp, secret)
    return lambda_event(body, x_slack_request_timestamp=timestamp, x_slack_signature=signature)


def test_our_secret_is_read_once_and_no_other(sqs: LoopbackSqs) -> None:
    """The function asks SSM for the one that it may read, with its first request."""
    settings = settings_in_ssm(sqs)
    assert [send(signed_with(SECRET), settings)["statusCode"] for _ in range(3)] == [200] * 3
    assert sqs.readings == [[PARAMETER]]
    assert len(jobs(sqs)) == 3


def test_a_secret_in_the_environment_is_the_one_that_counts(sqs: LoopbackSqs) -> None:
    """SSM is not asked, also not for a signature that fails."""
    settings = settings_in_ssm(sqs, slack_signing_secret=OTHER_SECRET)
    assert send(signed_with(OTHER_SECRET), settings)["statusCode"] == 200
    assert send(signed_with(SECRET), settings)["statusCode"] == 401
    assert sqs.readings == []


@pytest.mark.parametrize(("name", "readings"), [("penny-dev-receive", 1), ("penny-dev-answer", 0), ("", 0)])
def test_the_secret_is_read_as_the_function_starts(sqs: LoopbackSqs, name: str, readings: int) -> None:
    """Not by other functions that load the same module: they may not read it."""
    settings = settings_in_ssm(sqs, aws_lambda_function_name=name)
    get_ready(settings)
    assert len(sqs.readings) == readings
    assert send(signed_with(SECRET), settings)["statusCode"] == 200
    assert len(sqs.readings) == 1


def test_a_start_without_the_secret_is_told_to_the_request(sqs: LoopbackSqs) -> None:
    """Getting ready never fails, and what failed then is made up for."""
    settings = settings_in_ssm(sqs, aws_lambda_function_name="penny-dev-receive")
    del sqs.parameters[PARAMETER]
    get_ready(settings)
    assert send(signed_with(SECRET), settings)["statusCode"] == 503
    sqs.parameters[PARAMETER] = SECRET
    assert send(signed_with(SECRET), settings, now=time.time() + 2)["statusCode"] == 200


def test_a_new_secret_needs_no_deploy(sqs: LoopbackSqs) -> None:
    """The first request that is signed with it has it read; from then on the old one signs nothing."""
    settings = settings_in_ssm(sqs)
    assert send(signed_with(SECRET), settings)["statusCode"] == 200
    sqs.parameters[PARAMETER] = OTHER_SECRET
    assert send(signed_with(SECRET), settings)["statusCode"] == 200
    assert send(signed_with(OTHER_SECRET), settings)["statusCode"] == 200
    assert send(signed_with(SECRET), settings)["statusCode"] == 401
    assert len(jobs(sqs)) == 3
    assert len(sqs.readings) == 2


def test_forgers_do_not_keep_us_reading(sqs: LoopbackSqs) -> None:
    """One reading a minute, however many of them come; and each of them gets 401."""
    settings, began = settings_in_ssm(sqs), time.time()
    answers = [send(signed_with("guessed"), settings, began + second / 2) for second in range(121)]
    assert {answer["statusCode"] for answer in answers} == {401}
    assert len(sqs.readings) == 1 + 2


def test_only_a_wrong_signature_has_the_secret_read_again(sqs: LoopbackSqs) -> None:
    """No other secret could make one right that is missing or too old."""
    settings = settings_in_ssm(sqs)
    send(signed_with(SECRET), settings)
    for event in (
        without(signed_with(OTHER_SECRET), "x-slack-signature"),
        without(signed_with(OTHER_SECRET), "x-slack-request-timestamp"),
        signed_with(OTHER_SECRET, age_s=400),
    ):
        assert send(event, settings)["statusCode"] == 401
    assert len(sqs.readings) == 1


def test_a_missing_secret_is_named_with_the_command_that_sets_it(
    sqs: LoopbackSqs, capsys: pytest.CaptureFixture[str]
) -> None:
    """Slack comes again, and the operator reads in the log what to do."""
    settings = settings_in_ssm(sqs)
    del sqs.parameters[PARAMETER]
    assert send(signed_with(SECRET), settings)["statusCode"] == 503
    line = logged(capsys)
    assert line["outcome"] == "secrets_unavailable"
    assert line["reason"] == f"{PARAMETER}: is not in SSM; `make secrets STAGE=dev` sets it"
    assert jobs(sqs) == []


def test_without_ssm_slack_is_told_to_come_again(
    sqs: LoopbackSqs, capsys: pytest.CaptureFixture[str]
) -> None:
    """The parameter is in the log, and a request is never taken unverified."""
    settings = settings_in_ssm(sqs, aws_endpoint_url="http://127.0.0.1:1")
    assert send(signed_with(SECRET), settings)["statusCode"] == 503
    assert logged(capsys)["reason"] == f"{PARAMETER}: GetParameters: ConnectionRefusedError"
    assert jobs(sqs) == []


def test_the_secret_is_never_logged(sqs: LoopbackSqs, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the old one nor the new one, whatever becomes of a request."""
    settings = settings_in_ssm(sqs)
    send(signed_with(SECRET), settings)
    sqs.parameters[PARAMETER] = f"{OTHER_SECRET}\nsecond line"
    send(signed_with(OTHER_SECRET), settings)
    sqs.parameters[PARAMETER] = OTHER_SECRET
    send(signed_with(OTHER_SECRET), settings, now=time.time() + 61)
    written = capsys.readouterr().out
    assert [json.loads(line)["outcome"] for line in written.splitlines()] == [
        "queued",
        "secrets_unavailable",
        "queued",
    ]
    assert SECRET not in written
    assert OTHER_SECRET not in written


# What is no request of Slack's at all


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "", None, 7, "POSTER"])
def test_only_a_post_is_taken(method: Any) -> None:
    """Anything else is told so, whether signed or not."""
    event = lambda_event(event_body(mention())) | {"requestContext": {"http": {"method": method}}}
    answer = send(event, settings_for(UNREACHABLE))
    assert (answer["statusCode"], answer["headers"]) == (405, {"allow": "POST"})


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "event",
        7,
        {},
        {"requestContext": None},
        {"requestContext": {"http": "POST"}},
        {"Records": []},
    ],
)
def test_an_event_that_is_not_http_has_an_answer(event: Any) -> None:
    """A test event from the console does no harm."""
    assert send(event, settings_for(UNREACHABLE))["statusCode"] == 405


@given(
    headers=st.dictionaries(
        st.sampled_from(["x-slack-signature", "x-slack-request-timestamp", "content-type"])
        | st.text(max_size=5),
        st.text(max_size=10) | st.none() | st.integers(),
    ),
    body=st.none() | st.text(max_size=50) | st.integers(),
    is_base64=st.none() | st.booleans() | st.text(max_size=3),
)
def test_no_stranger_gets_anything_but_401(headers: Any, body: Any, is_base64: Any) -> None:
    """Whatever is posted without the secret is answered alike."""
    event = lambda_event("") | {"headers": headers, "body": body, "isBase64Encoded": is_base64}
    assert send(event, settings_for(UNREACHABLE))["statusCode"] == 401


# When the queue does not take it


def test_without_the_queue_slack_is_told_to_come_again(
    sqs: LoopbackSqs, capsys: pytest.CaptureFixture[str]
) -> None:
    """A request is never acknowledged before it is safe."""
    error = {"__type": "com.amazonaws.sqs#AccessDeniedException", "message": "no"}
    sqs.script.append(Answer(403, json.dumps(error).encode()))
    answer = send(lambda_event(event_body(mention())), settings_for(sqs.queue_url))
    assert answer["statusCode"] == 503
    assert int(answer["headers"]["retry-after"]) >= 0
    line = logged(capsys)
    assert line["outcome"] == "queue_unavailable"
    assert line["kind"] == "app_mention"
    assert line["reason"] == "SendMessage: HTTP 403 AccessDeniedException"


def test_a_silent_queue_is_told_before_slack_stops_waiting(sqs: LoopbackSqs) -> None:
    """Slack waits three seconds, and gets a 503 well within them."""
    sqs.script.extend([Hang(), Hang()])
    began = time.monotonic()
    answer = send(lambda_event(event_body(mention())), settings_for(sqs.queue_url))
    assert answer["statusCode"] == 503
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ({"queue_url": ""}, "QUEUE_URL"),
        ({"queue_url": "penny.fifo"}, "QUEUE_URL"),
        ({"aws_region": ""}, "AWS_REGION"),
        ({"aws_access_key_id": ""}, "AWS_ACCESS_KEY_ID"),
        ({"aws_secret_access_key": ""}, "AWS_SECRET_ACCESS_KEY"),
        ({"aws_endpoint_url": "localhost:4566"}, "AWS_ENDPOINT_URL"),
    ],
)
def test_a_missing_setting_is_named(
    capsys: pytest.CaptureFixture[str], missing: dict[str, str], told: str
) -> None:
    """The operator is told which variable, and Slack to come again."""
    answer = send(lambda_event(event_body(mention())), settings_for(UNREACHABLE, **missing))
    assert answer["statusCode"] == 503
    line = logged(capsys)
    assert line["outcome"] == "misconfigured"
    assert told in line["reason"]


# The log


def test_one_line_tells_what_became_of_a_request(
    sqs: LoopbackSqs, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the job as SQS and the worker do, and takes nothing from what people wrote."""
    event = lambda_event(event_body(mention("my secret plan")))
    send(event, settings_for(sqs.queue_url))
    line = logged(capsys)
    assert line.pop("ms") >= 0
    assert line == {"at": "receive", "outcome": "queued", "kind": "app_mention", "job": "m-1"}


@pytest.mark.parametrize(
    "body",
    [event_body(mention("my secret plan")), event_body(mention("my secret plan", ts=None)), "my secret plan"],
)
def test_neither_words_nor_secrets_are_logged(capsys: pytest.CaptureFixture[str], body: str) -> None:
    """Message text, token, signature, signing secret and keys stay out of the log, also when things fail."""
    event = lambda_event(body)
    send(event, settings_for(UNREACHABLE))
    send(event | {"body": "my secret plan"}, settings_for(UNREACHABLE))
    written = "".join(capsys.readouterr())
    secrets = [
        "secret plan",
        "gone-out-of-use",
        SECRET,
        "a-secret",
        "a-token",
        event["headers"]["x-slack-signature"],
    ]
    assert [secret for secret in secrets if secret in written] == []


# A local AWS


def test_one_post_delivered_as_both_events_and_again_is_one_job(aws: LocalAws) -> None:
    """Two event ids, two deliveries each: the worker is handed one."""
    client = boto3.Session("test", "test", region_name=aws.region).client("sqs", endpoint_url=aws.url)
    url = client.create_queue(QueueName="receive.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    settings = settings_for(url, aws_endpoint_url=aws.url, aws_region=aws.region)
    for event in (mention(), message(), mention(), message()):
        body = event_body(event, event_id=f"Ev{event['type']}")
        assert send(lambda_event(body), settings)["statusCode"] == 200
    received = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    client.close()
    assert [json.loads(Job.from_text(job["Body"]).body)["event"]["type"] for job in received] == [
        "app_mention"
    ]
