"""Tokens: a counter that is plain enough to compute by hand and close to what real tokenizers say.

A token is up to five ASCII characters of a word, or up to two other characters, with up to eight blanks
before it; longer blanks are tokens of their own. So a text never has more tokens than UTF-8 bytes, and
English has about one per four characters.
"""

from __future__ import annotations

import re
from typing import Any

PER_MESSAGE = 4
"""What a chat template puts around one message."""

PER_REQUEST = 8
"""What a chat template puts around the conversation."""

BYTES_PER_IMAGE_TOKEN = 4
MOST_PER_IMAGE = 1600
"""A large picture costs about this much at today's vendors; a tiny one no more than its URL's bytes."""

_TOKEN = re.compile(r"\s{0,8}(?:[!-~]{1,5}|[^\s!-~]{1,2})|\s{1,8}")


def split(text: str) -> tuple[str, ...]:
    """Split a text into its tokens; joined they are the text again."""
    return tuple(_TOKEN.findall(text))


def count(text: str) -> int:
    """Count a text's tokens."""
    return sum(1 for _ in _TOKEN.finditer(text))


def prompt_tokens(messages: list[dict[str, Any]]) -> int:
    """Count the prompt that these messages make: their texts, their images, and the template around them."""
    return PER_REQUEST + sum(PER_MESSAGE + _content_tokens(m.get("content")) for m in messages)


def texts(content: Any) -> list[str]:
    """Return the texts of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list):
        return []
    found = [part.get("text") for part in content if isinstance(part, dict)]
    return [text for text in found if isinstance(text, str)]


def image_urls(content: Any) -> list[str]:
    """Return the URLs of the images in a message's content."""
    if not isinstance(content, list):
        return []
    images = [part.get("image_url") for part in content if isinstance(part, dict)]
    urls = [image.get("url") if isinstance(image, dict) else image for image in images]
    return [url for url in urls if isinstance(url, str)]


def _content_tokens(content: Any) -> int:
    return sum(map(count, texts(content))) + sum(map(_image_tokens, image_urls(content)))


def _image_tokens(url: str) -> int:
    return min(MOST_PER_IMAGE, len(url.encode()) // BYTES_PER_IMAGE_TOKEN)
