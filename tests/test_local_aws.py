"""The local AWS that tests and playground share."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from playground.aws import LOOPBACK, start_local_aws

REPOSITORY = Path(__file__).parent.parent

START_AND_WAIT = """
import time
from playground.aws import start_local_aws

with start_local_aws() as aws:
    print(aws.url, flush=True)
    time.sleep(60)
"""


def answers(port: int) -> bool:
    """Tell whether someone listens on a port of this machine."""
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0


def test_it_is_gone_when_the_block_ends() -> None:
    """Nothing is left behind."""
    with start_local_aws() as aws:
        port = int(aws.url.rpartition(":")[2])
        assert answers(port)
    assert not answers(port)


def test_it_is_gone_when_its_starter_is_killed() -> None:
    """A killed test run leaves no server behind, though it could not say goodbye."""
    command = [sys.executable, "-c", START_AND_WAIT]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        port = int(starter.stdout.readline().rpartition(":")[2])
        assert answers(port)
        starter.send_signal(signal.SIGKILL)
    give_up = time.monotonic() + 10
    while answers(port) and time.monotonic() < give_up:
        time.sleep(0.02)
    assert not answers(port)


def test_a_taken_port_is_told_with_the_reason() -> None:
    """Whoever asks for a port learns that it is in use."""
    with socket.create_server((LOOPBACK, 0)) as listener, pytest.raises(RuntimeError, match="already in use"):
        start_local_aws(listener.getsockname()[1]).__enter__()
