"""The queue against a loopback SQS that misbehaves, and against a local AWS."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from playground.aws import LocalAws
from router.adapters.queue import Queue
from router.adapters.sigv4 import Credentials
from router.errors import QueueUnavailable, SettingsError
from tests.loopback_sqs import LOOPBACK, Answer, Drop, Hang, LoopbackSqs, Received, loopback_sqs

REPOSITORY = Path(__file__).parent.parent
KEYS = Credentials("AKIDEXAMPLE", "a-secret", "a-token")


@contextmanager
def open_queue(sqs: LoopbackSqs, give_up_after_s: float = 1.5, url: str = "") -> Iterator[Queue]:
    """Open a queue on the loopback SQS and close it afterwards."""
    queue = Queue(url or sqs.queue_url, "eu-central-1", KEYS, sqs.url, give_up_after_s)
    yield queue
    queue.close()


def refusal(sqs: LoopbackSqs, give_up_after_s: float = 1.5) -> str:
    """Send one message and return the words of the error that must come."""
    with open_queue(sqs, give_up_after_s) as queue, pytest.raises(QueueUnavailable) as refused:
        queue.send("the secret words", "g", "d")
    assert "the secret words" not in str(refused.value)
    return str(refused.value)


# What goes over the wire


def test_a_message_is_sent_with_its_group_and_its_deduplication_id(sqs: LoopbackSqs) -> None:
    """The request is SQS's SendMessage, and the id that SQS gives comes back."""
    with open_queue(sqs) as queue:
        assert queue.send("body", "C1:1.2", "C1:1.3") == "m-1"
    [received] = sqs.received
    assert received.path == "/"
    assert received.headers["x-amz-target"] == "AmazonSQS.SendMessage"
    assert received.headers["content-type"] == "application/x-amz-json-1.0"
    assert received.fields == {
        "QueueUrl": sqs.queue_url,
        "MessageBody": "body",
        "MessageGroupId": "C1:1.2",
        "MessageDeduplicationId": "C1:1.3",
    }


def test_what_arrives_is_signed_as_botocore_would_sign_it(sqs: LoopbackSqs) -> None:
    """Host with its port, session token and body are all covered by the signature that arrives."""
    with open_queue(sqs) as queue:
        queue.send("body", "g", "d")
    [received] = sqs.received
    assert received.headers["x-amz-security-token"] == "a-token"
    assert received.headers["authorization"] == botocore_authorization(sqs.url, received)


def botocore_authorization(url: str, received: Received) -> str:
    """Sign what was received once more, at the time that it names."""
    at = dt.datetime.strptime(received.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    names = ("content-type", "x-amz-target")
    signed = {name: received.headers[name] for name in names}
    request = AWSRequest("POST", url + received.path, headers=signed, data=received.body)
    keys = BotoCredentials(KEYS.access_key_id, KEYS.secret_access_key, KEYS.session_token)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: at)
        botocore.auth.SigV4Auth(keys, "sqs", "eu-central-1").add_auth(request)
    authorization: str = request.headers["Authorization"]
    return authorization


def test_attributes_are_sent_as_strings_and_empty_ones_left_out(sqs: LoopbackSqs) -> None:
    """A dead letter carries its reason; SQS refuses an attribute without a value."""
    with open_queue(sqs) as queue:
        queue.send("body", "g", "d", {"reason": "job.v: must be 1", "nothing": ""})
    assert sqs.received[0].fields["MessageAttributes"] == {
        "reason": {"DataType": "String", "StringValue": "job.v: must be 1"}
    }


def test_a_delay_changes_the_visibility_of_the_received_message(sqs: LoopbackSqs) -> None:
    """The request is SQS's ChangeMessageVisibility."""
    sqs.script.append(Answer(body=b""))
    with open_queue(sqs) as queue:
        queue.delay("receipt", 30)
    [received] = sqs.received
    assert received.headers["x-amz-target"] == "AmazonSQS.ChangeMessageVisibility"
    assert received.fields == {"QueueUrl": sqs.queue_url, "ReceiptHandle": "receipt", "VisibilityTimeout": 30}


def test_the_endpoint_takes_the_place_of_the_queues_host(sqs: LoopbackSqs) -> None:
    """With an endpoint nobody calls the queue URL's host, and the endpoint's own path is kept."""
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/penny.fifo"
    queue = Queue(url, "eu-central-1", KEYS, f"{sqs.url}/under/here")
    queue.send("body", "g", "d")
    queue.close()
    [received] = sqs.received
    assert received.path == "/under/here"
    assert received.fields["QueueUrl"] == url
    assert received.headers["host"] == sqs.url.removeprefix("http://")


