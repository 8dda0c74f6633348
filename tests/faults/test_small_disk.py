"""A disk that is full: the query fails, the next works, nothing stays on it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faults.programs import seen

APP = Path(__file__).parent / "apps" / "small_disk.py"
# A file system of its own, which is gone with the process.
MOUNTED = 'mount -t tmpfs -o size=16m none "$0" && "$@" && ls "$0" >"$0.left"'
UNSHARED = ("unshare", "--map-root-user", "--mount", "sh", "-c", MOUNTED)


def can_mount(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    return (
        subprocess.run([*UNSHARED, folder, "true"], capture_output=True, check=False).returncode
        == 0
    )


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path) -> None:
    """With memory off the heap and encrypted spills."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not can_mount(disk):
        pytest.skip("this user may not mount a file system, not even one of its own")
    found = seen([*UNSHARED, disk, sys.executable, APP, disk], tmp_path)
    answer = [1000, 500_500, 1000 * 21 * 36]
    assert found["stock"] == [answer, "full", answer]
    assert found["hydrofoil"] == [answer, "full", answer]
    assert found["gang"] == [1000, "full", 1000]
    assert found["spool"] == []
    assert (tmp_path / "disk.left").read_text().split() == ["spool"]
