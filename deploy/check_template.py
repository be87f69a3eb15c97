"""The rules for the packaged template: what AWS would refuse, or take and let us regret.

    python -m deploy.check_template [FILE]      FILE is what `npx serverless package` wrote, unless given

cfn-lint knows what CloudFormation is; this knows what Penny promises. Each rule looks at the template alone
and yields one sentence for each violation.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy import target

PACKAGED = Path(".serverless/cloudformation-template-update-stack.json")

SECRET_NAME = re.compile(r"(SECRET|TOKEN|KEY|PASSWORD)$")
"""How variables end that would hold a secret. `SECRETS_PREFIX` only says where secrets are."""

SECRET_VALUE = re.compile(r"xox[a-z]-|xapp-|sk-or-|A[KS]IA[0-9A-Z]{16}")
"""How the secrets begin that could be meant: Slack's, OpenRouter's, AWS's."""

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A CloudFormation template, by what is in it."""

    resources: dict[str, Resource]

    def of_type(self, kind: str) -> dict[str, Resource]:
        """Return the properties of all resources of a type, by logical id."""
        found = {name: r for name, r in self.resources.items() if r["Type"] == kind}
        return {name: resource.get("Properties", {}) for name, resource in found.items()}

    @property
    def functions(self) -> dict[str, Resource]:
        """The functions' properties."""
        return self.of_type("AWS::Lambda::Function")

    @property
    def queues(self) -> dict[str, Resource]:
        """The queues' properties."""
        return self.of_type("AWS::SQS::Queue")

    @property
    def tables(self) -> dict[str, Resource]:
        """The tables' properties."""
        return self.of_type("AWS::DynamoDB::Table")

    @property
    def worked_off(self) -> Iterator[tuple[str, str]]:
        """Each queue that a function works off, and that function."""
        for mapping in self.of_type("AWS::Lambda::EventSourceMapping").values():
            yield named(mapping["EventSourceArn"]), named(mapping["FunctionName"])

    @property
    def watched(self) -> set[tuple[str, str]]:
        """Each metric that an alarm watches, and the resource it is a metric of."""
        return {
            (alarm.get("MetricName", ""), named(dimension["Value"]))
            for alarm in self.of_type("AWS::CloudWatch::Alarm").values()
            for dimension in alarm.get("Dimensions", [])
        }


Rule = Callable[[Template], Iterator[str]]


def named(value: Any) -> str:
    """Name the resource that a value refers to, or return the text that it is."""
    return next(references_in(value), value if isinstance(value, str) else "")


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in a value, whatever it is nested in."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_in(part)


def references_in(value: Any) -> Iterator[str]:
    """Yield the logical id of every resource that a value refers to."""
    if isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        if "Fn::GetAtt" in value:
            found = value["Fn::GetAtt"]
            yield found[0] if isinstance(found, list) else found.partition(".")[0]
        if isinstance(text := value.get("Fn::Sub"), str):
            yield from re.findall(r"\$\{(\w+)[.}]", text)
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from references_in(part)


def functions_fit_the_package(template: Template) -> Iterator[str]:
    """Hold the functions to the runtime and processor that the package was made for."""
    wanted = (f"python{target.PYTHON[0]}.{target.PYTHON[1]}", ["arm64"])
    for name, function in template.functions.items():
        found = (function.get("Runtime"), function.get("Architectures"))
        if found != wanted:
            yield f"{name} runs {found}, but the package is made for {wanted}"


def jobs_stay_hidden(template: Template) -> Iterator[str]:
    """Keep a job that is being worked on from a second worker."""
    for queue, function in template.worked_off:
        visibility = template.queues[queue].get("VisibilityTimeout", 30)
        timeout = template.functions[function].get("Timeout", 3)
        if visibility < timeout:
            yield f"{queue} shows a job again after {visibility} s, while {function} may take {timeout} s"


def jobs_are_parked(template: Template) -> Iterator[str]:
    """Give every queue that is worked off a dead-letter queue of its own kind."""
    for queue, _ in template.worked_off:
        redrive = template.queues[queue].get("RedrivePolicy", {})
        parked_in = template.queues.get(named(redrive.get("deadLetterTargetArn", "")), None)
        if parked_in is None:
            yield f"{queue} has no dead-letter queue in this template"
        elif bool(parked_in.get("FifoQueue")) is not bool(template.queues[queue].get("FifoQueue")):
            yield f"{queue} and its dead-letter queue must both be FIFO or both not be"


def roles_are_narrow(template: Template) -> Iterator[str]:
    """Allow nothing on everything."""
    kinds = ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
    for kind in kinds:
        for name, properties in template.of_type(kind).items():
            for statement in _statements(properties):
                wide = [t for key in ("Action", "Resource") for t in texts_in(statement.get(key)) if "*" in t]
                if wide or {"NotAction", "NotResource"} & set(statement):
                    yield f"{name} allows {statement.get('Action')} on {wide or 'all but some resources'}"


def _statements(properties: Resource) -> Iterator[dict[str, Any]]:
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    for document in [*documents, *filter(None, [properties.get("PolicyDocument")])]:
        yield from document["Statement"]


