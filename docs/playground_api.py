"""The playground's API as its documentation shows it: each address with what its endpoint says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

# Imported where it is used: the examples that are not about the playground need not load its web server.


def addresses() -> str:
    """Print every address of the API and what it does."""
    rows = [f"| `{address}` | {does} |" for address, does in _documented()]
    return "\n".join(["| address | does |", "|---|---|", *rows])


def _documented() -> Iterator[tuple[str, str]]:
    """Yield the addresses of a playground that nobody starts."""
    from playground.api import playground_api  # noqa: PLC0415 - see above
    from playground.clock import ManualClock  # noqa: PLC0415
    from playground.faults import FaultProxy  # noqa: PLC0415
    from playground.mischief import Mischief  # noqa: PLC0415
    from playground.slack.delivery import Delivery  # noqa: PLC0415
    from playground.slack.workspace import Workspace  # noqa: PLC0415
    from playground.workers import Workers  # noqa: PLC0415

    clock = ManualClock(0)
    slack, workers = Workspace(clock), Workers({}, 0, 0, Path(), "", count=0)
    mischief = Mischief(slack, workers, None, FaultProxy(""), lambda _channel, _leave: Decimal(0))
    page = playground_api(slack, Delivery(slack, lambda _request: 200, clock), dict, lambda: None)
    for route in (*page, *mischief.routes()):
        if route.path.startswith("/api/"):
            method = "POST" if "POST" in (route.methods or ()) else "GET"
            yield f"{method} {route.path}", " ".join((route.endpoint.__doc__ or "").split())


def failures() -> str:
    """Print how provider and table can be made to fail."""
    from playground.mischief import PROVIDER, TABLE  # noqa: PLC0415 - see above

    rows = ["| what | `how` | what happens |", "|---|---|---|"]
    for what, ways in (("provider", PROVIDER), ("table", TABLE)):
        rows += [f"| {what} | `{how}` | {one.title}. {one.tells} |" for how, one in ways.items()]
    return "\n".join(rows)
