"""`make secrets`: what it asks, takes, refuses and writes, and that no value is ever seen."""

from __future__ import annotations

import io
import itertools
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from deploy.secrets import DONE, FAILED, KINDS, WRONG_USAGE, CannotKeep, main, read
from playground.aws import LocalAws
from playground.stack import read_stack
from router.settings import SECRETS, Settings
from tests.loopback_sqs import Answer, LoopbackSqs

ROOT = Path(__file__).parent.parent
SIGNING = "0123456789abcdef0123456789abcdef"
TOKEN = "xoxb-1234-5678-AbCd"
KEY = "sk-or-v1-abcdef"
ALL = f"{SIGNING}\n{TOKEN}\n{KEY}\n"

Run = Callable[..., int]


@pytest.fixture
def environment(aws: LocalAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Set what AWS's tools read, so that nothing of this machine's is used."""
    for name in [*os.environ]:
        if name.startswith("AWS_") or name.lower() in SECRETS:
            monkeypatch.delenv(name)
    wanted = {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_REGION": aws.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    return wanted


_stages = itertools.count(1)


@pytest.fixture
def stage() -> str:
    """Name a stage of this test's own."""
    return f"command-{next(_stages)}"


@pytest.fixture
def run(environment: dict[str, str], stage: str) -> Run:
    """Run the command where no one can be asked, with so much on stdin."""
    assert environment

    def run_with(stdin: str = "", *arguments: str) -> int:
        return main([*(arguments or ("--stage", stage))], io.StringIO(stdin))

    return run_with


@pytest.fixture(scope="module")
def ssm(aws: LocalAws) -> Any:
    """Make the client once: it takes a fifth of a second."""
    return boto3.Session("test", "test", region_name=aws.region).client("ssm", endpoint_url=aws.url)


def there(ssm: Any, stage: str) -> dict[str, tuple[str, str, int]]:
    """Return type, value and version of what a stage has in SSM."""
    names = [f"/penny/{stage}/{kind.name}" for kind in KINDS]
    found = ssm.get_parameters(Names=names, WithDecryption=True)["Parameters"]
    return {p["Name"].rpartition("/")[2]: (p["Type"], p["Value"], p["Version"]) for p in found}


def became(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Read what was told of each secret."""
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    return {line[0]: line[1] for line in lines if len(line) == 2}


def test_the_functions_look_where_the_command_writes() -> None:
    """The names of the stage's parameters are those of serverless.yml, and each is somebody's."""
    stack = read_stack("dev")
    assert {f["environment"]["SECRETS_PREFIX"] for f in stack["functions"].values()} == {"/penny/dev"}
    roles = json.dumps(stack["resources"]["Resources"])
    assert [kind.field for kind in KINDS] == list(SECRETS)
    assert not [kind.name for kind in KINDS if f":parameter/penny/dev/{kind.name}" not in roles]


# On stdin and in the environment


def test_values_on_stdin_are_kept_as_secure_strings(
    run: Run, stage: str, ssm: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bare or with their names, in any order."""
    assert run(f"\nSLACK_BOT_TOKEN={TOKEN}\n  {KEY}  \r\n{SIGNING}\n") == DONE
    assert there(ssm, stage) == {
        "SLACK_SIGNING_SECRET": ("SecureString", SIGNING, 1),
        "SLACK_BOT_TOKEN": ("SecureString", TOKEN, 1),
        "OPENROUTER_API_KEY": ("SecureString", KEY, 1),
    }
    assert set(became(capsys).values()) == {"written"}


def test_what_is_there_stays_and_what_is_new_replaces_it(
    run: Run, stage: str, ssm: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same values again change nothing, not even a version."""
    run(ALL)
    capsys.readouterr()
    assert run(f"{SIGNING}\nSLACK_BOT_TOKEN=xoxb-2\nOPENROUTER_API_KEY=\n") == DONE
    assert became(capsys) == {
        "SLACK_SIGNING_SECRET": "unchanged",
        "SLACK_BOT_TOKEN": "replaced",
        "OPENROUTER_API_KEY": "unchanged",
    }
    assert {name: (value, version) for name, (_, value, version) in there(ssm, stage).items()} == {
        "SLACK_SIGNING_SECRET": (SIGNING, 1),
        "SLACK_BOT_TOKEN": ("xoxb-2", 2),
        "OPENROUTER_API_KEY": (KEY, 1),
    }


def test_without_values_it_tells_what_is_missing(
    run: Run, stage: str, ssm: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says so by its exit code too."""
    assert run(f"{TOKEN}\n") == FAILED
    capsys.readouterr()
    assert run() == FAILED
    assert became(capsys) == {
        "SLACK_SIGNING_SECRET": "MISSING",
        "SLACK_BOT_TOKEN": "unchanged",
        "OPENROUTER_API_KEY": "MISSING",
    }
    assert list(there(ssm, stage)) == ["SLACK_BOT_TOKEN"]


def test_the_environment_is_asked_for_what_is_not_on_stdin(
    run: Run, stage: str, ssm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is set where things are automated."""
    monkeypatch.setenv("SLACK_SIGNING_SECRET", SIGNING)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-the-environment")
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    assert run(f"{TOKEN}\n") == DONE
    assert there(ssm, stage)["SLACK_BOT_TOKEN"][1] == TOKEN
    assert there(ssm, stage)["OPENROUTER_API_KEY"][1] == KEY


@pytest.mark.parametrize(
    "stdin",
    [
        "my-secret-word",
        "SLACK_SIGNING_SECRET=my-secret-word",
        f"SLACK_SIGNING_SECRET={SIGNING}0",
        f"SLACK_SIGNING_SECRET={SIGNING.upper()}",
        "SLACK_BOT_TOKEN=xoxp-my-secret-word",
        "xoxe.xoxb-my-secret-word",
        "OPENROUTER_API_KEY=sk-my-secret-word",
        "sk-or-my secret-word",
        "SLACK_TOKEN=xoxb-1",
        "\ufeffsk-or-1",
        "xoxb-\x00",
    ],
)
def test_a_value_of_another_form_is_refused_unseen(stdin: str) -> None:
    """With what it should look like."""
    with pytest.raises(CannotKeep) as refused:
        read([f"{TOKEN}\n", f"{stdin}\n"], Settings())
    told = str(refused.value)
    assert refused.value.exit_code == WRONG_USAGE
    assert [form for form in ("32 hexadecimal digits", "xoxb-…", "sk-or-…") if form in told]
    assert "secret-word" not in told
    assert SIGNING not in told


def test_a_value_in_the_wrong_place_is_recognised(
    run: Run, stage: str, ssm: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two that were swapped are told by their names, and nothing was written."""
    assert run(f"{SIGNING}\nOPENROUTER_API_KEY={TOKEN}\n") == WRONG_USAGE
    assert "this looks like SLACK_BOT_TOKEN" in capsys.readouterr().err
    assert there(ssm, stage) == {}


def test_no_value_is_printed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither when it is written, nor when it is replaced or kept."""
    run(ALL)
    run(ALL.replace("abcdef", "fedcba").replace("5678", "8765"))
    run()
    told = "".join(capsys.readouterr())
    assert "written" in told
    assert not [
        part for part in ("abcdef0", "fedcba0", "5678", "8765", "v1-abcdef", "v1-fedcba") if part in told
    ]


def test_a_parameter_that_is_not_encrypted_is_not_overwritten(
    run: Run, stage: str, ssm: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """SSM would keep its type; the command that takes it away is told."""
    name = f"/penny/{stage}/SLACK_BOT_TOKEN"
    ssm.put_parameter(Name=name, Value="xoxb-in-the-clear", Type="String")
    assert run(ALL) == FAILED
    told = capsys.readouterr().err
    assert f"aws ssm delete-parameter --name {name}" in told
    assert "in-the-clear" not in told


# Called wrongly, or AWS does not do as it is asked


@pytest.mark.parametrize("stage", ["", "a b", "dev/../prod", "d" * 41, "dév", "dev\n"])
def test_a_stage_that_is_none_is_refused(
    run: Run, stage: str, capsys: pytest.CaptureFixture[str], sqs: LoopbackSqs
) -> None:
    """Before AWS is asked for anything."""
    with pytest.raises(SystemExit) as ended:
        run(ALL, "--stage", stage)
    assert ended.value.code == WRONG_USAGE
    assert "a stage is" in capsys.readouterr().err
    assert sqs.received == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"AWS_REGION": ""}, "NoRegionError: set AWS_REGION"),
        ({"AWS_REGION": "eu central"}, "AWS_REGION is no region's name"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "set AWS_ACCESS_KEY_ID"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "set AWS_ACCESS_KEY_ID"),
        ({"AWS_PROFILE": "nobody"}, "AWS_PROFILE names no profile"),
        ({"AWS_ENDPOINT_URL": "localhost"}, "write AWS_ENDPOINT_URL like http://127.0.0.1:4566"),
    ],
)
def test_what_is_not_set_up_is_told_with_its_remedy(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    told: str,
) -> None:
    """In one line, without a traceback."""
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert run(ALL) == FAILED
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("penny: ")
    assert told in line


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("AccessDeniedException", "need ssm:GetParameters and ssm:PutParameter on parameter/penny/dev/*"),
        ("ExpiredTokenException", "log in again"),
        ("UnrecognizedClientException", "AWS does not know these credentials"),
        ("SomethingNew", "GetParameters: SomethingNew"),
    ],
)
def test_a_refusal_of_awss_is_told_without_its_words(
    run: Run,
    sqs: LoopbackSqs,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: str,
    told: str,
) -> None:
    """Its words may repeat what it was given."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", sqs.url)
    sqs.script.append(Answer(400, json.dumps({"__type": code, "message": f"Value {KEY} is not"}).encode()))
    assert run(ALL, "--stage", "dev") == FAILED
    line = capsys.readouterr().err
    assert told in line
    assert KEY not in line


# At a terminal

AT_A_TERMINAL = "import sys; from deploy.secrets import main; sys.exit(main(['--stage', sys.argv[1]]))"


def test_at_a_terminal_it_asks_without_echo(environment: dict[str, str], stage: str, ssm: Any) -> None:
    """A wrong form is asked for again, Enter keeps what is there, and the screen shows no value."""
    ssm.put_parameter(Name=f"/penny/{stage}/OPENROUTER_API_KEY", Value=KEY, Type="SecureString")
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, stage],
        cwd=ROOT,
        env=os.environ | environment | {"SLACK_BOT_TOKEN": "xoxb-of-the-shell"},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    screen = ""
    for typed in (TOKEN, SIGNING, TOKEN, ""):
        screen += read_until(ours, ": \n", "keeps it: ", "leaves it out: ")
        os.write(ours, f"{typed}\n".encode())
    screen += read_until(ours, "OPENROUTER_API_KEY    unchanged")
    assert process.wait(10) == DONE
    os.close(ours)
    assert "this looks like SLACK_BOT_TOKEN" in screen
    assert not [value for value in (SIGNING, TOKEN, KEY, "xoxb-of-the-shell") if value in screen]
    assert {name: value for name, (_, value, _) in there(ssm, stage).items()} == {
        "SLACK_SIGNING_SECRET": SIGNING,
        "SLACK_BOT_TOKEN": TOKEN,
        "OPENROUTER_API_KEY": KEY,
    }


def read_until(terminal: int, *ends: str) -> str:
    """Read the screen until it ends in one of these words."""
    seen = ""
    while not seen.rstrip("\r\n").endswith(ends):
        seen += os.read(terminal, 4096).decode()
    return seen
