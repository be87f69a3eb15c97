"""The Slack app's manifest with the address of an endpoint in it, for pasting into the app's settings.

python -m deploy.manifest URL      what `make manifest URL=…` runs
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

MANIFEST = Path(__file__).resolve().parent.parent / "manifest.json"

PLACE = "https://YOUR-ENDPOINT/slack/events"
"""What stands in the manifest wherever Slack wants an address: for events, for commands, for buttons."""

PATH = "/slack/events"

HOST = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]")
"""A name that the internet knows: Slack calls neither addresses nor names of one machine."""

FOLDER = re.compile(r"(/[A-Za-z0-9._~-]+)*")


class AddressError(ValueError):
    """What was given is no address that Slack could call. The text says why and what would be right."""


def request_url(given: str) -> str:
    """Return where Slack sends its requests, from the endpoint's address with or without its path.

    Raises AddressError.
    """
    given = given.strip()
    if not given:
        raise AddressError("which URL? make manifest URL=https://… (the deployment prints it as RequestUrl)")
    try:
        parts = urlsplit(given)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressError(f"{given[:200]!r} is no URL") from None
    path = parts.path.removesuffix("/").removesuffix(PATH)
    if parts.scheme != "https":
        raise AddressError(f"{given[:200]!r} is not https, and Slack calls nothing else")
    if not HOST.fullmatch(host) or parts.username is not None or parts.password is not None:
        raise AddressError(f"{given[:200]!r} names no host that Slack could reach")
    if not FOLDER.fullmatch(path) or parts.query or parts.fragment or any(c.isspace() for c in given):
        raise AddressError(f"{given[:200]!r} has more than a host and a plain path")
    return f"https://{host}{f':{port}' if port else ''}{path}{PATH}"


def filled_in(manifest: str, url: str) -> str:
    """Return the manifest's text with `url` in every place for one. Raises AddressError if it has none."""
    if PLACE not in manifest:
        raise AddressError(f"the manifest has no place for a URL: it must have {PLACE}")
    return manifest.replace(PLACE, url)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the manifest; what goes wrong is one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser("make manifest URL=…", description="Print the Slack app's manifest.")
    parser.add_argument("url", metavar="URL", nargs="?", default="", help="the endpoint, as it was deployed")
    try:
        text = filled_in(MANIFEST.read_text(encoding="utf-8"), request_url(parser.parse_args(argv).url))
    except AddressError as error:
        print(f"penny: {error}", file=sys.stderr)
        return 2
    print(text.rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
