"""Start the playground: `python -m playground [--port 3000]`, or `make play`.

Brings up, in this order and with a word about each: the local AWS, queue and tables, the scripted
OpenRouter (or the real one, when OPENROUTER_API_KEY is set), the fake Slack, Penny's workers, the page.
Ctrl-C stops all of it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from playground.aws import start_local_aws
from playground.books import Books, LiveBooks
from playground.clock import SystemClock
from playground.faults import FaultProxy
from playground.openrouter import ScriptedOpenRouter
from playground.serving import LOOPBACK, serve
from playground.slack.delivery import Delivery
from playground.slack.endpoint import endpoint_at
from playground.slack.web_api import slack_app
from playground.slack.workspace import Workspace
from playground.stack import StackNames, create_stack, read_stack
from playground.workers import Workers
from router.config import LONGEST_DEADLINE_S
from router.settings import settings_from

HERE = Path(__file__).resolve().parent.parent
FOLDER = HERE / ".playground"
"""Where a playground leaves things for the command line (`env`) and the curious (`penny.log`), by default."""

JOURNAL = "penny.log"

FIRST_TOKEN_S = 0.4
TOKENS_PER_S = 60.0
"""About the pace of a quick model."""

DEADLINE_S = 30
"""Of an answer, where deployed it is 120: who plays with a worker's death should not wait five minutes for
the message to come back."""

RECONCILE_EVERY_S = 60.0
"""Deployed it is five minutes; nobody plays for that long."""


def main(arguments: list[str] | None = None) -> int:
    """Run the playground until Ctrl-C; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make play", description="The whole of Penny on this machine.")
    parser.add_argument("--port", type=_port, default=3000, help="of the page (default 3000)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for its journal (default .playground)")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    began = time.monotonic()
    try:
        with _everything(options.port, options.folder) as address:
            _say(f"what Penny writes goes to {os.path.relpath(options.folder / JOURNAL)}")
            _say(f"up after {time.monotonic() - began:.1f} s; Ctrl-C stops it")
            print(address, file=sys.__stdout__, flush=True)  # the last line is for people and scripts
            threading.Event().wait()
    except KeyboardInterrupt:
        _say("stopped")
        return 0
    except OSError as error:
        print(f"penny: cannot serve on port {options.port}: {error.strerror}; try PORT=…", file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def _everything(port: int, folder: Path) -> Iterator[str]:
    """Run all parts while the block runs; yields the page's address."""
    with contextlib.ExitStack() as parts:
        _check_is_free(port)
        log = _journal(folder, parts)
        clock = SystemClock()
        slack = Workspace(clock)
        _say("starting a local AWS")
        aws = parts.enter_context(start_local_aws())
        names = create_stack(aws.url)
        table = parts.enter_context(FaultProxy(aws.url))
        _say("starting Slack and a scripted OpenRouter" if _is_scripted() else "starting Slack")
        slack.response_urls.base = slack.files.base = parts.enter_context(serve(slack_app(slack))).url
        openrouter = ScriptedOpenRouter(clock, FIRST_TOKEN_S, TOKENS_PER_S) if _is_scripted() else None
        environment = {
            **_environment(slack, names, table.url, aws.region),
            **_openrouter(parts, openrouter),
            "CONFIG_FILE": _config_file(folder),
        }
        os.environ.update(environment)
        _write_environment(environment, folder, parts)
        _say("starting Penny's workers")
        workers = _workers(environment, aws.url, log)
        parts.enter_context(workers.running())
        receiver = parts.enter_context(serve(_receiver()))
        send = parts.enter_context(endpoint_at(f"{receiver.url}/slack/events"))
        delivery = parts.enter_context(Delivery(slack, send, clock, at_once=32))
        parts.enter_context(_reconciling())
        books = Books(aws.url, names)
        table.heard = parts.enter_context(_told_live(books, slack)).note
        served = parts.enter_context(serve(_page(delivery, books, workers, openrouter, table), port))
        yield f"http://localhost:{served.port}"


def _journal(folder: Path, parts: contextlib.ExitStack) -> Path:
    """Begin a new journal, into which this process writes, too: `receive` runs in it."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / JOURNAL
    log.unlink(missing_ok=True)
    parts.enter_context(contextlib.redirect_stdout(parts.enter_context(log.open("a", encoding="utf-8"))))
    return log


def _environment(slack: Workspace, names: StackNames, aws_url: str, region: str) -> dict[str, str]:
    """Return what Penny is to find in her environment; `aws_url` is where her requests to AWS go."""
    return {name.upper(): value for name, value in asdict(names).items()} | {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_API_URL": f"{slack.files.base}/api/",
    }


def _page(
    delivery: Delivery,
    books: Books,
    workers: Workers,
    openrouter: ScriptedOpenRouter | None,
    table: FaultProxy,
) -> Starlette:
    """Return the page with its API."""
    from playground.api import playground_api  # noqa: PLC0415 - read while the workers are starting
    from playground.drain import drain_through  # noqa: PLC0415 - as above
    from playground.mischief import Mischief  # noqa: PLC0415 - as above

    slack = delivery.workspace
    mischief = Mischief(slack, workers, openrouter, table, drain_through(settings_from()))
    return Starlette(routes=[*mischief.routes(), *playground_api(slack, delivery, books.show, lambda: None)])


def _told_live(books: Books, slack: Workspace) -> LiveBooks:
    """Tell whoever watches the page of the books as they change."""
    board = slack.board
    return LiveBooks(books.show, lambda shown: board.tell("ledger", shown), lambda: board.is_watched)


def _check_is_free(port: int) -> None:
    """Raise OSError at once when the page's port is taken, and not after everything else has started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))


def _is_scripted() -> bool:
    return not os.environ.get("OPENROUTER_API_KEY")


def _openrouter(parts: contextlib.ExitStack, scripted: ScriptedOpenRouter | None) -> dict[str, str]:
    if scripted is None:
        _say("using the real OpenRouter: answers cost real money")
        return {"OPENROUTER_API_KEY": os.environ["OPENROUTER_API_KEY"]}
    url = parts.enter_context(serve(scripted.app)).url
    return {"OPENROUTER_API_KEY": "sk-or-playground", "OPENROUTER_BASE_URL": f"{url}/api/v1"}


def _workers(environment: Mapping[str, str], queue_endpoint_url: str, log: Path) -> Workers:
    """Make workers whose times follow from the deadline as those of the deployed stack do."""
    custom = read_stack("play")["custom"]
    shorter_s = LONGEST_DEADLINE_S - DEADLINE_S
    return Workers(
        environment,
        visibility_s=custom["jobVisibility"] - shorter_s,
        function_timeout_s=custom["answerTimeout"] - shorter_s,
        log=log,
        queue_endpoint_url=queue_endpoint_url,
    )


def _config_file(folder: Path) -> str:
    """Return the configuration: the operator's own, or the shipped one with a shorter deadline."""
    if os.environ.get("CONFIG_FILE"):
        return os.environ["CONFIG_FILE"]
    shipped = (HERE / "config.toml").read_text(encoding="utf-8")
    path = folder / "config.toml"
    path.write_text(
        re.sub(r"^deadline_s = \d+", f"deadline_s = {DEADLINE_S}", shipped, flags=re.MULTILINE), "utf-8"
    )
    return str(path)


def _receiver() -> Starlette:
    """Return the endpoint that Slack calls: HTTP in front of `handler.receive`, as API Gateway stands."""
    import handler  # noqa: PLC0415 - it reads the environment as it is imported

    async def events(request: Request) -> Response:
        body = (await request.body()).decode(errors="surrogateescape")
        event = {
            "version": "2.0",
            "requestContext": {"http": {"method": request.method, "path": request.url.path}},
            "headers": dict(request.headers),
            "body": body,
            "isBase64Encoded": False,
        }
        answer = await run_in_threadpool(handler.receive, event, None)
        return Response(answer["body"], answer["statusCode"], answer["headers"])

    return Starlette(routes=[Route("/slack/events", events, methods=["POST"])])


@contextlib.contextmanager
def _reconciling() -> Iterator[None]:
    """Call `handler.reconcile` on a schedule, as EventBridge does."""
    import handler  # noqa: PLC0415 - as above

    stopping = threading.Event()
    thread = threading.Thread(
        target=_every, args=(RECONCILE_EVERY_S, stopping, handler.reconcile), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stopping.set()


def _every(seconds: float, stopping: threading.Event, function: Callable[[object, object], object]) -> None:
    while not stopping.wait(seconds):
        with contextlib.suppress(Exception):  # the next turn tries again, as the next schedule does
            function({}, None)


def _write_environment(environment: Mapping[str, str], folder: Path, parts: contextlib.ExitStack) -> None:
    """Leave the environment for `make report`, as long as this runs."""
    path = folder / "env"
    path.write_text(
        "".join(f"export {k}={shlex.quote(v)}\n" for k, v in environment.items()), encoding="utf-8"
    )
    path.chmod(0o600)
    parts.callback(path.unlink, missing_ok=True)


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65_535:  # noqa: PLR2004 - ports are 16 bits
        raise argparse.ArgumentTypeError(f"{text!r} is no port; write a number from 0 to 65535")
    return port


def _as_ctrl_c(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _say(words: str) -> None:
    print(f"· {words}", file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    sys.exit(main())
