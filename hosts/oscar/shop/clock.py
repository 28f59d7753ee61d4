"""The shop's clock: it stands at the instant that a file says, for every process of the shop."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

#: A Monday in the hours of service, in the days for which the policy has a calendar.
START = "2026-03-02T09:00:00+08:00"


def now() -> datetime:
    file = Path(os.environ["SHOP_CLOCK"]) if "SHOP_CLOCK" in os.environ else None
    text = file.read_text(encoding="utf-8").strip() if file is not None and file.is_file() else START
    return datetime.fromisoformat(text)
