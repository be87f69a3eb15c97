"""The storm: a fault proxy in a process of its own, so that a busy process adds no faults to its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from bench.weather import Weather
from playground.faults import Fault, FaultProxy


@dataclass(frozen=True, slots=True)
class Storm:
    """A DynamoDB that fails by chance; empty when there is none."""

    url: str
    _told: Connection | None = None

    def struck(self) -> Counter[Fault]:
        """Count the faults so far."""
        if self._told is None:
            return Counter()
        self._told.send(None)
        counted: Counter[Fault] = self._told.recv()
        return counted


@contextlib.contextmanager
def storm(target_url: str, seed: int) -> Iterator[Storm]:
    """Let the DynamoDB at `target_url` fail by chance while the block runs."""
    forking = multiprocessing.get_context("forkserver")
    ours, theirs = forking.Pipe()
    process = forking.Process(target=_serve, args=(target_url, seed, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Storm(ours.recv(), ours)
    finally:
        process.kill()
        process.join()


def _serve(target_url: str, seed: int, asked: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started us
    weather = Weather(seed)
    with FaultProxy(target_url, by_chance=weather.strike) as proxy, contextlib.suppress(EOFError):
        asked.send(proxy.url)
        while True:
            asked.recv()
            asked.send(weather.struck)
