"""Hooks: what is called as a client of AWS makes its requests; see botocore's events."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from botocore import handlers

from bench.surroundings import environment_of

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": ""}
"""They open a local AWS and nothing else."""


@contextlib.contextmanager
def hooked(**hooks: Callable[..., Any]) -> Iterator[None]:
    """Let the DynamoDB clients of sessions that begin in this block call `hooks` (`before_send=`)."""
    usual = handlers.BUILTIN_HANDLERS
    ours = [(f"{event.replace('_', '-')}.dynamodb", hook) for event, hook in hooks.items()]
    handlers.BUILTIN_HANDLERS = [*usual, *ours]
    try:
        with environment_of(KEYS):
            yield
    finally:
        handlers.BUILTIN_HANDLERS = usual
