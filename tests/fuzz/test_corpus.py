"""The kept inputs of all targets, and some damaged ones, on the core that is installed.

``make fuzz`` tries millions more, on a core with sanitizers. Each target has a process of its own:
what is found here may end it with a crash.
"""

import os
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import pytest

from fuzz.target import kept, names

# As many as take a second or two.
CHANGED = {"worker": 100, "encoders": 400, "groups": 400}
MOST_KEPT = 400_000


@pytest.mark.parametrize("name", names())
def test_kept_and_changed_inputs(name: str) -> None:
    # The same each time: what nobody has seen yet is for `make fuzz` to find.
    count, seed = CHANGED.get(name, 1500), crc32(name.encode())
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-X", "faulthandler", "-m", "fuzz.replay", name]
    done = subprocess.run(
        [*command, f"--changed={count}", f"--seed={seed}"],
        env=os.environ | {"PYTHONPATH": path, "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (seed, done.stderr[-5000:])


def test_the_kept_inputs_are_few() -> None:
    sizes = [len(data) for name in names() for data in kept(name).values()]
    assert len(sizes) > 50 and sum(sizes) < MOST_KEPT