def roles_are_not_shared(template: Template) -> Iterator[str]:
    """Give every function a role of its own."""
    owner: dict[str, str] = {}
    for name, function in template.functions.items():
        role = named(function["Role"])
        if role not in template.resources:
            yield f"{name} has a role that is not in this template: {role}"
        elif role in owner:
            yield f"{name} and {owner[role]} share {role}"
        owner[role] = name


def logs_end(template: Template) -> Iterator[str]:
    """Let every function's log end."""
    kept = {group["LogGroupName"] for group in _log_groups(template) if group.get("RetentionInDays")}
    for name, function in template.functions.items():
        log = f"/aws/lambda/{function['FunctionName']}"
        if log not in kept:
            yield f"{name} writes to {log}, which has no retention in this template"


def _log_groups(template: Template) -> list[Resource]:
    return list(template.of_type("AWS::Logs::LogGroup").values())


def failures_are_told(template: Template) -> Iterator[str]:
    """Watch errors, throttles, dead letters and old jobs, and send every alarm somewhere."""
    wanted = [(metric, name) for name in template.functions for metric in ("Errors", "Throttles")]
    for queue, _ in template.worked_off:
        dead_letters = named(template.queues[queue].get("RedrivePolicy", {}).get("deadLetterTargetArn", ""))
        wanted += [("ApproximateAgeOfOldestMessage", queue)]
        wanted += [("ApproximateNumberOfMessagesVisible", dead_letters)]
    for metric, name in wanted:
        if (metric, name) not in template.watched:
            yield f"no alarm watches {metric} of {name}"
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        if not alarm.get("AlarmActions"):
            yield f"{name} tells no one"


def secrets_are_elsewhere(template: Template) -> Iterator[str]:
    """Keep secrets out of the functions' environments and of the whole template."""
    for name, function in template.functions.items():
        for variable in function.get("Environment", {}).get("Variables", {}):
            if SECRET_NAME.search(variable):
                yield f"{name} has {variable} in its environment; secrets belong in SSM"
    for name, resource in template.resources.items():
        if any(SECRET_VALUE.search(text) for text in texts_in(resource)):
            yield f"{name} contains what looks like a secret"


TABLE_PROPERTIES = {
    "BillingMode": "PAY_PER_REQUEST",
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    "SSESpecification": {"SSEEnabled": True},
}
"""What every table has: no capacity to plan, a way back from a mistake, a key that its account can see."""


def tables_are_kept(template: Template) -> Iterator[str]:
    """Let a table outlive its stack, and mistakes."""
    for name, properties in template.tables.items():
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if template.resources[name].get(policy) != "Retain":
                yield f"{name} has no {policy}: Retain and would go with its stack"
        for key, value in TABLE_PROPERTIES.items():
            if properties.get(key) != value:
                yield f"{name} needs {key}: {json.dumps(value)}"


def tables_are_known_by_name(template: Template) -> Iterator[str]:
    """Need no table to be in the template: one that was kept from an earlier stack is not."""
    for name, properties in template.tables.items():
        if not isinstance(properties.get("TableName"), str):
            yield f"{name} has no fixed name, so a new stack would not find it"
    for name, resource in template.resources.items():
        for table in sorted(set(references_in(resource)) & set(template.tables)):
            yield f"{name} refers to {table}, which a kept table would leave dangling: write the table's name"


def the_endpoint_is_bounded(template: Template) -> Iterator[str]:
    """Cut off a flood of requests, and write no access log."""
    for name, stage in template.of_type("AWS::ApiGatewayV2::Stage").items():
        limits = stage.get("DefaultRouteSettings", {})
        if not (limits.get("ThrottlingRateLimit") and limits.get("ThrottlingBurstLimit")):
            yield f"{name} has no throttling"
        if "AccessLogSettings" in stage:
            yield f"{name} writes an access log"


RULES: tuple[Rule, ...] = (
    functions_fit_the_package,
    jobs_stay_hidden,
    jobs_are_parked,
    roles_are_narrow,
    roles_are_not_shared,
    logs_end,
    failures_are_told,
    secrets_are_elsewhere,
    tables_are_kept,
    tables_are_known_by_name,
    the_endpoint_is_bounded,
)


def violations(template: dict[str, Any]) -> list[str]:
    """Return one sentence for each violation of a rule."""
    known = Template(template["Resources"])
    return [sentence for rule in RULES for sentence in rule(known)]


def main(arguments: list[str]) -> int:
    """Check one file and say what is wrong with it."""
    file = Path(arguments[0]) if arguments else PACKAGED
    try:
        template = json.loads(file.read_text(encoding="utf-8"))
        found = violations(template)
    except (OSError, ValueError, KeyError) as error:
        print(f"penny: {file} is no packaged template ({error}): run make package", file=sys.stderr)
        return 1
    for sentence in found:
        print(f"penny: {sentence}", file=sys.stderr)
    if not found:
        print(f"{file.name}: {len(template['Resources'])} resources keep all {len(RULES)} rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
