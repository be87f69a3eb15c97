"""Cold ack: from a fresh interpreter to the 200, beside Bolt's lazy listener and a bare script."""

from __future__ import annotations

import argparse
import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath

from bench.cold import starts, typical_ms
from bench.options import Say, some
from bench.result import Result, Value
from playground.clock import SystemClock
from playground.slack.request import Outgoing
from playground.slack.workspace import Workspace

SCRIPTS = {"penny": "ack_penny.py", "bolt-lazy": "ack_bolt.py", "floor": "ack_floor.py"}

NOTES = (
    """Wall time is from the start of the interpreter to its end, with the event's way into the queue (SQS, or
Lambda's own for Bolt) on this machine; CPU time depends less on what else runs here. Medians.""",
    "Lambda's start of the sandbox comes on top, the same for all.",
)


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--runs", type=some, default=15, help="starts of each (15)")
    return made


def measure(options: argparse.Namespace, say: Say) -> Result:
    """Start each, and see to it that every event has arrived."""
    slack = Workspace(SystemClock())
    with _arrivals() as arrivals:
        environment = {
            "SLACK_SIGNING_SECRET": slack.signing_secret,
            "QUEUE_URL": f"{arrivals.url}/000000000000/jobs.fifo",
            "AWS_ENDPOINT_URL": arrivals.url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        event = json.dumps(slack.sign(_asked(slack)).gateway_event())
        found = starts(SCRIPTS, environment, event, options.runs, say)
    floor_ms = typical_ms(found["floor"], "cpu_s")
    rows: list[dict[str, Value]] = [
        {
            "policy": policy,
            "wall_ms": typical_ms(each, "wall_s"),
            "cpu_ms": typical_ms(each, "cpu_s"),
            "times_the_floor": round(typical_ms(each, "cpu_s") / floor_ms, 2),
        }
        for policy, each in found.items()
    ]
    expected = len(SCRIPTS) * (options.runs + 1)
    refused = [p for p, each in found.items() if any(start.told != "200" for start in each)]
    broken = [f"every event is acknowledged: not by {policy}" for policy in refused]
    if len(arrivals.paths) != expected:
        broken.append(f"every event arrives: {len(arrivals.paths)} of {expected}")
    return Result("ack", tuple(rows), NOTES, tuple(broken))


def _asked(slack: Workspace) -> Outgoing:
    """Ask a question and return the event that tells of it."""
    told: list[Outgoing] = []
    slack.board.on_outgoing(told.append)
    slack.post_as_user("general", "ada", f"<@{slack.bot_user}> Who are you?")
    return next(one for one in told if one.content["event"]["type"] == "message")


@dataclass
class _Arrivals:
    """What arrived at a server that takes everything: SQS and Lambda at once."""

    url: str = ""
    paths: list[PurePosixPath] = field(default_factory=list)


@contextlib.contextmanager
def _arrivals() -> Iterator[_Arrivals]:
    arrivals = _Arrivals()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            arrivals.paths.append(PurePosixPath(self.path))
            is_invocation = self.path.endswith("/invocations")
            body = b"" if is_invocation else b'{"MessageId": "m-1"}'
            self.send_response(202 if is_invocation else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taker) as server:
        arrivals.url = f"http://127.0.0.1:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        serving.start()
        yield arrivals
        server.shutdown()
        serving.join()
