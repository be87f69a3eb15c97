"""The stage: what the framework deployed, and what it is made of: functions, queues, tables, roles, rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from deploy.e2e.account import Account
from deploy.e2e.project import Project
from deploy.e2e.roles import Permission
from deploy.e2e.steps import StepFailed, wait_until

NAME = "e2e"
STACK = f"penny-{NAME}"

QUIET_WITHIN_S = 120.0
"""For a queue to be worked off."""


@dataclass(frozen=True, slots=True)
class Invoked:
    """How one invocation ended: what was returned, and the error if it was one."""

    returned: Any
    error: str


@dataclass(frozen=True)
class Stage:
    """One stage of Penny in an account, deployed from a project. `environment` is what its shell has set."""

    account: Account
    project: Project
    environment: dict[str, str]

    # the framework

    def serverless(self, command: str) -> str:
        """Run one command of the framework on this stage."""
        environment = self.account.environment | self.environment
        return self.project.serverless(command, "--stage", NAME, environment=environment)

    # what is there

    def resources(self, kind: str = "") -> dict[str, str]:
        """Return the physical ids of the stack's resources of a type, by logical id; no stack has none."""
        pages = self.account.client("cloudformation").get_paginator("list_stack_resources")
        try:
            found = [r for page in pages.paginate(StackName=STACK) for r in page["StackResourceSummaries"]]
        except ClientError:
            return {}
        return {
            r["LogicalResourceId"]: r["PhysicalResourceId"]
            for r in found
            if kind in ("", r["ResourceType"]) and r["ResourceStatus"] != "DELETE_COMPLETE"
        }

    @property
    def endpoint(self) -> str:
        """Where Slack's requests go: the HTTP API by its path on the local AWS."""
        (api,) = self.resources("AWS::ApiGatewayV2::Api").values()
        return f"{self.account.url}/_aws/execute-api/{api}/$default/slack/events"

    @property
    def functions(self) -> list[str]:
        """The short names of all functions, such as `answer`."""
        names = self.resources("AWS::Lambda::Function").values()
        return sorted(name.removeprefix(f"{STACK}-") for name in names)

    def full_name(self, function: str) -> str:
        """Return a function's name in the account."""
        return f"{STACK}-{function}"

    def log_arn(self, function: str) -> str:
        """Return the ARN of all streams of a function's log."""
        group = f"/aws/lambda/{self.full_name(function)}"
        found = self.account.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        return str(next(one["arn"] for one in found if one["logGroupName"] == group))

    def worked_off_by(self, function: str) -> str | None:
        """Return the ARN of the queue that a function works off, if it does."""
        mappings = self.account.client("lambda").list_event_source_mappings(
            FunctionName=self.full_name(function)
        )["EventSourceMappings"]
        return next((str(mapping["EventSourceArn"]) for mapping in mappings), None)

    def table(self, which: str) -> str:
        """Return the name of the table `state` or `usage`."""
        return f"penny-{which}-{NAME}"

    def queue_url(self, which: str) -> str:
        """Return the URL of the queue `jobs` or `dead-letters`."""
        answer = self.account.client("sqs").get_queue_url(QueueName=f"penny-{which}-{NAME}.fifo")
        return str(answer["QueueUrl"])

    # what is in it

    def rows(self, which: str) -> list[dict[str, Any]]:
        """Return all rows of a table, as DynamoDB writes them."""
        pages = self.account.client("dynamodb").get_paginator("scan").paginate(TableName=self.table(which))
        return [row for page in pages for row in page["Items"]]

    def messages(self, which: str) -> int:
        """Return how many messages are in a queue, those in flight included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.account.client("sqs").get_queue_attributes(
            QueueUrl=self.queue_url(which), AttributeNames=names
        )
        return sum(int(found["Attributes"][name]) for name in names)

    def wait_until_worked_off(self) -> None:
        """Wait until no job is in the queue."""
        wait_until(lambda: self.messages("jobs") == 0, "the queue of jobs to be empty", QUIET_WITHIN_S)

    # what it does

    def invoke(self, function: str, event: dict[str, Any]) -> Invoked:
        """Invoke a function and wait for its end."""
        answer = self.account.client("lambda").invoke(
            FunctionName=self.full_name(function), Payload=json.dumps(event)
        )
        returned = json.loads(answer["Payload"].read() or "null")
        return Invoked(returned, error=str(returned) if answer.get("FunctionError") else "")

    def start_afresh(self, function: str) -> None:
        """Have the next invocation of a function start cold, as after any change of its configuration."""
        client, name = self.account.client("lambda"), self.full_name(function)
        before = client.get_function_configuration(FunctionName=name)
        client.update_function_configuration(FunctionName=name, Timeout=before["Timeout"])

        def is_updated() -> bool:
            found = client.get_function_configuration(FunctionName=name)
            return bool(found["LastUpdateStatus"] == "Successful" and found["State"] == "Active")

        wait_until(is_updated, f"{name} ready again", within_s=60)

    def pause_mapping(self) -> None:
        """Leave jobs in the queue from now on."""
        client = self.account.client("lambda")
        for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    def logged(self, function: str) -> Iterator[str]:
        """Yield the lines of a function's log."""
        group = f"/aws/lambda/{self.full_name(function)}"
        pages = self.account.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        for page in pages:
            yield from (event["message"] for event in page["events"])

    def used(self) -> list[Permission]:
        """Return the permissions that its functions have used so far, in order."""
        prefix = f"{STACK}-"
        return [
            Permission(one["function"].removeprefix(prefix), one["action"], one["resource"])
            for one in self.account.used()
        ]

    def role_of(self, function: str) -> tuple[str, str, dict[str, Any]]:
        """Return a function's role, the name of its only policy, and that policy's document."""
        functions = self.account.client("lambda")
        configuration = functions.get_function_configuration(FunctionName=self.full_name(function))
        role = configuration["Role"].rpartition("/")[2]
        iam = self.account.client("iam")
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        if len(names) != 1 or attached:
            raise StepFailed(f"one policy of its own in the role of {function}", [*names, *attached])
        document = iam.get_role_policy(RoleName=role, PolicyName=names[0])["PolicyDocument"]
        return role, names[0], document
