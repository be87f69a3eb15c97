"""The secrets of a stage: asked for without echo, checked, and kept as SSM SecureStrings.

python -m deploy.secrets --stage dev      what `make secrets STAGE=dev` runs

No value is ever printed, a wrong one neither. Which function reads which is written in serverless.yml.
"""

from __future__ import annotations

import argparse
import getpass
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from router.settings import Settings, settings_from

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

STAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")

PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
"""Whoever waits at a terminal should not wait for the SDK's minute."""

HELP = """\
Asks for each secret of a stage without showing it, and keeps it in SSM; Enter keeps what is there.
Running functions take a new one over as soon as the old one is refused, so this is all it takes to
change one.

Where no one can be asked (stdin is no terminal) values come as lines on stdin, each bare or as
NAME=value, in any order; what is not on stdin comes from environment variables of the same names;
what is in neither stays as it is. So `make secrets STAGE=dev < /dev/null` without such variables
only tells what is there.

  AWS_REGION         the region that the stage is deployed to, and credentials as for other AWS tools
  AWS_ENDPOINT_URL   another address for AWS (optional)

exit codes:
  0  all three are there
  1  one is missing, or AWS did not do as it was asked
  2  it was called wrongly or given a value of the wrong form, and nothing was written
"""


class CannotKeep(Exception):  # noqa: N818 - reads as what it says
    """The secrets cannot be kept. The text says why and what to do, never a value."""

    def __init__(self, text: str, exit_code: int = FAILED) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the secrets: the field of Settings that it is, where to find it, and how it looks."""

    field: str
    found_at: str
    form: re.Pattern[str]
    looks: str

    @property
    def name(self) -> str:
        """The name of its parameter below the stage's prefix, and of its environment variable."""
        return self.field.upper()


KINDS = (
    Kind(
        "slack_signing_secret",
        "api.slack.com/apps, Basic Information, App Credentials",
        re.compile(r"[0-9a-f]{32}"),
        "32 hexadecimal digits",
    ),
    Kind(
        "slack_bot_token",
        "api.slack.com/apps, OAuth & Permissions, after the app was installed",
        re.compile(r"xoxb-[A-Za-z0-9-]+"),
        "xoxb-… (one that starts with xoxe. expires: turn token rotation off)",
    ),
    Kind("openrouter_api_key", "openrouter.ai/settings/keys", re.compile(r"sk-or-[A-Za-z0-9-]+"), "sk-or-…"),
)


class Store:
    """The secrets of one stage in SSM. Raises CannotKeep when AWS does not do as it is asked."""

    def __init__(self, settings: Settings, stage: str) -> None:
        self.stage = stage
        self.prefix = f"/penny/{stage}"
        try:
            session = boto3.Session(region_name=settings.region or None)
            self._ssm = session.client("ssm", endpoint_url=settings.aws_endpoint_url or None, config=PATIENCE)
        except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no URL
            raise CannotKeep(_complaint(error, self.prefix)) from None
        self.region: str = self._ssm.meta.region_name
        if not self.region:  # botocore takes an empty one for a region
            raise CannotKeep(_complaint(NoRegionError(), self.prefix))

    def present(self) -> dict[str, str]:
        """Return the values that are there by their kinds' names."""
        names = [f"{self.prefix}/{kind.name}" for kind in KINDS]
        answer = self._call("get_parameters", Names=names, WithDecryption=True)
        for parameter in answer["Parameters"]:
            if parameter["Type"] != "SecureString":  # and a parameter's type cannot be changed
                name = parameter["Name"]
                raise CannotKeep(
                    f"{name} is there unencrypted: `aws ssm delete-parameter --name {name}`, then try again"
                )
        return {p["Name"].rpartition("/")[2]: p["Value"] for p in answer["Parameters"]}

    def write(self, name: str, value: str) -> None:
        """Write one value, over one that is there."""
        self._call(
            "put_parameter",
            Name=f"{self.prefix}/{name}",
            Description=f"Penny, stage {self.stage}",
            Value=value,
            Type="SecureString",
            Overwrite=True,
        )

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._ssm, operation)(**arguments)
        except (BotoCoreError, ClientError) as error:
            raise CannotKeep(_complaint(error, self.prefix)) from None
        return answer


REMEDIES = {
    "NoRegionError": "set AWS_REGION to the region that the stage is deployed to",
    "Credential": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "ProfileNotFound": "AWS_PROFILE names no profile of ~/.aws/config",
    "SSO": "log in again (aws sso login)",
    "Token": "the credentials have expired or are of no use any more: log in again",
    "UnrecognizedClient": "AWS does not know these credentials",
    "InvalidSignature": "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID",
    "AccessDenied": "these credentials need ssm:GetParameters and ssm:PutParameter on parameter{prefix}/*",
    "ValueError": "write AWS_ENDPOINT_URL like http://127.0.0.1:4566, or leave it out for AWS itself",
    "InvalidRegion": "AWS_REGION is no region's name",
    "Connect": "is the network up, is AWS_REGION right, does AWS_ENDPOINT_URL (if set) answer?",
    "Timeout": "is the network up, is AWS_REGION right, does AWS_ENDPOINT_URL (if set) answer?",
    "Throttling": "try again in a minute",
}
"""What would be right, by a word in the name of what went wrong: the first that is found counts."""


