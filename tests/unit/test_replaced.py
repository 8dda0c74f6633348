"""By what a daemon tells the one in its place from that of the next session in the same JVM."""

import os
import subprocess
import sys
import time

import pytest

from hydrofoil.deaths import replaced

# All are started by the same words, as a JVM's daemons are; the first one is told to look.
DAEMON = """
import sys
from hydrofoil.deaths.replaced import Successor
if sys.stdin.readline() == "end\\n":
    successor = Successor()
    print("ends", flush=True)
    sys.stdin.readline()
    print(successor.process() is not None, flush=True)
"""


def daemon(secret: str | None) -> "subprocess.Popen[str]":
    environment = dict(os.environ)
    if secret is not None:
        environment["PYTHON_WORKER_FACTORY_SECRET"] = secret
    return subprocess.Popen(
        [sys.executable, "-c", DAEMON],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("secrets", "found"),
    [(("a", "a"), True), (("a", "b"), False), (("a", None), False), ((None, None), False)],
    ids=["one factory's", "two factories'", "only one's", "none, and late"],
)
def test_who_comes_later(secrets: tuple[str | None, str | None], found: bool) -> None:
    with daemon(secrets[0]) as first:
        assert first.stdin is not None and first.stdout is not None
        print("end", file=first.stdin, flush=True)
        assert first.stdout.readline() == "ends\n"
        time.sleep(2 * replaced._AFTER_S)
        with daemon(secrets[1]) as second:
            # By now it is what it was started as.
            print("look", file=first.stdin, flush=True)
            assert first.stdout.readline() == f"{found}\n"
            second.communicate("")
