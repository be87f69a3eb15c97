"""Cold worker: the worker made anew and its memory, beside importing Bolt, httpx and two clients of AWS."""

from __future__ import annotations

import argparse
from statistics import median

from bench.cold import Start, starts, typical_ms
from bench.options import Say, some
from bench.result import Result, Value

SCRIPTS = {"penny": "worker_penny.py", "floor": "worker_floor.py"}

ENVIRONMENT = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "OPENROUTER_API_KEY": "sk-or-1",
    "QUEUE_URL": "http://127.0.0.1:9/000000000000/jobs.fifo",
    "STATE_TABLE": "state",
    "USAGE_TABLE": "usage",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}

NOTES = ("Wall time is from the start of the interpreter to its end. Medians. Nothing is sent to anyone.",)


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--runs", type=some, default=9, help="starts of each (9)")
    return made


def measure(options: argparse.Namespace, say: Say) -> Result:
    """Start each, and ask how much memory it took."""
    found = starts(SCRIPTS, ENVIRONMENT, "", options.runs, say)
    floor_ms, floor_mb = typical_ms(found["floor"], "cpu_s"), _mb(found["floor"])
    rows: list[dict[str, Value]] = [
        {
            "policy": policy,
            "wall_ms": typical_ms(each, "wall_s"),
            "cpu_ms": typical_ms(each, "cpu_s"),
            "memory_mb": _mb(each),
            "times_the_floor": round(typical_ms(each, "cpu_s") / floor_ms, 2),
            "memory_times_the_floor": round(_mb(each) / floor_mb, 2),
        }
        for policy, each in found.items()
    ]
    return Result("worker", tuple(rows), NOTES)


def _mb(starts: list[Start]) -> float:
    """Return the median of the most memory that each held; Linux tells it in KiB."""
    return round(median(int(start.told) for start in starts) / 1024, 1)
