"""Cold starts: scripts in fresh interpreters, in turn, so that a busy machine is busy for all of them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.options import Say

FRESH = Path(__file__).parent / "fresh"

WITHIN_S = 60.0
"""A start takes a second at most; this is for a machine that is very busy."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start: until the last line was there, the CPU time of all of it, and that line."""

    wall_s: float
    cpu_s: float
    told: str


def starts(
    scripts: Mapping[str, str], environment: Mapping[str, str], said: str, runs: int, say: Say
) -> dict[str, list[Start]]:
    """Start each policy's script so many times, after one start that warms the disk's cache.

    `said` goes to each script's stdin. Raises RuntimeError when one fails.
    """
    found: dict[str, list[Start]] = {policy: [] for policy in scripts}
    for run in range(runs + 1):
        for policy, script in scripts.items():
            start = _start(script, environment, said)
            if run:
                found[policy].append(start)
    say(f"{runs} starts of each")
    return found


def _start(script: str, environment: Mapping[str, str], said: str) -> Start:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - our own interpreter with our own files
        [sys.executable, "-I", str(FRESH / script)],
        input=said,
        env={"PATH": os.defpath, **environment},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    wall_s = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr[-500:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Start(wall_s, cpu_s, done.stdout.splitlines()[-1])


def typical_ms(starts: list[Start], measure: str) -> float:
    """Return the median of `wall_s` or `cpu_s`, in milliseconds."""
    seconds: list[float] = [getattr(start, measure) for start in starts]
    return round(median(seconds) * 1000, 1)
