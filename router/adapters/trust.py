"""Trust: whose certificates Penny accepts, which are those of whoever this machine trusts.

For all that she calls but DynamoDB, whose SDK reads its own list. Standard library alone, for `receive`.
"""

from __future__ import annotations

import functools
import ssl


@functools.cache
def trusted() -> ssl.SSLContext:
    """Return what all clients share. Reading a list of authorities takes tens of milliseconds, hence once."""
    return ssl.create_default_context()
