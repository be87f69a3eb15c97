"""The rehearsal: what a deployment promises, kept on a local AWS that enforces roles.

    python -m deploy.rehearsal [URL]      on the local AWS at URL, or one of its own (make node_modules first)

Stops early on what cannot work; keeps tables and rows through deploy, update, remove and deploy again; never
lets CloudFormation create what is there, which AWS refuses and a local one does not. Leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

from deploy.check_template import PACKAGED
from deploy.package import ARTIFACT, ROOT
from playground.aws import start_local_aws

FRAMEWORK = ROOT / "node_modules" / ".bin" / "serverless"
CFN_LINT = Path(sys.executable).parent / "cfn-lint"
LINT_OPTIONS = ("--ignore-checks", "W3005", "--regions", "us-east-1")
"""W3005: the framework writes down dependencies that CloudFormation sees by itself."""

STAGE = "rehearsal"
STACK = f"penny-{STAGE}"
TABLES = (f"penny-state-{STAGE}", f"penny-usage-{STAGE}")
ROW = {"pk": {"S": "rehearsal"}, "sk": {"S": "row"}}
REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}

BAD_INPUTS: tuple[tuple[tuple[str, ...], dict[str, str], str], ...] = (
    (("deploy", "--stage", "no_such"), {}, "Invalid stage name"),
    (("deploy", "--stage", "s" * 41), {}, "cannot be a stage"),
    (("deploy",), {"AWS_REGION": ""}, "The region is not set"),
    (("deploy",), {"AWS_ACCESS_KEY_ID": ""}, "There are no AWS credentials"),
)
"""Commands that cannot work, the variables that make them so, and what is said about it."""


class RehearsalError(Exception):
    """A promise was not kept. The text says which, and what was seen instead."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One local AWS to rehearse on."""

    url: str

    def run(self) -> None:
        """Rehearse everything once. Raises RehearsalError at the first promise that is not kept."""
        self.stops_early()
        self.packages_the_same()
        try:
            self.keeps_the_tables()
        finally:
            self.framework("remove")
            self._delete_tables()

    def stops_early(self) -> None:
        """Give bad input, each in one command."""
        for words, environment, told in BAD_INPUTS:
            done = self.framework(*words, **environment)
            expect(done.returncode != 0 and told in done.stdout, f"stops early: {told}", done.stdout)

    def packages_the_same(self) -> None:
        """Package twice, without credentials, and lint what came of it; the plugin checks our own rules."""
        packages = []
        for _ in range(2):
            self.must("package", AWS_ACCESS_KEY_ID="")
            packages.append(ARTIFACT.read_bytes())
        expect(packages[0] == packages[1], f"packages the same {len(packages[0]):,} bytes twice")
        done = _run([str(CFN_LINT), *LINT_OPTIONS, "--", str(PACKAGED)], dict(os.environ))
        expect(done.returncode == 0, "packages a template that cfn-lint knows no complaint of", done.stdout)

    def keeps_the_tables(self) -> None:
        """Deploy, write, deploy another version, remove, deploy again."""
        dynamodb = self._client("dynamodb")
        self.must("deploy")
        expect(self._tables_in_stack() == set(TABLES), "creates its tables")
        for table in TABLES:
            dynamodb.put_item(TableName=table, Item=ROW)
        self.must("deploy", OPENROUTER_BASE_URL="https://gateway.invalid/v1")
        expect(self._tables_in_stack() == set(TABLES), "still owns its tables after an update")
        passed_on = self._variables("answer").get("OPENROUTER_BASE_URL")
        expect(passed_on == "https://gateway.invalid/v1", "passes on the address of a gateway")
        self.must("remove")
        expect(self._rows() == [ROW, ROW], "leaves tables and rows behind when it is removed")
        self.must("deploy")
        expect(self._tables_in_stack() == set(), "creates no table that is there already")
        expect(self._rows() == [ROW, ROW], "finds the rows of before")
        expect(self._read_as("AnswerRole") == ROW, "lets the worker's role read them")
        self.must("remove")
        self._delete_tables()
        dynamodb.create_table(
            TableName=TABLES[0],
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        done = self.framework("deploy")
        expect("lacks the key" in done.stdout, "refuses a kept table of another shape", done.stdout)

    def framework(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one command of the framework. An empty variable is not set."""
        options = () if "--stage" in words else ("--stage", STAGE)
        variables = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **KEYS,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SLS_AWS_MONITORING_FREQUENCY": "200",  # in milliseconds; a local stack is ready at once
            "NODE_OPTIONS": "--no-warnings",
            **environment,
        }
        return _run([str(FRAMEWORK), *words, *options], {k: v for k, v in variables.items() if v})

    def must(self, *words: str, **environment: str) -> None:
        """Run one command of the framework that has to succeed."""
        done = self.framework(*words, **environment)
        expect(done.returncode == 0, f"runs serverless {' '.join(words)}", done.stdout)

    def _client(self, service: str, **keys: str) -> Any:
        own = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **(keys or own))

    def _resources(self) -> list[dict[str, Any]]:
        pages = self._client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
        return [resource for page in pages for resource in page["StackResourceSummaries"]]

    def _tables_in_stack(self) -> set[str]:
        tables = [r for r in self._resources() if r["ResourceType"] == "AWS::DynamoDB::Table"]
        return {table["PhysicalResourceId"] for table in tables}

    def _variables(self, function: str) -> dict[str, str]:
        name = f"{STACK}-{function}"
        found = self._client("lambda").get_function_configuration(FunctionName=name)
        variables: dict[str, str] = found["Environment"]["Variables"]
        return variables

    def _rows(self) -> list[dict[str, Any]]:
        dynamodb = self._client("dynamodb")
        return [dynamodb.get_item(TableName=table, Key=ROW).get("Item") for table in TABLES]

    def _read_as(self, role: str) -> Any:
        """Read a row with what a function may do."""
        (name,) = [r["PhysicalResourceId"] for r in self._resources() if r["LogicalResourceId"] == role]
        arn = self._client("iam").get_role(RoleName=name)["Role"]["Arn"]
        session = self._client("sts").assume_role(RoleArn=arn, RoleSessionName="rehearsal")["Credentials"]
        dynamodb = self._client(
            "dynamodb",
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )
        return dynamodb.get_item(TableName=TABLES[0], Key=ROW).get("Item")

    def _delete_tables(self) -> None:
        dynamodb = self._client("dynamodb")
        for table in set(dynamodb.list_tables()["TableNames"]) & set(TABLES):
            dynamodb.delete_table(TableName=table)


def expect(kept: bool, promise: str, seen: str = "") -> None:
    """Say that a promise was kept, or raise RehearsalError with what was seen."""
    if not kept:
        raise RehearsalError(f"broken: {promise}\n{seen}")
    print(f"ok  {promise}", flush=True)


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own words
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def main(arguments: list[str]) -> int:
    """Rehearse on the local AWS that the argument names, or on one of its own."""
    if arguments and urlsplit(arguments[0]).hostname not in ("127.0.0.1", "::1"):
        print(
            "penny: a rehearsal deletes tables, so it wants a local AWS: http://127.0.0.1:PORT",
            file=sys.stderr,
        )
        return 2
    with contextlib.ExitStack() as running:
        enforcing = {"AUTH": "true"}  # roles and signatures count, as on AWS
        url = arguments[0] if arguments else running.enter_context(start_local_aws(settings=enforcing)).url
        try:
            Rehearsal(url).run()
        except RehearsalError as error:
            print(f"penny: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
