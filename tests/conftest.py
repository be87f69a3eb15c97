"""Fixtures that more than one test file shares."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import hypothesis
import pytest
from botocore import handlers
from botocore.loaders import JSONFileLoader

from playground.aws import LocalAws, start_local_aws
from tests.loopback_sqs import LoopbackSqs, loopback_sqs

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = int(os.environ.get("PENNY_EXAMPLES", "30"))
"""Of each property, by chance and other ones each time; the gate tries a hundred."""

# No deadline: a busy machine is no failure.
hypothesis.settings.register_profile("penny", max_examples=EXAMPLES, deadline=None)
hypothesis.settings.load_profile("penny")

SERVICES = {"dynamodb", "sqs", "ssm", "sts"}
"""The ones that clients are made of in tests."""


@pytest.fixture(scope="session", autouse=True)
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust one certificate authority instead of all: each HTTP client reads them, which takes it 30 ms.

    Nothing here speaks TLS to the world.
    """
    end = "-----END CERTIFICATE-----\n"
    file = tmp_path_factory.mktemp("authorities") / "one.pem"
    file.write_text(
        Path(certifi.where()).read_text(encoding="utf-8").partition(end)[0] + end, encoding="utf-8"
    )
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_clients() -> Iterator[None]:
    """Read the AWS SDK's descriptions of a service once instead of for each client, which takes it 60 ms.

    And leave out what it does for the services that are not called here: to prepare it takes another 8 ms.
    """
    read_once = functools.cache(JSONFileLoader().load_file)
    needed = [one for one in handlers.BUILTIN_HANDLERS if {*one[0].split(".")[1:2]} <= SERVICES]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: read_once(path))
        patch.setattr(handlers, "BUILTIN_HANDLERS", needed)
        yield


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
