"""`make manifest URL=…`: the app's manifest with the address in it, or a line that says what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.manifest import MANIFEST, PLACE, AddressError, filled_in, main, request_url

ROOT = Path(__file__).resolve().parent.parent
HOST = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com"


def addresses(value: Any) -> Iterator[str]:
    """Yield every address in a manifest."""
    if isinstance(value, str) and "://" in value:
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from addresses(part)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (f"{HOST}/slack/events", f"{HOST}/slack/events"),
        (HOST, f"{HOST}/slack/events"),
        (f"{HOST}/", f"{HOST}/slack/events"),
        (f" {HOST}/slack/events/\n", f"{HOST}/slack/events"),
        ("https://Penny.Example.com/bots", "https://penny.example.com/bots/slack/events"),
        ("https://penny.example.com:8443", "https://penny.example.com:8443/slack/events"),
    ],
)
def test_the_address_with_or_without_its_path(given: str, meant: str) -> None:
    """People paste what they have: the endpoint, or the whole address that the deployment printed."""
    assert request_url(given) == meant


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "RequestUrl"),
        ("http://penny.example.com", "https"),
        ("penny.example.com", "https"),
        ("javascript:alert(1)", "https"),
        ("https://", "host"),
        ("https://localhost", "host"),
        ("https://127.0.0.1", "host"),
        ("https://YOUR-ENDPOINT/slack/events", "host"),
        ("https://user:secret@penny.example.com", "host"),
        ("https://penny .example.com", "host"),
        ("https://penny.example.com/a b", "path"),
        ("https://penny.example.com/slack/events?x=1", "path"),
        ('https://penny.example.com/","evil":"', "path"),
        ("https://penny.example.com/#here", "path"),
        ("https://penny.example.com:99999", "no URL"),
        ("https://[::1", "no URL"),
    ],
)
def test_what_slack_could_not_call_is_refused(given: str, why: str) -> None:
    """The reason is told, and nothing is printed that one could paste."""
    with pytest.raises(AddressError, match=why):
        request_url(given)


def test_the_address_is_everywhere_it_belongs(capsys: pytest.CaptureFixture[str]) -> None:
    """No place is left for a person to fill in, and all else is as it was."""
    assert main([HOST]) == 0

    printed = capsys.readouterr().out
    assert set(addresses(json.loads(printed))) == {f"{HOST}/slack/events"}
    assert printed.replace(f"{HOST}/slack/events", PLACE).rstrip() == MANIFEST.read_text("utf-8").rstrip()


def test_every_place_is_filled_in() -> None:
    """Commands and buttons get the address as events do; a manifest without a place is told."""
    manifest = json.dumps({"events": PLACE, "commands": [{"url": PLACE}]})

    assert filled_in(manifest, "https://x.example/slack/events").count("x.example") == 2
    with pytest.raises(AddressError, match="place"):
        filled_in("{}", "https://x.example/slack/events")


def test_the_shipped_manifest_has_places_alone() -> None:
    """Whatever address stands in manifest.json is a place to be filled in."""
    assert set(addresses(json.loads(MANIFEST.read_text("utf-8")))) == {PLACE}


def test_wrong_usage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, nothing on stdout, one line on stderr."""
    assert main(["http://penny.example.com"]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("penny: ")
    assert len(err.splitlines()) == 1


def test_it_needs_python_alone() -> None:
    """It runs before anything is installed: Python's own library is enough."""
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import sys; sys.path.insert(0, '.'); import deploy.manifest",
    ]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
