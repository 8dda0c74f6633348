"""What daemons have said of workers that died is found in every kind of log."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hydrofoil.errors import UsageError
from hydrofoil.tools.checkup.deaths import told_in
from hydrofoil.tools.cli import main

WHY = 'segmentation fault (SIGSEGV) in lib"x".so, in parse (C:\\new\\clean.py:14), partition 3'
DIED = f"hydrofoil: worker 42 died: {WHY}"
SLOW = "hydrofoil: worker 43 is slow: for 30 s it has been in f (a.py:1), partition 0; its stack:"
STACK = "Current thread 0x1 (most recent call first):\n"
MESSAGE = f"SparkException: Python worker exited unexpectedly (crashed): Fatal\n{DIED}\n\n\tat java"


def test_in_logs_of_a_folder_each_once(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "stderr").write_text(f"INFO something\n{DIED}\n{SLOW}\n{STACK}")
    # The driver's repeats it, as text and as JSON.
    (tmp_path / "driver.log").write_text(f"ERROR {MESSAGE}\n")
    event = json.dumps({"Event": "SparkListenerTaskEnd", "Task End Reason": {"Text": MESSAGE}})
    (tmp_path / "events").write_text(f"{event}\n")
    with gzip.open(tmp_path / "old.gz", "wt") as file:
        file.write(f"{DIED.replace('42', '44')}\n")
    told = {(each.process, each.what, each.why) for each in told_in(tmp_path)}
    slow = "for 30 s it has been in f (a.py:1), partition 0"
    assert told == {(42, "died", WHY), (43, "is slow", slow), (44, "died", WHY)}
    assert len(told_in(tmp_path)) == 3


def test_the_command(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    log.write_text("all is well\n")
    done = CliRunner().invoke(main, ["doctor", "--app", str(log)])
    assert (done.exit_code, done.output) == (0, "No worker died.\n")
    log.write_text(f"{DIED}\n")
    done = CliRunner().invoke(main, ["doctor", "--app", str(log), "--json", "-"])
    assert done.exit_code == 1
    assert json.loads(done.output) == [
        {"file": str(log), "process": 42, "what": "died", "why": WHY}
    ]


def test_what_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file in"):
        told_in(tmp_path)
    (tmp_path / "app-1.zstd").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"app-1\.zstd is compressed"):
        told_in(tmp_path)
    (tmp_path / "b.gz").write_bytes(b"none of gzip's")
    done = CliRunner().invoke(main, ["doctor", "--app", str(tmp_path)])
    assert done.exit_code == 1
    assert f"Error: {tmp_path / 'b.gz'} can't be read: Not a gzipped file" in done.output


def test_what_there_is_of_a_log_that_was_cut_off(tmp_path: Path) -> None:
    """As of an application that still runs."""
    whole = gzip.compress("".join(f"{DIED}\n{n} is no worker\n" for n in range(9999)).encode())
    (tmp_path / "stderr.gz").write_bytes(whole[:-100])
    assert [(each.process, each.why) for each in told_in(tmp_path)] == [(42, WHY)]