def test_without_an_endpoint_the_queues_host_is_called(sqs: LoopbackSqs) -> None:
    """The queue's URL says where SQS is; its path names the queue, and requests go to the root."""
    queue = Queue(f"{sqs.url}/123456789012/penny.fifo", "eu-central-1", KEYS)
    queue.send("body", "g", "d")
    queue.close()
    assert [received.path for received in sqs.received] == ["/"]
    assert sqs.received[0].headers["host"] == sqs.url.removeprefix("http://")


@pytest.mark.parametrize(
    "url",
    ["", "penny.fifo", "ftp://host/q", "http://", "https://[::1", "http://host:port/q", "http://a b/q"],
)
def test_a_url_that_is_none_names_its_variable(url: str) -> None:
    """The operator is told which variable to mend."""
    with pytest.raises(SettingsError, match="QUEUE_URL"):
        Queue(url, "eu-central-1", KEYS)
    with pytest.raises(SettingsError, match="AWS_ENDPOINT_URL"):
        Queue("https://sqs.eu-central-1.amazonaws.com/1/q", "eu-central-1", KEYS, url or "http://")


# Connections


def test_one_connection_serves_all_calls(sqs: LoopbackSqs) -> None:
    """Calls after the first save the way to make a connection."""
    with open_queue(sqs) as queue:
        for number in range(5):
            queue.send("body", "g", str(number))
    assert [received.connection for received in sqs.received] == [0] * 5


def test_a_connection_that_died_in_between_is_replaced(sqs: LoopbackSqs) -> None:
    """SQS closes idle connections without a word; the next message is sent all the same."""
    sqs.script.append(Answer(then_close=True))
    with open_queue(sqs) as queue:
        queue.send("body", "g", "1")
        sqs.wait_until_closed(0)
        assert queue.send("body", "g", "2") == "m-1"
    assert [received.fields["MessageDeduplicationId"] for received in sqs.received] == ["1", "2"]
    assert [received.connection for received in sqs.received] == [0, 1]


def test_a_kept_connection_that_stays_silent_leaves_time_for_a_new_one(sqs: LoopbackSqs) -> None:
    """What a long sleep did to a connection does not cost the message."""
    sqs.script.extend([Answer(), Hang()])
    with open_queue(sqs, give_up_after_s=0.3) as queue:
        queue.send("body", "g", "1")
        assert queue.send("body", "g", "2") == "m-1"
    assert [received.connection for received in sqs.received] == [0, 0, 1]


def test_an_answer_that_is_cut_off_leads_to_the_same_message_once_more(sqs: LoopbackSqs) -> None:
    """The second attempt has the same deduplication id, so that SQS makes one message of both."""
    sqs.script.append(Drop())
    with open_queue(sqs) as queue:
        assert queue.send("body", "g", "d") == "m-1"
    first, second = sqs.received
    assert first.fields == second.fields


def test_a_server_that_says_close_is_taken_at_its_word(sqs: LoopbackSqs) -> None:
    """`Connection: close` ends the connection, not the queue."""
    sqs.script.append(Answer(headers={"connection": "close"}))
    with open_queue(sqs) as queue:
        queue.send("body", "g", "1")
        queue.send("body", "g", "2")
    assert len(sqs.received) == 2


