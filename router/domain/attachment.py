"""An attachment: what of a file a model can be shown, bounded in size. Other files are named as not read."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.domain.message import File

MOST_FILES = 5
"""Read for one answer, those of the message first, then the newest of the thread."""

TEXT_BYTES = 200_000
"""A longer text would fill the prompt of any tier by itself."""

IMAGE_BYTES = 2_000_000
"""A rendition of 1,024 pixels is seldom half of it; a provider takes 5 MB at least."""

_TEXT_TYPES = frozenset(
    {
        "application/javascript",
        "application/json",
        "application/sql",
        "application/toml",
        "application/x-ndjson",
        "application/x-sh",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
    }
)
_IMAGE_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
"""How an image's bytes begin, whatever its name or Slack says; WebP has its mark a little further on."""


class Kind(StrEnum):
    """What a file may be read as."""

    TEXT = "text"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Attachment:
    """What was read of a file: its text, or an image as a data URL; the other is empty."""

    text: str = ""
    image: str = ""


def kind_of(file: File) -> Kind | None:
    """Say what a file may be read as, by what Slack tells of it; None: not at all."""
    if not file.address:
        return None
    if file.mimetype.startswith("image/"):
        return Kind.IMAGE
    is_text = file.mimetype.startswith("text/") or file.mimetype in _TEXT_TYPES
    return Kind.TEXT if is_text and file.size <= TEXT_BYTES else None


def most_bytes(kind: Kind) -> int:
    """Return how much of a file is read before it is given up."""
    return TEXT_BYTES if kind is Kind.TEXT else IMAGE_BYTES


def read_attachment(file: File, kind: Kind, body: bytes, content_type: str) -> Attachment | None:
    """Read a file's bytes; None when they are not what the file was said to be.

    Slack answers who may not read a file with its sign-in page, which is HTML.
    """
    if kind is Kind.IMAGE:
        image_type = _image_type(body)
        return Attachment(image=_data_url(image_type, body)) if image_type else None
    if content_type == "text/html" and file.mimetype != "text/html":
        return None
    try:
        text = body.decode("utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        return None
    return Attachment(text=text) if text.strip() and "\x00" not in text else None


def _image_type(body: bytes) -> str:
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _IMAGE_STARTS if body.startswith(start)), "")


def _data_url(image_type: str, body: bytes) -> str:
    return f"data:{image_type};base64,{base64.b64encode(body).decode()}"
