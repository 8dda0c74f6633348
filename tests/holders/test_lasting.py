"""How long shared models stay: no longer than their application, and within a bound of memory."""

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark import cloudpickle

from hydrofoil.errors import UsageError
from hydrofoil.holders import limits, names, starting
from hydrofoil.holders.asked import Asked
from hydrofoil.holders.client import Remote
from hydrofoil.holders.errors import ModelTooLarge
from hydrofoil.holders.linux import start_time

APP = Path(__file__).with_name("lasting_app.py")


def sockets() -> set[str]:
    """The keepers' names of this host."""
    return set(re.findall(rf"@({names.PREFIX}\w+)", Path("/proc/net/unix").read_text()))


@pytest.mark.slow
def test_nothing_is_left_after_the_application(tmp_path: Path) -> None:
    before = sockets()
    variables = {**os.environ, "TMPDIR": str(tmp_path), "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(
        [sys.executable, str(APP)], env=variables, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    # Two slots, a holder and a keeper.
    assert [len(set(line.split())) for line in done.stdout.splitlines()] == [4, 4]
    assert sockets() <= before
    # A JVM that is killed leaves files of its own.
    left = [path.name for path in tmp_path.rglob("*") if "hydrofoil" in path.name]
    assert left == []
    assert not [name for name in os.listdir("/dev/shm") if "hydrofoil" in name]


def remote(load: Callable[[], Any], function: Callable[..., Any]) -> Remote:
    """The model of a worker whose daemon is the process that has started this one."""
    pickled: list[bytes] = [cloudpickle.dumps(one) for one in (load, function)]  # type: ignore[no-untyped-call]
    model, key = (hashlib.sha256(one).hexdigest() for one in pickled)
    name = getattr(load, "__name__", "load")
    return Remote(Asked(name, model, False, 4, 0.0), pickled[0], key, pickled[1])


def megabytes(count: int) -> Callable[[], Any]:
    def load() -> Any:
        return np.ones(count << 20, np.uint8)

    load.__name__ = f"load{count}"
    return load


def holder_of(model: Any, x: Any) -> Any:
    return x * 0 + os.getppid()


def ends(process: int) -> None:
    until = time.monotonic() + 60
    while start_time(process) and time.monotonic() < until:
        time.sleep(0.05)
    assert start_time(process) is None


def test_a_bound_of_memory() -> None:
    """In a process of its own, whose keeper gets the bound."""
    if os.environ.get(limits.MEMORY) is None:
        variables = {**os.environ, limits.MEMORY: "300m"}
        test = f"{__file__}::{test_a_bound_of_memory.__name__}"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout
        return
    x = np.zeros(4)
    first, second, third = (remote(megabytes(n), holder_of) for n in (150, 151, 310))
    [one] = set(first.call(x))
    # It ends the one that is not used, once that has not been for a moment.
    [two] = set(second.call(x))
    ends(int(one))
    assert start_time(int(two)) is not None
    # And is loaded again where it is asked for.
    [again] = set(first.call(x))
    assert again != one
    ends(int(two))
    with pytest.raises(ModelTooLarge, match=r"load310\(\) does not fit .* of 300 MiB: .*load310"):
        third.call(x)
    # The one that fits has gone out of its way, and comes back.
    assert set(first.call(x)) != {again}


def test_the_keeper_ends_soon_after_its_daemon(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import numpy as np, test_lasting as t\n"
        "print(int(t.remote(t.megabytes(1), t.holder_of).call(np.zeros(1))[0]), flush=True)"
    )
    # What stands in for a daemon is a shell that ends with the process that it has started.
    command = f"{sys.executable} -c '{code}' {Path(__file__).parent}; true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    ends(int(done.stdout))


def test_a_keeper_that_ends_when_it_is_found(tmp_path: Path) -> None:
    """Its listener takes connections for as long as the system closes what it had open."""
    code = """
import select, socket, sys, threading
sys.path.insert(0, sys.argv[1])
import numpy as np, test_lasting as t
from hydrofoil.holders import names
ending = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
ending.bind(f"\\0{names.here().name}")
ending.listen()
def end():
    select.select([ending], [], [])
    ending.close()
threading.Thread(target=end).start()
print(t.remote(t.megabytes(1), t.holder_of)._takes(), flush=True)
"""
    script = tmp_path / "script.py"
    script.write_text(code)
    # As above.
    command = f"{sys.executable} {script} {Path(__file__).parent}; true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stdout == "1\n", done.stderr


def as_nobody(code: str) -> subprocess.Popen[str]:
    """A program of a different user's, with a line that it prints once it is ready."""
    head = "import os, socket, sys, time; os.setuid(65534)\n"
    head += "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
    command = [sys.executable, "-c", head + code]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a program as a different user")
def test_a_different_user() -> None:
    """Who has taken the keeper's name is not talked to, and who connects to a keeper is left."""
    place = names.here()
    other = names.Place(place.name[:-1] + "x", place.daemon, True)
    taken = f"s.bind('\\0{other.name}'); s.listen(); print('ready', flush=True); input()"
    with as_nobody(taken) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        with pytest.raises(UsageError, match=f"user 65534 of this host has taken .*{other.name}"):
            starting.connect(other)
        process.communicate("\n")
    starting.connect(place).close()
    joins = (
        f"s.connect('\\0{place.name}'); s.settimeout(20)\n"
        "try: s.send(b'{}'); print(s.recv(10))\n"
        "except OSError as error: print(error)"
    )
    with as_nobody(joins) as process:
        said, _ = process.communicate()
    # Closed before anything was read, or while it was sent.
    assert said.strip() in ("b''", "[Errno 32] Broken pipe", "[Errno 104] Connection reset by peer")
