"""`make redrive`: dead letters are listed with their reasons and moved back once, in order; none is lost."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from deploy.redrive import DONE, FAILED, main
from playground.aws import LocalAws
from playground.stack import StackNames, create_stack
from tests.loopback_sqs import Answer, LoopbackSqs

_stages = itertools.count(1)

Park = Callable[..., str]


@pytest.fixture
def environment(aws: LocalAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set what AWS's tools read, so that nothing of this machine's is used."""
    for name in [*os.environ]:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    wanted = {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_REGION": aws.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def stage(worker_id: str) -> str:
    """Name a stage of this test's own."""
    return f"redrive-{worker_id}-{next(_stages)}"


@pytest.fixture
def names(aws: LocalAws, stage: str, environment: None) -> StackNames:  # noqa: ARG001 - what it sets is needed
    """Make the stage's queues."""
    return create_stack(aws.url, stage)


@pytest.fixture
def sqs_client(aws: LocalAws) -> Any:
    """Make a client of our own."""
    return boto3.Session("test", "test", region_name=aws.region).client("sqs", endpoint_url=aws.url)


@pytest.fixture
def park(sqs_client: Any, names: StackNames) -> Park:
    """Put a job into the dead-letter queue, as a worker does, or without a reason, as SQS does."""

    def put(
        body: str, group: str = "C1:1.1", reason: str = "unavailable: the table", job: str = "j-1"
    ) -> str:
        words = {"reason": reason, "job": job}
        answer = sqs_client.send_message(
            QueueUrl=names.dead_letter_queue_url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=f"{group}{body}",
            MessageAttributes={
                k: {"DataType": "String", "StringValue": v} for k, v in words.items() if reason
            },
        )
        return str(answer["MessageId"])

    return put


def received(sqs_client: Any, url: str) -> list[dict[str, Any]]:
    """Take everything that a queue hands out now."""
    messages: list[dict[str, Any]] = []
    while answer := sqs_client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]
    ).get("Messages"):
        messages += answer
    return messages


