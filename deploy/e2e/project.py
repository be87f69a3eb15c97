"""The project: a copy of what is deployed, in a folder of its own, and the commands that are run in it.

Editing the copy is how the run plays the operator; the folder that it was copied from stays as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.e2e.steps import StepFailed
from deploy.package import ROOT

COPIED = (
    "serverless.yml",
    "package.json",
    "requirements.txt",
    "config.toml",
    "handler.py",
    "router",
    "deploy",
)
"""What a deployment is made from."""

LINKED = ("node_modules", ".venv")
"""What it is made with."""

NOT_OURS = ("AWS_", "SLACK_", "OPENROUTER_", "SECRETS_", "SLS_", "HTTP_PROXY", "http_proxy", "NODE_OPTIONS")
"""Beginnings of variables of the shell that must not reach a command: an account, a gateway."""

PATIENCE_S = 300
"""For one command: a first one may have to download."""


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of the project in `folder`."""

    folder: Path

    @classmethod
    def copied_to(cls, folder: Path) -> Project:
        """Copy what a deployment is made from; link what it is made with."""
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, folder / name)
        for name in LINKED:
            (folder / name).symlink_to(ROOT / name)
        return cls(folder)

    def python(self, *words: str, environment: Mapping[str, str] | None = None, stdin: str = "") -> str:
        """Run `python -m …` in the copy and return what it printed; raises StepFailed when it fails."""
        return self.run(sys.executable, "-m", *words, environment=environment, stdin=stdin)

    def serverless(self, *words: str, environment: Mapping[str, str] | None = None) -> str:
        """Run the framework in the copy and return all that it said; raises StepFailed when it fails."""
        settings = {"NODE_OPTIONS": "--no-warnings", "SLS_AWS_MONITORING_FREQUENCY": "200"}  # milliseconds
        program = str(self.folder / "node_modules" / ".bin" / "serverless")
        return self.run(
            program, *words, environment=settings | dict(environment or {}), errors=subprocess.STDOUT
        )

    def refused(self, *words: str, environment: Mapping[str, str]) -> str:
        """Run the framework in vain and return what it said; raises StepFailed when it succeeds."""
        try:
            printed = self.serverless(*words, environment=environment)
        except StepFailed as failed:
            return str(failed.seen)
        raise StepFailed(f"{' '.join(words)} to be refused", printed)

    def change(self, file: str, before: str, after: str) -> None:
        """Edit a file of the copy, as an operator would."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        if before not in text:
            raise StepFailed(f"{before!r} in {file}", "no such line")
        path.write_text(text.replace(before, after), encoding="utf-8")

    def run(
        self,
        *command: str,
        environment: Mapping[str, str] | None = None,
        stdin: str = "",
        errors: int = subprocess.PIPE,
    ) -> str:
        """Run a program in the copy and return what it printed; raises StepFailed when it fails.

        `errors` says where its standard error goes: aside, unless it is wanted among what was printed.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
        own = {name: value for name, value in (environment or {}).items() if value}
        try:
            done = subprocess.run(  # noqa: S603 - our own words
                command,
                cwd=self.folder,
                env=inherited | own,
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                check=False,
                timeout=PATIENCE_S,
            )
        except subprocess.TimeoutExpired as late:
            raise StepFailed(f"{' '.join(command)} to end within {PATIENCE_S} s", late.output) from late
        if done.returncode:
            raise StepFailed(f"{' '.join(command)} to succeed", done.stdout + (done.stderr or ""))
        return done.stdout
