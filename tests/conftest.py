"""Fixtures that more than one test file shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hypothesis
import pytest

from playground.aws import LocalAws, start_local_aws
from tests.loopback_sqs import LoopbackSqs, loopback_sqs

if TYPE_CHECKING:
    from collections.abc import Iterator

hypothesis.settings.register_profile("penny", deadline=None)  # a busy machine is not a failure
hypothesis.settings.load_profile("penny")


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    """Run one local AWS (`.url`, `.region`) for all tests of this process; keys are `test` and `test`.

    Tests share it: give queues and tables names of your own.
    """
    with start_local_aws() as local_aws:
        yield local_aws


@pytest.fixture
def sqs() -> Iterator[LoopbackSqs]:
    """Run a loopback SQS that keeps what it is sent and can be told to misbehave."""
    with loopback_sqs() as server:
        yield server
