"""Make Penny's worker as the first job finds it, and tell the memory that it took."""

import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from router.settings import settings_from
from router.worker import dispatcher

dispatcher(settings_from())
sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\n")
