"""The whole worker: recorded tasks, of which the init message or the data behind it is changed.

An input's first byte chooses the task, its second the part that the rest stands for, and whether
results go by pickle's rules. The pickled functions stay as they are: who can change them can run
anything. A task as it was recorded is answered with all its rows; any other ends with a whole
answer, or an error.
"""

import io
import os
import sys
from contextlib import suppress
from typing import Any

from fuzz import pickles
from fuzz.tasks import DATA, HEAD, tasks
from hydrofoil import worker
from hydrofoil.tools.replay.answer import Answer, AnswerError, read_answer

TASKS = tasks()
# Rows that a task is answered with, where it is not those that it was sent.
ANSWERED = {
    "aggregate": 4,
    "arrowAggregate": 4,
    "cogroup": 48,
    "cogroupInArrow": 48,
    "udtf": 66,
    "udtfCompressed": 66,
}
SENT = 24
# What a worker may be told to import or do by a pickle of the JVM's.
MODULES = ("pyspark.", "hydrofoil.", "fuzz.functions", "datetime", "decimal")
MODULES += ("_codecs", "builtins", "__builtin__", "copyreg", "inspect", "numpy", "pyarrow.lib")
FORBIDDEN = (
    *("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.kill", "os.remove", "os.rmdir"),
    *("os.rename", "shutil.", "subprocess.", "socket.connect", "socket.bind"),
)
_running = False


def one(data: bytes) -> None:
    if len(data) < 2:
        return
    task = TASKS[data[0] % len(TASKS)]
    part = (HEAD, DATA)[data[1] % 2]
    pickled = pickles.frames(data[2:]) if part == DATA and task.name.startswith("pickled") else ()
    if any(map(pickles.allocates, pickled)):
        return
    code, output = run(task.with_part(part, data[2:]), rows="arrow" if data[1] & 2 else "stock")
    answer: Answer | None = None
    with suppress(AnswerError, UnicodeDecodeError):
        answer = read_answer(output, task.recording)
    if code == 0:
        assert answer is not None, output[-200:]
    if part == DATA and data[2:] == task.data:
        assert answer is not None and answer.error is None and answer.reusable, answer
        name = task.name.partition("-")[0]
        assert answer.rows == ANSWERED.get(name, SENT), (task.name, answer.rows)


def run(data: bytes, rows: str) -> tuple[int, bytes]:
    """How the worker ends, and what it has answered."""
    global _running
    before = list(sys.path), dict(os.environ), os.getcwd()
    out = io.BytesIO()
    code = 0
    os.environ["HYDROFOIL_ROWS"] = rows
    _running = True
    try:
        worker.main(io.BytesIO(data), out)
    except SystemExit as end:
        code = 0 if end.code is None else 1
    finally:
        _running = False
        sys.path[:] = before[0]
        if os.environ != before[1]:
            os.environ.clear()
            os.environ.update(before[1])
        os.chdir(before[2])
    return code, out.getvalue()


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """What is done with the process of a fuzzer is none of the worker's."""
    if not _running:
        return
    if event == "pickle.find_class" and not str(arguments[0]).startswith(MODULES):
        raise ImportError(f"no {arguments[0]} here")
    if event.startswith(FORBIDDEN):
        raise PermissionError(event)


sys.addaudithook(refuse)


def seeds() -> list[bytes]:
    """Each task as it was recorded."""
    whole = [bytes([i, 1]) + task.data for i, task in enumerate(TASKS)]
    by_rules = [bytes([i, 3]) + t.data for i, t in enumerate(TASKS) if t.name.startswith("udf")]
    heads = [bytes([i, 0]) + task.head for i, task in enumerate(TASKS) if i % 3 == 0]
    return whole + by_rules + heads
