"""The rules for the packaged template: serverless.yml keeps them all, and each violation is told."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from deploy.check_template import main, violations
from playground.stack import read_stack

STACK = read_stack("test")

GONE = object()
"""Takes a value away."""


def packaged() -> dict[str, Any]:
    """Write serverless.yml as the framework would package it, as far as the rules look."""
    resources = copy.deepcopy(STACK["resources"]["Resources"])
    for key, function in STACK["functions"].items():
        name, title = f"penny-test-{key}", key.capitalize()
        resources[f"{title}LogGroup"] = {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": f"/aws/lambda/{name}",
                "RetentionInDays": STACK["provider"]["logRetentionInDays"],
            },
        }
        resources[f"{title}LambdaFunction"] = {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": name,
                "Runtime": STACK["provider"]["runtime"],
                "Architectures": [STACK["provider"]["architecture"]],
                "Timeout": function["timeout"],
                "Environment": {"Variables": copy.deepcopy(function["environment"])},
                "Role": {"Fn::GetAtt": [function["role"], "Arn"]},
            },
        }
    resources["Jobs"] = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": {"Fn::GetAtt": ["JobQueue", "Arn"]},
            "FunctionName": {"Fn::GetAtt": ["AnswerLambdaFunction", "Arn"]},
        },
    }
    resources["HttpApiStage"] = {"Type": "AWS::ApiGatewayV2::Stage"} | copy.deepcopy(
        STACK["resources"]["extensions"]["HttpApiStage"]
    )
    return {"Resources": resources}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Package serverless.yml with one value changed; `path` begins at a resource."""
    template = packaged()
    *above, last = path.split("/")
    found = template["Resources"]
    for key in above:
        found = found[int(key) if isinstance(found, list) else key]
    if value is GONE:
        del found[last]
    else:
        found[int(last) if isinstance(found, list) else last] = value
    return template


ANSWER = "AnswerLambdaFunction/Properties"
STATEMENT = "AnswerRole/Properties/Policies/0/PolicyDocument/Statement/2"


def test_serverless_yml_keeps_every_rule() -> None:
    """The stack as it stands has nothing to complain of."""
    assert violations(packaged()) == []


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (f"{ANSWER}/Runtime", "python3.12", "AnswerLambdaFunction runs"),
        (f"{ANSWER}/Architectures", ["x86_64"], "AnswerLambdaFunction runs"),
        (f"{ANSWER}/Timeout", 311, "JobQueue shows a job again after 310 s"),
        ("JobQueue/Properties/VisibilityTimeout", GONE, "JobQueue shows a job again after 30 s"),
        ("JobQueue/Properties/RedrivePolicy", GONE, "JobQueue has no dead-letter queue"),
        ("DeadLetterQueue/Properties/FifoQueue", GONE, "must both be FIFO"),
        (f"{STATEMENT}/Resource", "*", "AnswerRole allows"),
        (f"{STATEMENT}/Resource", [{"Fn::Sub": "arn:aws:sqs:${AWS::Region}:1:*"}], "AnswerRole allows"),
        (f"{STATEMENT}/Action", ["sqs:*"], "AnswerRole allows"),
        (f"{STATEMENT}/NotResource", "x", "AnswerRole allows"),
        (f"{ANSWER}/Role", {"Fn::GetAtt": ["ReceiveRole", "Arn"]}, "share ReceiveRole"),
        (f"{ANSWER}/Role", "arn:aws:iam::1:role/admin", "a role that is not in this template"),
        (
            "AnswerLogGroup/Properties/RetentionInDays",
            GONE,
            "/aws/lambda/penny-test-answer, which has no reten",
        ),
        ("AnswerLogGroup", GONE, "/aws/lambda/penny-test-answer, which has no retention"),
        ("AnswerErrorsAlarm", GONE, "no alarm watches Errors of AnswerLambdaFunction"),
        ("ReceiveThrottlesAlarm", GONE, "no alarm watches Throttles of ReceiveLambdaFunction"),
        ("DeadLettersAlarm", GONE, "no alarm watches ApproximateNumberOfMessagesVisible of DeadLetterQueue"),
        ("OldestJobAlarm", GONE, "no alarm watches ApproximateAgeOfOldestMessage of JobQueue"),
        ("SpendAlarm/Properties/AlarmActions", [], "SpendAlarm tells no one"),
        (f"{ANSWER}/Environment/Variables/SLACK_BOT_TOKEN", "x", "secrets belong in SSM"),
        (f"{ANSWER}/Environment/Variables/STATE_TABLE", "xoxb-1", "AnswerLambdaFunction contains what looks"),
        ("StateTable/DeletionPolicy", GONE, "StateTable has no DeletionPolicy: Retain"),
        ("UsageTable/UpdateReplacePolicy", "Delete", "UsageTable has no UpdateReplacePolicy: Retain"),
        (
            "UsageTable/Properties/PointInTimeRecoverySpecification",
            GONE,
            "UsageTable needs PointInTimeRecovery",
        ),
        (
            "UsageTable/Properties/SSESpecification",
            {"SSEEnabled": False},
            "UsageTable needs SSESpecification",
        ),
        ("UsageTable/Properties/BillingMode", "PROVISIONED", "UsageTable needs BillingMode"),
        ("UsageTable/Properties/TableName", GONE, "UsageTable has no fixed name"),
        (f"{ANSWER}/Environment/Variables/USAGE_TABLE", {"Ref": "UsageTable"}, "refers to UsageTable"),
        (f"{STATEMENT}/Resource", {"Fn::Sub": "${StateTable.Arn}/index/x"}, "refers to StateTable"),
        ("HttpApiStage/Properties/DefaultRouteSettings", GONE, "HttpApiStage has no throttling"),
        (
            "HttpApiStage/Properties/AccessLogSettings",
            {"Format": "$input"},
            "HttpApiStage writes an access log",
        ),
    ],
)
def test_each_violation_is_told(path: str, value: Any, told: str) -> None:
    """One change for the worse, and its rule says where."""
    assert [sentence for sentence in violations(changed(path, value)) if told in sentence]


def test_a_function_behind_an_alias_is_still_known() -> None:
    """With SnapStart the queue's function is named by a join of its ARN and the alias."""
    alias = {"Fn::Join": [":", [{"Fn::GetAtt": ["AnswerLambdaFunction", "Arn"]}, "snapstart"]]}

    assert violations(changed("Jobs/Properties/FunctionName", alias)) == []


def test_the_command_tells_all_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Violations are printed for people, and the exit code is for the shell."""
    good, bad, none = (tmp_path / name for name in ("good.json", "bad.json", "none.json"))
    good.write_text(json.dumps(packaged()))
    bad.write_text(json.dumps(changed("AnswerErrorsAlarm", GONE)))

    assert [main([str(file)]) for file in (good, bad, none)] == [0, 1, 1]

    printed = capsys.readouterr()
    assert "keep all" in printed.out
    assert "penny: no alarm watches Errors of AnswerLambdaFunction" in printed.err
    assert "none.json is no packaged template" in printed.err
