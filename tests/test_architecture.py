"""Penny's files keep to the architecture, and its checker catches what does not."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.architecture import (
    HOME_OF_SDK,
    LAYER_OF,
    READS_ENVIRONMENT,
    ROOT,
    STANDARD_LIBRARY_ALONE,
    file_of,
    our_files,
    reached_from,
    violations,
)


def test_the_tree_keeps_to_the_tables() -> None:
    """Every file of Penny imports and uses only what its layer may."""
    wrong = [
        one for path in our_files() for one in violations(path, (ROOT / path).read_text(encoding="utf-8"))
    ]

    assert not wrong, "\n".join(wrong)


def test_the_tables_name_what_is_there() -> None:
    """No table speaks of a file that is gone, so a rule cannot lose its subject by a rename."""
    homes = {path for paths in HOME_OF_SDK.values() for path in paths} | READS_ENVIRONMENT
    gone = {path for path in homes if not (ROOT / path).exists()}
    gone |= {module for module in LAYER_OF if file_of(module) is None}

    assert not gone, f"renamed or removed? Correct the tables: {sorted(gone)}"


@pytest.mark.parametrize("module", STANDARD_LIBRARY_ALONE)
def test_what_is_waited_for_uses_the_standard_library_alone(module: str) -> None:
    """Nothing that runs before Slack has its answer, or help is shown, loads what is not Python's own."""
    assert file_of(module), f"{module} is gone: correct STANDARD_LIBRARY_ALONE"

    outermost = {name.split(".")[0] for name in reached_from(module)}

    foreign = outermost - sys.stdlib_module_names - {"router"}
    assert not foreign, f"{module} reaches {sorted(foreign)}: keep what needs them off this way"


def test_importing_the_entry_points_loads_no_sdk() -> None:
    """A cold `receive` pays for no library that only `answer` needs, since both stand in handler.py."""
    program = f"import sys, handler; print(*[name for name in {list(HOME_OF_SDK)} if name in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert not done.stdout.split(), "import these inside the entry point that needs them"


CAUGHT = [
    ("router/domain/pacing.py", "import time", "the domain only computes"),
    ("router/domain/pacing.py", "import os.path", "the domain only computes"),
    ("router/domain/pacing.py", "from urllib import request", "the domain only computes"),
    ("router/domain/pacing.py", "def f(d):\n    return d.now()", "has no clock"),
    (
        "router/domain/pacing.py",
        "def f():\n    import datetime as d\n    return d.date.today()",
        "has no clock",
    ),
    ("router/domain/pacing.py", "print('x')", "no input or output"),
    ("router/domain/pacing.py", "from router.adapters.table import Dynamo", "layer 'domain'"),
    ("router/domain/pacing.py", "from router import settings", "layer 'domain'"),
    ("router/domain/pacing.py", "from ..settings import Settings", "layer 'domain'"),
    ("router/domain/pacing.py", "if TYPE_CHECKING:\n    from router.config import Config", "layer 'domain'"),
    ("router/errors.py", "from router.domain.money import usd", "layer 'errors'"),
    ("router/settings.py", "import router.adapters.table", "layer 'foundation'"),
    ("router/adapters/claims.py", "import boto3", "only router/adapters/table.py"),
    (
        "router/adapters/claims.py",
        "def late():\n    from botocore import config",
        "only router/adapters/table.py",
    ),
    ("router/adapters/claims.py", "from router.adapters.table import _plain", "private to its file"),
    ("router/adapters/claims.py", "from . import _table", "private to its file"),
    ("router/adapters/claims.py", "from router.slack import blocks", "layer 'adapter'"),
    ("router/adapters/claims.py", "from router import answer", "layer 'adapter'"),
    ("router/adapters/queue.py", "import requests", "a new library"),
    ("router/slack/listeners.py", "from router.adapters.ledger import Ledger", "layer 'slack'"),
    ("router/slack/listeners.py", "import httpx", "only router/adapters/openrouter.py or"),
    ("router/slack/listeners.py", "from slack_bolt import App", "only router/slack/app.py"),
    ("router/slack/stream.py", "import slack_sdk", "only router/slack/app.py"),
    ("router/answer.py", "from router.wiring import build", "layer 'use case'"),
    ("router/answer.py", "from tests.events import mention", "turn the import round"),
    ("router/wiring.py", "import playground.clock", "turn the import round"),
    ("router/wiring.py", "import handler", "layer 'wiring'"),
    ("router/wiring.py", "import os\nurl = os.environ['QUEUE_URL']", "add a field to Settings"),
    ("router/wiring.py", "import os as o\nurl = o.getenv('QUEUE_URL')", "add a field to Settings"),
    ("handler.py", "from os import environ", "add a field to Settings"),
    ("router/report.py", "def f(cost_usd: float) -> None: ...", "dollars are Decimal"),
    ("router/report.py", "limit_usd: float | None = None", "dollars are Decimal"),
    ("router/report.py", "def spent_usd() -> list[float]: ...", "dollars are Decimal"),
    ("router/helpers.py", "", "is in no layer"),
    ("router/wiring.py", "from router.helpers import x", "in no layer"),
]


@pytest.mark.parametrize(("path", "source", "remedy"), CAUGHT)
def test_the_checker_catches(path: str, source: str, remedy: str) -> None:
    """A file that breaks one rule is told where and what to do."""
    wrong = violations(path, source)

    assert len(wrong) == 1, wrong
    assert remedy in wrong[0]
    assert re.match(rf"{re.escape(path)}:\d+: ", wrong[0])


ALLOWED = [
    ("router/domain/pacing.py", "from datetime import UTC, datetime\nfrom urllib.parse import quote"),
    ("router/domain/pacing.py", "from collections.abc import Iterator\nfrom .money import usd"),
    ("router/domain/pacing.py", "from router.errors import MalformedError\nclock = 1\nnow = clock"),
    ("router/adapters/table.py", "import boto3\nfrom botocore.config import Config\nimport time"),
    ("router/adapters/ledger.py", "from router.adapters.table import Dynamo\nfrom . import usage"),
    ("router/slack/app.py", "from slack_bolt import App\nfrom slack_sdk import WebClient"),
    ("router/slack/parts.py", "from router.adapters.slack_web import SlackWeb"),
    ("router/slack/listeners.py", "if TYPE_CHECKING:\n    from router.answer import answer"),
    ("router/answer.py", "from router.adapters.ledger import Short\nfrom router.domain.money import usd"),
    ("router/answer.py", "from router.slack.streamed_reply import StreamedReply"),
    ("router/answer.py", "from router.adapters.slack_web import SlackWeb"),
    ("router/wiring.py", "from router import answer, slack\nfrom router.adapters import ledger"),
    ("router/__main__.py", "from router.wiring import build\nfrom router.report import report"),
    ("router/settings.py", "import os\nx = os.environ"),
    ("router/report.py", "from decimal import Decimal\ncost_usd: Decimal = Decimal(0)\nshare: float = 0.5"),
    ("handler.py", "def answer(event, context):\n    from router.wiring import worker"),
]


@pytest.mark.parametrize(("path", "source"), ALLOWED)
def test_the_checker_lets_pass(path: str, source: str) -> None:
    """A file that keeps to the tables is left alone."""
    assert violations(path, source) == []
