"""What stops a deployment before it begins. The text says what is wrong and what to do."""

from __future__ import annotations


class PackageError(Exception):
    """The package cannot be made, or would not run."""
