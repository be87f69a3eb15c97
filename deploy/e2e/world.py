"""The world: an empty account, the playground's Slack and OpenRouter, a copy of the project and its stage."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.e2e.account import Account, open_account
from deploy.e2e.outside import Outside, open_outside
from deploy.e2e.project import Project
from deploy.e2e.stage import Stage


@dataclass(frozen=True, slots=True)
class World:
    """All that the steps act upon and look at."""

    account: Account
    outside: Outside
    project: Project
    stage: Stage


@contextlib.contextmanager
def open_world() -> Iterator[World]:
    """Have a world while the block runs; nothing of it is left afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="penny-project-", ignore_cleanup_errors=True) as folder,
        open_account() as account,
        open_outside() as outside,
    ):
        project = Project.copied_to(Path(folder))
        yield World(account, outside, project, Stage(account, project, outside.environment))
