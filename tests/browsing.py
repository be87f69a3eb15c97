"""Browsing: a playground and the browser that is installed here, for those who press what people press."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
"""Commands of browsers that Playwright can drive as they are; none is downloaded."""

APPLICATIONS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)

PATIENCE_S = 20.0
"""For what takes a fraction of a second on a machine that has nothing else to do."""

UNKNOWN_TO_IT = ("OPENROUTER_API_KEY", "CONFIG_FILE")
"""Variables of who runs this: the playground shall be the one that everybody gets. Nor is it measured."""

STOP_WITHIN_S = 20.0

Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Playground:
    """A running playground: the page's address, its API, and Penny's own way into the fake Slack."""

    address: str
    api: httpx.Client
    slack: httpx.Client

    def penny(self, method: str, **args: Any) -> dict[str, Any]:
        """Call Slack's Web API as Penny."""
        answer: dict[str, Any] = self.slack.post(method, json=args).json()
        if not answer["ok"]:
            raise AssertionError(f"{method}: {answer}")
        return answer

    def delivered(self, kind: str) -> list[dict[str, Any]]:
        """Return the bodies of that kind that Slack sent to Penny: event's type, action's id, or command."""
        told = self.api.get("/api/deliveries").json()["deliveries"]
        return [one["content"] for one in told if one["kind"] == kind]

    def reserved(self, channel: str) -> list[dict[str, Any]]:
        """Return the reservations of a channel that have not ended."""
        told = self.api.get("/api/ledger").json()["reservations"]
        return [one for one in told if one["channel"] == channel and one["state"] == "open"]


def installed_browser() -> str | None:
    """Return the path of a browser on this machine, None if there is none that could be driven."""
    found = (shutil.which(name) for name in BROWSERS)
    return next((path for path in found if path), None) or next(
        (str(path) for path in APPLICATIONS if path.exists()), None
    )


@contextlib.contextmanager
def playground_and_browser(folder: Path, executable: str) -> Iterator[tuple[Playground, Browser]]:
    """Run both while the block runs; they start side by side."""
    with _process(folder) as process, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable)
        with _reach(process, folder) as playground:
            yield playground, browser
        browser.close()


@contextlib.contextmanager
def _process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    kept = {k: v for k, v in os.environ.items() if k not in UNKNOWN_TO_IT and not k.startswith("COVERAGE_")}
    command = [sys.executable, "-m", "playground", "--port", "0", "--folder", str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, env=kept, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_WITHIN_S)


@contextlib.contextmanager
def _reach(process: subprocess.Popen[str], folder: Path) -> Iterator[Playground]:
    lines = iter(process.stdout.readline, "") if process.stdout else iter(())
    address = next(line.strip() for line in lines if line.startswith("http"))
    exported = shlex.split((folder / "env").read_text(encoding="utf-8"), comments=False)
    known = dict(word.split("=", 1) for word in exported if "=" in word)
    headers = {"Authorization": f"Bearer {known['SLACK_BOT_TOKEN']}"}
    with (
        httpx.Client(base_url=address) as api,
        httpx.Client(base_url=known["SLACK_API_URL"], headers=headers) as slack,
    ):
        yield Playground(address, api, slack)


def opened(browser: Browser, playground: Playground, channel: str, **look: Any) -> Page:
    """Open the page at a channel, in a browser that knows nothing of earlier visits."""
    page = browser.new_context(**look).new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.goto(f"{playground.address}/#{channel}")
    page.locator("#app").wait_for()
    return page


def soon(look: Callable[[], Seen]) -> Seen:
    """Return what `look` sees, as soon as there is something."""
    give_up = time.monotonic() + PATIENCE_S
    while not (seen := look()):
        if time.monotonic() > give_up:
            raise AssertionError("nothing to be seen")
        time.sleep(0.03)
    return seen
