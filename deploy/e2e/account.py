"""The account: a local AWS that enforces roles, reached with keys that may do everything in it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from playground.aws import start_local_aws

CORRECTIONS = Path(__file__).with_name("in_local_aws.py")

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
"""ministack takes them for those of the account's root, whom no policy binds."""

PATIENCE = Config(retries={"total_max_attempts": 1}, read_timeout=300)
"""An invocation is answered when it has ended; one that is tried again would run twice."""


@dataclass(frozen=True)
class Account:
    """An account of a local AWS at `url`. `decisions` is the file of what roles were allowed."""

    url: str
    region: str
    decisions: Path

    @functools.cache  # noqa: B019 - there is one account, and it lives as long as the run
    def client(self, service: str) -> Any:
        """Return the account's client of a service; it is made once."""
        return boto3.client(service, endpoint_url=self.url, region_name=self.region, config=PATIENCE, **KEYS)

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to act in this account, and in no other."""
        return {
            **{name.upper(): value for name, value in KEYS.items()},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            **NO_OTHER_ACCOUNT,
        }

    def used(self) -> list[dict[str, str]]:
        """Return what roles were allowed so far and did, in order: function, action and resource."""
        if not self.decisions.exists():
            return []
        return [json.loads(line) for line in self.decisions.read_text(encoding="utf-8").splitlines()]


NO_OTHER_ACCOUNT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Keeps commands from finding someone's own credentials."""


@contextlib.contextmanager
def open_account() -> Iterator[Account]:
    """Have an empty account while the block runs."""
    with tempfile.TemporaryDirectory(prefix="penny-account-") as folder:
        decisions = Path(folder) / "decisions"
        settings = {"AUTH": "true", "DECISIONS": str(decisions), "PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
        with start_local_aws(settings=settings, script=CORRECTIONS) as aws:
            yield Account(aws.url, aws.region, decisions)
