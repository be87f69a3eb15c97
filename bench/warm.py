"""Imported by the process that workers are forked from: what takes a client of AWS long is done once."""

from __future__ import annotations

import boto3

boto3.setup_default_session(
    aws_access_key_id="test",
    aws_secret_access_key="test",  # noqa: S106 - no secret
    region_name="us-east-1",
)
boto3.resource("dynamodb", endpoint_url="http://127.0.0.1:9")
