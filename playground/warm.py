"""Imported by the process that workers are forked from: makes Penny's worker once, for all of them."""

from __future__ import annotations

from router.settings import settings_from
from router.worker import dispatcher

dispatcher(settings_from())