def test_moved_back(
    sqs_client: Any, names: StackNames, park: Park, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each dead letter goes back to the queue of jobs as it was, in its group, told with its reason."""
    park("first", "C1:1.1")
    park("second", "C2:2.2", reason="malformed: job: not JSON", job="j-2")

    assert main(["--stage", stage]) == DONE

    jobs = received(sqs_client, names.queue_url)
    assert {(j["Body"], j["Attributes"]["MessageGroupId"]) for j in jobs} == {
        ("first", "C1:1.1"),
        ("second", "C2:2.2"),
    }
    assert received(sqs_client, names.dead_letter_queue_url) == []
    printed = capsys.readouterr().out
    assert "C1:1.1  unavailable: the table  (job j-1)" in printed
    assert "malformed: job: not JSON  (job j-2)" in printed
    assert printed.endswith("2 dead letters moved back\n")
    assert "first" not in printed


def test_a_twin_of_the_last_minutes_is_no_hindrance(
    sqs_client: Any, names: StackNames, park: Park, stage: str
) -> None:
    """A job that went through the queue moments ago is not dropped as its own twin."""
    sqs_client.send_message(
        QueueUrl=names.queue_url, MessageBody="job", MessageGroupId="g", MessageDeduplicationId="gjob"
    )
    (first,) = received(sqs_client, names.queue_url)
    sqs_client.delete_message(QueueUrl=names.queue_url, ReceiptHandle=first["ReceiptHandle"])
    park("job", "g")

    assert main(["--stage", stage]) == DONE

    assert [job["Body"] for job in received(sqs_client, names.queue_url)] == ["job"]


def test_a_thread_stays_in_order(sqs_client: Any, names: StackNames, park: Park, stage: str) -> None:
    """Of one group, more than SQS hands out at once, the oldest goes first."""
    bodies = [f"job {number:02}" for number in range(13)]
    for body in bodies:
        park(body, "C1:1.1")

    assert main(["--stage", stage]) == DONE

    moved = []
    while jobs := received(sqs_client, names.queue_url):
        for job in jobs:
            moved.append(job["Body"])
            sqs_client.delete_message(QueueUrl=names.queue_url, ReceiptHandle=job["ReceiptHandle"])
    assert moved == bodies


def test_dry_run(
    sqs_client: Any, names: StackNames, park: Park, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run lists the same and leaves everything where it is, to be received at once and in order."""
    park("first")
    park("second")

    assert main(["--stage", stage, "--dry-run"]) == DONE

    assert "2 dead letters would be moved back" in capsys.readouterr().out
    assert received(sqs_client, names.queue_url) == []
    assert [job["Body"] for job in received(sqs_client, names.dead_letter_queue_url)] == ["first", "second"]


def test_dry_run_counts_what_it_cannot_see(
    park: Park, stage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of one group SQS hands out ten at most; the others are counted."""
    for number in range(12):
        park(f"job {number}")

    assert main(["--stage", stage, "--dry-run"]) == DONE

    assert "10 dead letters would be moved back, and 2 more behind them" in capsys.readouterr().out


def test_nothing_to_do(names: StackNames, stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty dead-letter queue is no error."""
    assert names.queue_url
    assert main(["--stage", stage]) == DONE
    assert capsys.readouterr().out == "0 dead letters moved back\n"


def test_parked_by_the_queue_itself(park: Park, stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What SQS parked has no reason, and that is said."""
    park("job", reason="")

    assert main(["--stage", stage]) == DONE

    assert "no reason given: each time, its worker died" in capsys.readouterr().out


LETTER = {
    "MessageId": "m",
    "ReceiptHandle": "r",
    "Body": "job",
    "Attributes": {"MessageGroupId": "g", "SentTimestamp": "1700000000000"},
}


@pytest.fixture
def script(sqs: LoopbackSqs, monkeypatch: pytest.MonkeyPatch, environment: None) -> Callable[..., None]:
    """Let an SQS of our own give these answers, after those that name the two queues."""
    del environment
    monkeypatch.setenv("AWS_ENDPOINT_URL", sqs.url)

    def extend(*answers: dict[str, Any] | Answer) -> None:
        queue = {"QueueUrl": f"{sqs.url}/000000000000/q.fifo"}
        for answer in (queue, queue, *answers):
            given = answer if isinstance(answer, Answer) else Answer(body=json.dumps(answer).encode())
            sqs.script.append(given)

    return extend


def test_one_that_is_parked_again_is_moved_once(
    sqs: LoopbackSqs, script: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A job that fails again at once comes back while others are moved: it stays, and the command ends."""
    letters = {"Messages": [LETTER]}
    script(letters, {"MessageId": "n"}, {}, letters, {"Messages": []}, {})

    assert main(["--stage", "dev"]) == DONE

    assert [call.action for call in sqs.received[2:]] == [
        "ReceiveMessage",
        "SendMessage",
        "DeleteMessage",
        "ReceiveMessage",
        "ReceiveMessage",
        "ChangeMessageVisibility",
    ]
    assert "1 dead letter moved back, 1 dead letter parked again" in capsys.readouterr().out


def test_what_the_queue_does_not_take_is_not_deleted(
    sqs: LoopbackSqs, script: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A dead letter is deleted after the queue has taken it, and not otherwise."""
    refusal = Answer(400, b'{"__type": "com.amazonaws.sqs#AccessDeniedException", "message": "no"}')
    script({"Messages": [LETTER]}, refusal)

    assert main(["--stage", "dev"]) == FAILED

    assert "DeleteMessage" not in [call.action for call in sqs.received]
    told = capsys.readouterr().err
    assert told.startswith("penny: SendMessage: AccessDenied")
    assert "sqs:SendMessage on the queue of jobs" in told


def test_no_such_stage(environment: None, capsys: pytest.CaptureFixture[str]) -> None:
    """A stage that is not deployed is told as one line, with what would be right."""
    del environment

    assert main(["--stage", "nowhere"]) == FAILED

    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "is it deployed in this region" in told


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("AWS_REGION", "", "set AWS_REGION"),
        ("AWS_ENDPOINT_URL", "nonsense", "write AWS_ENDPOINT_URL like"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9", "is the network up"),
        ("AWS_ACCESS_KEY_ID", "", "set AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_shell_that_is_not_set_up(
    environment: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    remedy: str,
) -> None:
    """What the shell lacks is told as one line, with the remedy and without a traceback."""
    del environment
    monkeypatch.setenv(variable, value) if value else monkeypatch.delenv(variable)

    assert main(["--stage", "dev"]) == FAILED

    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert remedy in told


def test_which_stage(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a stage nothing is moved anywhere."""
    with pytest.raises(SystemExit) as ended:
        main([])

    assert ended.value.code == 2
    assert "--stage" in capsys.readouterr().err
