"""The queue: SQS FIFO by its JSON protocol, over the standard library alone.

A message is taken, or QueueUnavailable says why not, within the time that Slack's three seconds leave.
Sending one twice is harmless, because its deduplication id makes one of the two.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from router.adapters.aws_http import AwsService, endpoint_at
from router.adapters.sigv4 import Signer
from router.errors import AwsUnavailable, QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.adapters.sigv4 import Credentials

GIVE_UP_AFTER_S = 1.5
"""For both attempts: Slack waits 3 s, of which a cold start and the ways here and back take their part."""


class Queue:
    """One SQS queue. Connections are kept between calls; threads may share a queue.

    `endpoint_url` (AWS_ENDPOINT_URL) takes the place of the queue URL's host. Raises SettingsError when
    either is not a URL of a host.
    """

    def __init__(
        self,
        url: str,
        region: str,
        credentials: Credentials,
        endpoint_url: str = "",
        give_up_after_s: float = GIVE_UP_AFTER_S,
    ) -> None:
        self._url = url
        self._give_up_after_s = give_up_after_s
        if endpoint_url:
            endpoint = endpoint_at("AWS_ENDPOINT_URL", endpoint_url)
        else:  # a queue URL's path names the queue, requests go to the root
            endpoint = replace(endpoint_at("QUEUE_URL", url), path="/")
        self._sqs = AwsService(endpoint, Signer(credentials, region, "sqs"), "AmazonSQS", "1.0")

    def send(
        self, body: str, group: str, deduplication_id: str, attributes: Mapping[str, str] | None = None
    ) -> str:
        """Send one message and return the id that SQS gave it; twins within five minutes share it.

        Attributes with an empty value are left out, since SQS refuses them. Raises QueueUnavailable when
        SQS did not take the message, or may not have.
        """
        typed = {k: {"DataType": "String", "StringValue": v} for k, v in (attributes or {}).items() if v}
        message = {"MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": deduplication_id}
        answer = self._call("SendMessage", message | ({"MessageAttributes": typed} if typed else {}))
        message_id = answer.get("MessageId")
        if not isinstance(message_id, str):
            raise QueueUnavailable("SendMessage: answered without a message id")
        return message_id

    def delay(self, receipt_handle: str, seconds: int) -> None:
        """Let a received message be delivered again `seconds` (0 to 43,200) from now; the last call counts.

        Raises QueueUnavailable, also for a receipt that is no longer valid.
        """
        self._call("ChangeMessageVisibility", {"ReceiptHandle": receipt_handle, "VisibilityTimeout": seconds})

    def attributes(self) -> dict[str, str]:
        """Return how the queue is set up, in SQS's words. Raises QueueUnavailable."""
        found = self._call("GetQueueAttributes", {"AttributeNames": ["All"]}).get("Attributes")
        return {name: str(value) for name, value in found.items()} if isinstance(found, dict) else {}

    def close(self) -> None:
        """Close the kept connections. The queue can be used again afterwards."""
        self._sqs.close()

    def _call(self, action: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._sqs.call(action, {"QueueUrl": self._url, **arguments}, self._give_up_after_s)
        except AwsUnavailable as error:
            raise QueueUnavailable(str(error)) from error