def test_threads_may_share_a_queue(sqs: LoopbackSqs) -> None:
    """No message is lost or mixed up when many threads send at once."""
    with open_queue(sqs) as queue:
        threads = [
            threading.Thread(target=send_ten, args=(queue, number), daemon=True) for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    sent = sorted(received.fields["MessageDeduplicationId"] for received in sqs.received)
    assert sent == sorted(f"{number}-{turn}" for number in range(8) for turn in range(10))
    assert len(sqs.connections) <= 8


def send_ten(queue: Queue, number: int) -> None:
    """Send ten messages that say who sent them."""
    for turn in range(10):
        queue.send(f"body {number} {turn}", "g", f"{number}-{turn}")


# What can go wrong


def test_a_server_error_is_tried_once_more(sqs: LoopbackSqs) -> None:
    """SQS is allowed to stumble once."""
    sqs.script.append(Answer(503, b"busy"))
    with open_queue(sqs) as queue:
        assert queue.send("body", "g", "d") == "m-1"


def test_a_server_error_twice_is_an_error(sqs: LoopbackSqs) -> None:
    """Two attempts are all there are."""
    sqs.script.extend([Answer(500, b"<html>"), Answer(500, b"<html>")])
    assert refusal(sqs) == "SendMessage: HTTP 500 without an error code"
    assert len(sqs.received) == 2


def test_a_refusal_is_named_and_not_tried_again(sqs: LoopbackSqs) -> None:
    """AWS's own word for what went wrong is told, and nothing of the message."""
    error = {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "the secret words"}
    sqs.script.append(Answer(400, json.dumps(error).encode()))
    assert refusal(sqs) == "SendMessage: HTTP 400 QueueDoesNotExist"
    assert len(sqs.received) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b"[" * 50_000,
        b'{"__type": 7.5e3, "message": "x"}',
        b'{"__type": ["a"]}',
        b'{"__type": "a#b\\nforged line"}',
        b'{"__type": "the secret words"}',
        b"\xff\xfe",
    ],
)
def test_an_error_that_no_one_can_read_is_still_one(sqs: LoopbackSqs, body: bytes) -> None:
    """Whatever an answer holds, only what looks like an error code is repeated."""
    sqs.script.append(Answer(403, body))
    assert refusal(sqs).splitlines() == ["SendMessage: HTTP 403 without an error code"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"MessageId": null}', b"<html>hotel Wi-Fi</html>"])
def test_a_success_without_a_message_id_is_none(sqs: LoopbackSqs, body: bytes) -> None:
    """Only SQS's own receipt says that the message is safe."""
    sqs.script.append(Answer(200, body))
    assert refusal(sqs) == "SendMessage: answered without a message id"


def test_a_redirect_is_not_followed(sqs: LoopbackSqs) -> None:
    """A signed request is for one host alone."""
    sqs.script.append(Answer(307, b"", {"location": f"{sqs.url}/elsewhere"}))
    assert refusal(sqs) == "SendMessage: HTTP 307 without an error code"


def test_an_endless_answer_is_not_read_to_its_end(sqs: LoopbackSqs) -> None:
    """Too long an answer is no answer, and its rest is not taken for the next one."""
    sqs.script.append(Answer(200, b" " * 300_000))
    with open_queue(sqs) as queue:
        with pytest.raises(QueueUnavailable):
            queue.send("body", "g", "1")
        assert queue.send("body", "g", "2") == "m-1"


def test_a_server_that_does_not_speak_http_is_unavailable() -> None:
    """A wrong port is an error of the queue's, not a crash."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        thread = threading.Thread(
            target=answer_twice, args=(listener, b"SSH-2.0-OpenSSH_9.7\r\n"), daemon=True
        )
        thread.start()
        queue = Queue(f"http://{LOOPBACK}:{listener.getsockname()[1]}/1/q", "eu-central-1", KEYS)
        with pytest.raises(QueueUnavailable, match="SendMessage: "):
            queue.send("body", "g", "d")
        thread.join()


def answer_twice(listener: socket.socket, answer: bytes) -> None:
    """Answer two connections with the same bytes, whatever they ask."""
    for _ in range(2):
        connection, _address = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)


def test_silence_is_given_up_on_in_time(sqs: LoopbackSqs) -> None:
    """Both attempts together take no longer than they may."""
    sqs.script.extend([Hang(), Hang()])
    began = time.monotonic()
    assert refusal(sqs, give_up_after_s=0.2) == "SendMessage: TimeoutError"
    assert time.monotonic() - began < 1.5


def test_a_port_on_which_no_one_listens_is_unavailable() -> None:
    """A refused connection is told by its name."""
    with socket.socket() as closed:
        closed.bind((LOOPBACK, 0))
        queue = Queue(f"http://{LOOPBACK}:{closed.getsockname()[1]}/1/q", "eu-central-1", KEYS)
        with pytest.raises(QueueUnavailable, match="ConnectionRefusedError"):
            queue.send("body", "g", "d")


# TLS


def certificate(folder: Path, name: x509.GeneralName) -> Path:
    """Write a certificate for `name` and its key, which vouches for itself, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    form = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private = key.private_bytes(serialization.Encoding.PEM, *form)
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@contextmanager
def tls_sqs(file: Path) -> Iterator[LoopbackSqs]:
    """Run a loopback SQS over TLS with the certificate in `file`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with loopback_sqs(context) as sqs:
        yield sqs


SEND_OVER_TLS = """
import sys
from router.adapters.queue import Queue
from router.adapters.sigv4 import Credentials
from router.errors import QueueUnavailable

