"""The parts of the end-to-end run that decide something; what they decide about is real when it runs."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from deploy.e2e import cold_start
from deploy.e2e.roles import Permission, complaints, granted, needed_by_lambda, without
from deploy.e2e.steps import Step, StepFailed, expect, run_steps, wait_until
from playground.stack import read_stack

LOG, QUEUE, TABLE = "arn:aws:logs:r:1:log", "arn:aws:sqs:r:1:jobs", "arn:aws:dynamodb:r:1:table/state"

DOCUMENT: dict[str, Any] = {
    "Statement": [
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE},
        {"Effect": "Allow", "Action": ["x:Read", "x:Write"], "Resource": [TABLE, QUEUE]},
    ]
}


# --- steps --------------------------------------------------------------------------------------------------


def told_by(*steps: Step) -> tuple[bool, str]:
    """Run steps; whether all passed, and all that was said."""
    said: list[str] = []
    return run_steps(steps, said.append), "\n".join(said)


def see(what: str) -> str:
    """Pass, having seen something."""
    return what


def fail(error: Exception) -> str:
    """Fail."""
    raise error


def test_steps_run_in_order_and_are_told_with_what_they_saw() -> None:
    """Each is announced and then told, all lines of it, and the last line counts them."""
    has_passed, said = told_by(
        Step("first", partial(see, "one")), Step("second", partial(see, "two\nand more"))
    )

    assert has_passed
    assert [said.index(word) for word in ("first", "one", "second", "two", "and more", "all 2 steps passed")]
    assert said.index("first") < said.index("one") < said.index("second") < said.index("and more")


def test_the_first_step_that_fails_is_the_last() -> None:
    """It says what was expected, what was seen, what to do and where it is written; no other is tried."""
    error = StepFailed("an answer", "silence\n" * 100, then="speak up")

    has_passed, said = told_by(Step("asks", partial(fail, error)), Step("never", partial(see, "x")))

    assert not has_passed
    assert [
        word
        for word in ("an answer", "silence", "speak up", "fail in tests/test_e2e_parts.py")
        if word not in said
    ] == []
    assert said.count("silence") < 100
    assert "never" not in said


def test_an_error_that_no_step_foresaw_is_told_whole() -> None:
    """A bug of the run's own shows its traceback and ends the run like any failure."""
    has_passed, said = told_by(Step("breaks", partial(fail, ZeroDivisionError("by nought"))))

    assert not has_passed
    assert "ZeroDivisionError: by nought" in said


def test_waiting_ends_with_what_was_found_or_in_time() -> None:
    """What is looked for is returned as soon as it is there; after the time given up for it, it fails."""
    looks = iter([None, 0, "found"])

    assert wait_until(lambda: next(looks), "something", within_s=5) == "found"
    with pytest.raises(StepFailed, match=r"something within 0 s"):
        wait_until(lambda: None, "something", within_s=0)
    with pytest.raises(StepFailed, match="four"):
        expect(2 + 2 == 5, "four", 5)


# --- roles --------------------------------------------------------------------------------------------------


def test_every_permission_of_a_policy_is_told() -> None:
    """One for each action on each resource, however the policy lists them."""
    assert set(granted("f", DOCUMENT)) == {
        Permission("f", "sqs:SendMessage", QUEUE),
        *(Permission("f", action, where) for action in ("x:Read", "x:Write") for where in (TABLE, QUEUE)),
    }


@pytest.mark.parametrize("permission", sorted(granted("f", DOCUMENT)))
def test_one_permission_is_taken_away_and_no_other(permission: Permission) -> None:
    """What is left is all but the one; the document that it was taken from stays as it was."""
    before = json.dumps(DOCUMENT)

    left = set(granted("f", without(DOCUMENT, permission)))

    assert left == set(granted("f", DOCUMENT)) - {permission}
    assert json.dumps(DOCUMENT) == before


def test_what_is_not_granted_cannot_be_taken_away() -> None:
    """Taking away what a policy does not have changes nothing."""
    assert without(DOCUMENT, Permission("f", "x:Read", "elsewhere")) == DOCUMENT


def test_both_too_much_and_too_little_are_told() -> None:
    """What no one uses and what is used without a grant are named; Lambda itself needs some too."""
    by_lambda = needed_by_lambda("f", LOG, QUEUE)
    used = Permission("f", "x:Read", TABLE)
    spare = Permission("f", "x:Write", TABLE)

    assert complaints({used, *by_lambda}, [used, used], by_lambda) == []
    assert complaints({used, spare, *by_lambda}, [used], by_lambda) == [
        "granted and never used: f: x:Write on table/state"
    ]
    (missing,) = complaints(
        {used} | by_lambda - {Permission("f", "sqs:DeleteMessage", QUEUE)}, [used], by_lambda
    )
    assert missing == "needed and not granted: f: sqs:DeleteMessage on jobs"


def test_a_function_without_a_queue_needs_its_log_alone() -> None:
    """What works off no queue is not asked to be allowed to."""
    assert {one.resource for one in needed_by_lambda("f", LOG, None)} == {LOG}


# --- cold start ---------------------------------------------------------------------------------------------


def test_the_least_of_the_rounds_counts() -> None:
    """One slow round excuses no start and accuses none."""
    quick = {"empty": 40.0, "receive": 90.0, "imports": 300.0, "answer": 330.0}
    slow = {name: ms * 3 for name, ms in quick.items()}
    dear = quick | {"answer": 390.0}

    assert cold_start.excesses([slow, quick, slow]) == []
    assert cold_start.excesses([dear, slow]) == ["answer"]
    assert "receive 2.25 times empty, answer 1.30 times imports" in cold_start.described([dear, slow])


def test_every_function_is_started() -> None:
    """What serverless.yml deploys is started, `receive` with nothing to import but Python's own."""
    starts = cold_start.starts()

    assert set(read_stack("test")["functions"]) <= set(starts)
    assert [name for name, start in starts.items() if not start.with_sdk] == ["empty", "receive"]
