"""Server-sent events: bytes in, the data of each event out, with a pause to look at the clock in between.

https://html.spec.whatwg.org/multipage/server-sent-events.html. What the data means is left to the caller.
"""

from __future__ import annotations

import codecs
from io import IncrementalNewlineDecoder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST_EVENT = 1_000_000
"""Characters. A delta has a few, an error some thousand; what runs on longer is cut before it can fill the
memory."""

CUT = "\0"
"""Stands where a line was cut, so that what is left of it cannot pass for JSON."""


def events(chunks: Iterable[bytes]) -> Iterator[str | None]:
    """Yield the data of each event, and None after each chunk, whatever was in it.

    Comments and fields other than `data` are passed over. Lines end as the standard says and no other way:
    U+2028 and the like stand inside JSON. An event that the end of the bytes cut off is yielded as it is.
    """
    decoder = IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8-sig")("replace"), translate=True)
    line, data = "", ""
    for chunk in chunks:
        *lines, line = (line + decoder.decode(chunk)).split("\n")
        for whole in lines:
            if not whole and data:
                yield data
                data = ""
            else:
                data = _joined(data, whole)
        if len(line) > LONGEST_EVENT:
            line = line[:LONGEST_EVENT] + CUT
        yield None
    if data := _joined(data, line):
        yield data


def _joined(data: str, line: str) -> str:
    name, _, value = line.partition(":")
    if name != "data":
        return data
    return f"{data}\n{value.removeprefix(' ')}"[: LONGEST_EVENT + 1].removeprefix("\n")