queue = Queue(sys.argv[1], "eu-central-1", Credentials("AKID", "secret"))
try:
    print(queue.send("body", "g", "1"), queue.send("body", "g", "2"))
except QueueUnavailable as error:
    print(error)
queue.close()
"""


def send_over_tls(queue_url: str, trusted: Path) -> str:
    """Send two messages from a process that trusts the certificates in `trusted` alone."""
    environment = {"SSL_CERT_FILE": str(trusted), "SSL_CERT_DIR": str(trusted.parent / "none")}
    command = [sys.executable, "-c", SEND_OVER_TLS, queue_url]
    finished = subprocess.run(
        command, env=os.environ | environment, cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return finished.stdout.strip()


def test_a_server_whose_certificate_is_trusted_is_believed(tmp_path: Path) -> None:
    """Over TLS too one connection serves all calls."""
    file = certificate(tmp_path, x509.IPAddress(ipaddress.ip_address(LOOPBACK)))
    with tls_sqs(file) as sqs:
        assert send_over_tls(sqs.queue_url, trusted=file) == "m-1 m-1"
        assert [received.connection for received in sqs.received] == [0, 0]


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    """Whoever is trusted as another host gets no message."""
    file = certificate(tmp_path, x509.DNSName("another.example.com"))
    with tls_sqs(file) as sqs:
        answer = send_over_tls(sqs.queue_url, trusted=file)
        assert answer == "SendMessage: SSLCertVerificationError"
        assert sqs.received == []


def test_a_certificate_that_no_one_vouches_for_is_refused(tmp_path: Path) -> None:
    """A stranger in between gets no message."""
    file = certificate(tmp_path, x509.IPAddress(ipaddress.ip_address(LOOPBACK)))
    with tls_sqs(file) as sqs:
        queue = Queue(sqs.queue_url, "eu-central-1", KEYS)
        with pytest.raises(QueueUnavailable, match="SSLCertVerificationError"):
            queue.send("body", "g", "d")
        assert sqs.received == []


# A FIFO queue of a local AWS


@contextmanager
def local_queue(aws: LocalAws, name: str) -> Iterator[tuple[Queue, Any, str]]:
    """Make a FIFO queue; yields it as ours, as boto3's and by its URL."""
    session = boto3.Session("test", "test", region_name=aws.region)
    client = session.client("sqs", endpoint_url=aws.url)
    url = client.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    queue = Queue(url, aws.region, Credentials("test", "test"), aws.url)
    yield queue, client, url
    queue.close()
    client.close()


def receive_all(client: Any, url: str) -> list[dict[str, Any]]:
    """Receive what is visible, with its attributes."""
    answer = client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def test_twins_share_one_message(aws: LocalAws) -> None:
    """The same deduplication id makes one message, also after the first was done with."""
    with local_queue(aws, "twins") as (queue, client, url):
        first = queue.send("one", "C1:1.2", "C1:1.2")
        assert queue.send("its twin", "C1:1.2", "C1:1.2") == first
        [message] = receive_all(client, url)
        client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        assert queue.send("redelivered", "C1:1.2", "C1:1.2") == first
        assert receive_all(client, url) == []
        assert message["Body"] == "one"
        assert message["Attributes"]["MessageGroupId"] == "C1:1.2"


def test_a_dead_letter_arrives_with_its_reason(aws: LocalAws) -> None:
    """Attributes come out of the queue as they went in."""
    with local_queue(aws, "reasons") as (queue, client, url):
        queue.send("{}", "g", "d", {"reason": "job.v: must be int"})
        [message] = receive_all(client, url)
        assert message["MessageAttributes"]["reason"]["StringValue"] == "job.v: must be int"


def test_a_delayed_message_comes_back_when_it_is_told_to(aws: LocalAws) -> None:
    """A delay of nothing makes a received message visible at once."""
    with local_queue(aws, "delays") as (queue, client, url):
        queue.send("again", "g", "d")
        [message] = receive_all(client, url)
        assert receive_all(client, url) == []
        queue.delay(message["ReceiptHandle"], 0)
        [message] = receive_all(client, url)
        assert message["Body"] == "again"


def test_a_queue_that_does_not_exist_is_named_as_such(aws: LocalAws) -> None:
    """The error code of a real refusal is understood."""
    queue = Queue(f"{aws.url}/000000000000/nowhere.fifo", aws.region, Credentials("test", "test"), aws.url)
    with pytest.raises(QueueUnavailable, match=r"SendMessage: HTTP 400 QueueDoesNotExist"):
        queue.send("body", "g", "d")
    queue.close()