def _complaint(error: Exception, prefix: str) -> str:
    """Name an error and its remedy. What AWS says beside its name may repeat what it was given."""
    name = type(error).__name__
    if isinstance(error, ClientError):
        name = f"{error.operation_name}: {error.response.get('Error', {}).get('Code', 'unknown error')}"
    remedy = next((remedy for word, remedy in REMEDIES.items() if word in name), "")
    return f"{name}: {remedy.format(prefix=prefix)}" if remedy else name


def ask(present: Mapping[str, str]) -> dict[str, str]:
    """Ask for each secret at the terminal until its form is right; an empty answer is left out."""
    given = {}
    for kind in KINDS:
        keeps = "keeps it" if kind.name in present else "leaves it out"
        print(f"\n{kind.name}: {kind.looks}\n  {kind.found_at}")
        while value := _unseen(f"  paste it, or Enter {keeps}: "):
            problem = _problem(kind, value)
            if not problem:
                given[kind.name] = value
                break
            print(f"  {problem}")
    return given


def _unseen(prompt: str) -> str:
    """Ask for a line that is not shown; refuses where it would be."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt).strip()
        except getpass.GetPassWarning:
            raise CannotKeep(
                "this terminal would show the secrets; give them on stdin", WRONG_USAGE
            ) from None


def _problem(kind: Kind, value: str) -> str:
    if kind.form.fullmatch(value):
        return ""
    other = _kind_of(value)
    but = f"this looks like {other.name}" if other else f"this has {len(value)} characters of another form"
    return f"{kind.name} is {kind.looks}; {but}"


def _kind_of(value: str) -> Kind | None:
    return next((kind for kind in KINDS if kind.form.fullmatch(value)), None)


def read(stdin: Iterable[str], settings: Settings) -> dict[str, str]:
    """Read the values on stdin, and the others in the environment. Raises CannotKeep for a wrong one."""
    environment = {kind.name: value for kind in KINDS if (value := getattr(settings, kind.field))}
    given = environment | dict(_lines(stdin))
    for kind in KINDS:
        if kind.name in given and (problem := _problem(kind, given[kind.name])):
            raise CannotKeep(problem, WRONG_USAGE)
    return given


def _lines(stdin: Iterable[str]) -> Iterator[tuple[str, str]]:
    names = {kind.name for kind in KINDS}
    for number, line in enumerate(stdin, 1):
        name, equals, value = line.strip().partition("=")
        if name in names and equals:
            if value:
                yield name, value
        elif kind := _kind_of(line.strip()):
            yield kind.name, line.strip()
        elif line.strip():
            looks = "; ".join(f"{kind.name} is {kind.looks}" for kind in KINDS)
            raise CannotKeep(f"line {number} of stdin is no secret: {looks}", WRONG_USAGE)


def keep(store: Store, present: Mapping[str, str], given: Mapping[str, str]) -> bool:
    """Write what is new, tell of each secret what became of it, and return whether all are there."""
    print()
    for kind in KINDS:
        value = given.get(kind.name, present.get(kind.name))
        is_new = value is not None and value != present.get(kind.name)
        if is_new and value:
            store.write(kind.name, value)
        became = ("replaced" if kind.name in present else "written") if is_new else "unchanged"
        print(f"  {kind.name:<22}{became if value else 'MISSING'}")
    return all(kind.name in {**present, **given} for kind in KINDS)


def run(stage: str, stdin: TextIO | None) -> int:
    """Ask or read, then write; returns the exit code."""
    settings = settings_from()
    store = Store(settings, stage)
    present = store.present()
    print(f"Stage {stage} in {store.region}: SSM parameters {store.prefix}/…")
    given = ask(present) if stdin and stdin.isatty() else read(stdin or (), settings)
    return DONE if keep(store, present, given) else FAILED


def main(argv: Sequence[str] | None = None, stdin: TextIO | None = None) -> int:
    """Run the command and return its exit code; what goes wrong is one line on stderr."""
    parser = argparse.ArgumentParser(
        "make secrets STAGE=…",
        description="Keep the secrets of a stage.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stage", default="dev", help="the stage that is deployed (default: dev)")
    stage = parser.parse_args(argv).stage
    if not STAGE.fullmatch(stage):
        parser.error("a stage is 1 to 40 letters, digits and hyphens, such as dev")
    try:
        return run(stage, stdin or sys.stdin)
    except CannotKeep as error:
        print(f"penny: {error}", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, EOFError):
        print("\npenny: stopped", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
