"""Acknowledge one event with as little as can be: a script that checks the signature and sends one request.

It has no time-out, no retry, no second look at anything, and queues whatever is signed.
"""

import hashlib
import hmac
import http.client
import json
import os
import sys
import time
from urllib.parse import urlsplit


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


event = json.load(sys.stdin)
body, headers = event["body"], {name.lower(): value for name, value in event["headers"].items()}
base = f"v0:{headers['x-slack-request-timestamp']}:{body}"
expected = "v0=" + _hmac(os.environ["SLACK_SIGNING_SECRET"].encode(), base).hex()
if not hmac.compare_digest(expected, headers["x-slack-signature"]):
    sys.exit("401")

message = json.loads(body)["event"]
job = {
    "QueueUrl": os.environ["QUEUE_URL"],
    "MessageBody": body,
    "MessageGroupId": f"{message['channel']}:{message['ts']}",
    "MessageDeduplicationId": f"{message['channel']}:{message['ts']}",
}
sent = json.dumps(job)
url = urlsplit(os.environ["AWS_ENDPOINT_URL"])
now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
scope = f"{now[:8]}/us-east-1/sqs/aws4_request"
signed = f"host:{url.netloc}\nx-amz-date:{now}\nx-amz-target:AmazonSQS.SendMessage\n"
names = "host;x-amz-date;x-amz-target"
request = f"POST\n/\n\n{signed}\n{names}\n{hashlib.sha256(sent.encode()).hexdigest()}"
text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
key = f"AWS4{os.environ['AWS_SECRET_ACCESS_KEY']}".encode()
for part in (now[:8], "us-east-1", "sqs", "aws4_request"):
    key = _hmac(key, part)
credential = f"Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
signature = f"SignedHeaders={names}, Signature={_hmac(key, text).hex()}"
connection = http.client.HTTPConnection(url.netloc)
connection.request(
    "POST",
    "/",
    sent,
    {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-date": now,
        "x-amz-target": "AmazonSQS.SendMessage",
        "authorization": f"AWS4-HMAC-SHA256 {credential}, {signature}",
    },
)
sys.stdout.write(f"{connection.getresponse().status}\n")
