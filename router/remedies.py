"""Remedies: what would be right, by a word in what went wrong; one place for all that an operator is told."""

from __future__ import annotations

from router.errors import PennyError, SlackRefused, SlackUnavailable, TableUnavailable

BY_ID = "give the channel's id (C...), which stands at the end of its details in Slack"

REMEDIES = {
    "not set in the environment": "--help says what each is for",
    "NoRegionError": "set AWS_REGION",
    "CredentialsError": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    "Invalid endpoint": "write AWS_ENDPOINT_URL like http://127.0.0.1:4566, or leave it out for AWS itself",
    "codec can't encode": "tokens and keys are plain ASCII",
    "UnsupportedProtocol": "write SLACK_API_URL like https://slack.com/api/, or leave it out",
    "gaierror": "is the network up, is the address right?",
    "ConnectionRefused": "does what is at that address run?",
    "ConnectionError": "is the network up, is AWS_REGION right, does AWS_ENDPOINT_URL (if set) answer?",
    "TimeoutError": "is the network up, is AWS_REGION right, does AWS_ENDPOINT_URL (if set) answer?",
    "ResourceNotFoundException": "no such table here: check STATE_TABLE, USAGE_TABLE, AWS_REGION",
    "ValidationException": "a table has other keys or indexes than serverless.yml says: check its name",
    "QueueDoesNotExist": "no such queue here: check QUEUE_URL, AWS_REGION",
    "AccessDenied": "the AWS credentials have no right to do that",
    "UnrecognizedClient": "AWS does not know these credentials",
    "InvalidClientTokenId": "AWS does not know these credentials",
    "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID",
    "ProfileNotFound": "AWS_PROFILE names no profile of ~/.aws/config",
    "SSO": "the AWS credentials have expired: log in again",
    "ExpiredToken": "the AWS credentials have expired: log in again",
    "missing_scope": f"give the Slack app the scopes channels:read and groups:read, or {BY_ID}",
    "invalid_auth": "check SLACK_BOT_TOKEN",
    "not_authed": "check SLACK_BOT_TOKEN",
    "token_": "check SLACK_BOT_TOKEN",
    "account_inactive": "check SLACK_BOT_TOKEN",
    "conversations.list": f"try again later, or {BY_ID}",
}
"""What would be right, by a word in what went wrong: the first that is found counts."""


WENT_WRONG = {
    TableUnavailable: "a table does not answer as it should",
    SlackRefused: "Slack refuses",
    SlackUnavailable: "Slack does not answer",
}


def remedy_for(said: str) -> str:
    """Return what would be right, or nothing where it is not known."""
    return next((remedy for word, remedy in REMEDIES.items() if word in said), "")


def complaint(error: Exception) -> str:
    """Say what went wrong and, where it is known, what would be right."""
    said = str(error) if isinstance(error, PennyError) else f"unexpected {type(error).__name__}: {error}"
    said = next((f"{what} ({said})" for kind, what in WENT_WRONG.items() if isinstance(error, kind)), said)
    remedy = remedy_for(said)
    return f"{said.rstrip('.')}; {remedy}" if remedy else said
