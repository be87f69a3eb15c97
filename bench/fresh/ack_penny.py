"""Acknowledge one event as Penny does."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import handler

status = handler.receive(json.load(sys.stdin), None)["statusCode"]
sys.stdout.write(f"{status}\n")
