"""Pictures of the playground for README and docs, taken in a headless browser: `make screenshots`.

The answers come from the scripted OpenRouter, so that each run shows the same but for the clock. A home tab
and commands are taken where manifest.json enables them.
"""

from __future__ import annotations

import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browsing import PATIENCE_S, Playground, installed_browser, opened, playground_and_browser

DOCS = Path(__file__).resolve().parent
SIZE: ViewportSize = {"width": 1440, "height": 860}
DIRECT_MESSAGE, GENERAL = "D0ADA00001", "C0GENERAL1"

QUESTIONS = (
    "Why is the sky blue? Two sentences, please.",
    "Compare SQS, Kinesis and EventBridge for a small team, as a table.",
)

IN_A_CHANNEL = (
    "@penny hi there!",
    "@penny Think hard: write a Python function that merges intervals, and explain what it costs.",
)

PNG_HEADER = 8
"""Bytes before the first chunk of a PNG."""


def main() -> int:
    """Take all pictures; returns the exit code."""
    executable = installed_browser()
    if executable is None:
        sys.stderr.write("There is no browser here to take pictures with: install Chromium or Chrome.\n")
        return 1
    expect.set_options(timeout=PATIENCE_S * 1000)
    with (
        tempfile.TemporaryDirectory() as folder,
        playground_and_browser(Path(folder), executable) as (playground, browser),
    ):
        for name, picture in _pictures(playground, browser):
            (DOCS / name).write_bytes(smaller(picture))
            sys.stdout.write(f"docs/{name}\n")
    return 0


def _pictures(playground: Playground, browser: Browser) -> Iterator[tuple[str, bytes]]:
    page = opened(browser, playground, DIRECT_MESSAGE, viewport=SIZE, reduced_motion="reduce")
    page.get_by_role("button", name="Ledger and mischief").click()
    for question in QUESTIONS:
        _ask(page, question)
    yield "playground.png", page.screenshot()
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    yield "playground-dark.png", page.screenshot()
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    told = playground.api.get("/api/workspace").json()
    if told["has_home_tab"]:
        yield "home.png", _home(page)
    if told["commands"]:
        yield "command.png", _commands(page, told["commands"][0]["command"])


def _ask(page: Page, question: str) -> None:
    """Ask, and wait until the footer stands under the answer."""
    page.locator("#channel-composer textarea").fill(question)
    page.locator("#channel-composer textarea").press("Enter")
    expect(page.locator("#thread-messages .message").first).to_contain_text(question)
    expect(page.locator("#thread-messages .block-context").last).to_contain_text(" left")
    expect(page.get_by_role("region", name="Open reservations")).to_contain_text("Nothing is reserved")


def _home(page: Page) -> bytes:
    """Ask in a channel too, and choose it on the home tab as an admin does."""
    page.locator(f"#sidebar [data-channel={GENERAL}]").click()
    for question in IN_A_CHANNEL:
        _ask(page, question)
    page.get_by_role("button", name="Close the side panel").click()
    page.locator(f"#sidebar [data-channel={DIRECT_MESSAGE}]").click()
    page.get_by_role("tab", name="Home").click()
    page.get_by_label("Channel", exact=True).select_option(GENERAL)
    page.get_by_label("Footer").wait_for()
    return page.screenshot()


def _commands(page: Page, command: str) -> bytes:
    page.locator(f"#sidebar [data-channel={GENERAL}]").click()
    page.get_by_role("button", name="Close thread").click()
    for at, words in enumerate(("budget", "report")):
        page.locator("#channel-composer textarea").fill(f"{command} {words}")
        page.locator("#channel-composer textarea").press("Enter")
        page.locator(".only-for-me").nth(at).wait_for()
    expect(page.locator("#toasts").get_by_text(command)).to_have_count(0)
    return page.screenshot()


def smaller(png: bytes) -> bytes:
    """Return the same picture, packed as tightly as the format allows; browsers pack in haste."""
    kept, pixels = [], b""
    for kind, content in _chunks(png):
        if kind == b"IDAT":
            pixels += content
        elif kind != b"IEND":
            kept.append(_chunk(kind, content))
    packed = zlib.compress(zlib.decompress(pixels), 9)
    return png[:PNG_HEADER] + b"".join(kept) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = PNG_HEADER
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


if __name__ == "__main__":
    sys.exit(main())
