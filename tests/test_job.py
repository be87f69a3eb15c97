"""A job on its way through the queue."""

from __future__ import annotations

import base64
import json
import random
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.domain.job import Job
from router.errors import MalformedError
from tests.slack_requests import JSON

GOOD = {"v": 1, "content_type": JSON, "body": "{}", "retry_num": 0, "received_at": 1700000000.5}


@given(
    job=st.builds(
        Job,
        content_type=st.text(),
        body=st.text(),
        received_at=st.integers(0, 2**40) | st.floats(0, 2**40),
        retry_num=st.integers(0, 3),
    )
)
def test_a_job_comes_out_of_the_queue_as_it_went_in(job: Job) -> None:
    """Whatever the body holds, its text is plain ASCII and reads as the same job."""
    text = job.to_text()
    assert text.isascii()
    assert text.isprintable()
    assert Job.from_text(text) == job


def test_a_short_job_can_be_read_by_people() -> None:
    """In the queue's console the request stands as Slack sent it."""
    text = Job(JSON, '{"type": "event_callback"}', 1700000000.5, 2).to_text()
    assert json.loads(text) == {
        "v": 1,
        "content_type": JSON,
        "body": '{"type": "event_callback"}',
        "retry_num": 2,
        "received_at": 1700000000.5,
    }


def test_a_long_job_is_compressed() -> None:
    """What would be costly to send, or too long to, is small on the queue and whole afterwards."""
    job = Job(JSON, "ein Wort über viele Wörter 🙂 " * 50_000, 1700000000)
    text = job.to_text()
    assert len(text) < 200_000
    assert json.loads(text)["encoding"] == "zlib+base64"
    assert Job.from_text(text) == job


def test_a_job_that_no_queue_takes_is_refused() -> None:
    """What stays too long when compressed is told before SQS is asked."""
    noise = random.Random(7).randbytes(1_000_000).hex()  # noqa: S311 - noise, not a secret
    with pytest.raises(MalformedError, match="too long"):
        Job(JSON, noise * 2, 1700000000).to_text()


@pytest.mark.parametrize("change", [{"v": 2}, {"v": 10**30}, {"v": 0}, {"v": -1}])
def test_a_newer_job_is_not_guessed_at(change: dict[str, Any]) -> None:
    """A worker of yesterday parks a job of tomorrow instead of misreading it."""
    with pytest.raises(MalformedError, match=r"job\.v: must be 1"):
        Job.from_text(json.dumps(GOOD | change))


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"{}"', "7", "{}", "[" * 200_000, "9" * 5000])
def test_a_text_that_is_no_job_is_malformed(text: str) -> None:
    """Whatever else someone puts on the queue has a reason to be parked with."""
    with pytest.raises(MalformedError, match=r"^job"):
        Job.from_text(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("v", True),
        ("v", "1"),
        ("content_type", None),
        ("body", {"a": 1}),
        ("retry_num", "1"),
        ("retry_num", 1.5),
        ("received_at", "now"),
        ("received_at", True),
        ("received_at", float("nan")),
        ("received_at", float("inf")),
        ("encoding", "gzip"),
        ("encoding", None),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(field: str, value: Any) -> None:
    """The reason names the field and never the value."""
    with pytest.raises(MalformedError, match=rf"^job\.{field}: must be "):
        Job.from_text(json.dumps(GOOD | {field: value}))


@pytest.mark.parametrize("field", sorted(GOOD))
def test_a_field_that_is_missing_is_named(field: str) -> None:
    """No field has a silent default."""
    with pytest.raises(MalformedError, match=rf"^job\.{field}: must be "):
        Job.from_text(json.dumps({name: value for name, value in GOOD.items() if name != field}))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no base64!",
        "naïve",
        base64.b64encode(b"not zlib").decode(),
        base64.b64encode(zlib.compress(b"\xff\xfe")).decode(),
        base64.b64encode(zlib.compress(b"cut short" * 100)[:-5]).decode(),
        base64.b64encode(zlib.compress(bytes(50_000_000))).decode(),
    ],
)
def test_a_body_that_does_not_unpack_is_malformed(body: str) -> None:
    """Neither damage nor a bomb gets further than its reason."""
    with pytest.raises(MalformedError, match=r"^job\.body: "):
        Job.from_text(json.dumps(GOOD | {"encoding": "zlib+base64", "body": body}))
