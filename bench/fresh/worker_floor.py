"""Import what a worker cannot do without, make two clients of AWS, and tell the memory that it took."""

import resource
import sys

import boto3
import httpx
import slack_bolt

kept = (slack_bolt, httpx, boto3.client("dynamodb"), boto3.client("sqs"))
sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\n")
