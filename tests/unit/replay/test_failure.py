"""The environment in which a task that failed is run again."""

import datetime
import sys
import time

import pytest

from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.replay import failure


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="TZ is read anew where it can be alone")
def test_its_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = datetime.datetime.fromtimestamp(0)
    for zone, hour in (("Asia/Tokyo", 9), ("UTC", 0)):
        recording = Recording("4.3.0", "3.11.0", None, {"TZ": zone}, b"")
        with failure._as_recorded(recording, print):
            assert datetime.datetime.fromtimestamp(0).hour == hour
    assert datetime.datetime.fromtimestamp(0) == before
