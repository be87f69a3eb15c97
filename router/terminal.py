"""The terminal: a command's lines on stdout, remarks on stderr, whatever has become of the two.

Takes every character, also where the terminal knows only some, and survives a reader who goes away.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from router.output import one_line


def show(lines: Iterator[str]) -> None:
    """Write lines as they come; when nobody reads on, the work behind them is still done to its end.

    What else is meant for stdout meanwhile, the journal's lines, goes to stderr.
    """
    out = _stream(sys.stdout)
    with contextlib.redirect_stdout(_Aside()):
        for line in lines:
            _write(out, f"{line}\n")


def note(text: str) -> None:
    """Write a remark as one line."""
    _Aside().write(f"penny: {one_line(' '.join(text.split()))}\n")


class _Aside(io.StringIO):
    """Stderr, for what nobody has to read."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            _write(_stream(sys.stderr), text)
        return len(text)


def _stream(stream: TextIO | None) -> TextIO:
    """Make a stream that takes every character; Python has None for one that was closed at the start."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream or io.StringIO()


def _write(stream: TextIO, text: str) -> None:
    """Write at once; a reader who went away is no error, a full disk is."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        _lead_nowhere(stream)
        if not isinstance(error, BrokenPipeError):
            raise


def _lead_nowhere(stream: TextIO) -> None:
    """Let what is and will be written be lost, or Python complains about it at its own end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
