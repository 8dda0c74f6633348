"""What a task did: which path each of its UDFs took and why, and how many batches went which way.

`HYDROFOIL_TRACE=1` makes workers write this to their log (standard error). A folder's path makes
them append it there as lines of JSON, one file a process, for `hydrofoil explain` to read. Sessions
that ask for it get it at the driver: see `hydrofoil.counts.sending`.
"""

import json
import os
import socket
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from hydrofoil import private
from hydrofoil.counts import sending

VARIABLE = "HYDROFOIL_TRACE"

# Who else is told of each trace that is published in this process.
listeners: "list[Callable[[TaskTrace], None]]" = []

# The outcome of a batch that stock had no part in; every other outcome is a reason.
FAST = "fast"
# The path of a function that Hydrofoil runs while stock's code converts each of its batches.
PARTLY = "partly fast"

LEGEND = (
    f"{PARTLY.capitalize()}: Hydrofoil calls the function, and PySpark's code converts the "
    "arguments or results of each batch."
)

# Reasons hold names of types, and what an error said.
MOST_REASONS = 16
LONGEST_REASON = 200
OTHER_REASONS = "other reasons"


@dataclass
class UdfTrace:
    """One UDF of a task: its name, its declared type, and the path planned for it."""

    name: str
    signature: str
    path: str
    reason: str = ""


def path_taken(udf: UdfTrace, batches: Mapping[str, int]) -> str:
    """The path of a function, by what was planned and, where they were counted, its batches."""
    if udf.path == FAST and any(batches.values()) and not batches.get(FAST, 0):
        return PARTLY
    return udf.path


@dataclass
class TaskTrace:
    """One task. ``batches`` counts by outcome: `FAST`, or why the batch went to stock's code."""

    eval_type: str
    udfs: list[UdfTrace] = field(default_factory=list)
    batches: Counter[str] = field(default_factory=Counter)

    def fast(self) -> None:
        """Count a batch that took the fast path all the way."""
        self.batches[FAST] += 1

    def fell_back(self, reason: str) -> None:
        """Count a batch that stock's code had a part in, by reason."""
        reason = reason[:LONGEST_REASON]
        # Texts of errors can be different in each batch.
        if reason not in self.batches and len(self.batches) > MOST_REASONS:
            reason = OTHER_REASONS
        self.batches[reason] += 1

    def publish(self) -> None:
        """Write the trace to where ``HYDROFOIL_TRACE`` says, if anywhere, and send it if asked."""
        for listener in listeners:
            listener(self)
        sending.send(partial(record_of, self))
        target = os.environ.get(VARIABLE, "")
        if target in ("", "0"):
            return
        if target == "1":
            for line in self.lines():
                print(f"hydrofoil: {line}", file=sys.stderr)
            return
        record = {
            "eval_type": self.eval_type,
            "udfs": [vars(udf) for udf in self.udfs],
            "batches": dict(self.batches),
        }
        folder = Path(target)
        path = folder / f"{os.getpid()}.jsonl"
        try:
            private.make_folder(folder)
            with open(path, "a", encoding="utf-8", opener=private.opener) as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            _tell_once(str(error))

    def lines(self) -> list[str]:
        """The trace in words."""
        lines = []
        for udf in self.udfs:
            because = f": {udf.reason}" if udf.reason else ""
            path = path_taken(udf, self.batches)
            lines.append(f"{self.eval_type} {udf.name}{udf.signature} -> {path}{because}")
        total = sum(self.batches.values())
        if total:
            lines.append(f"{self.eval_type} batches: {self.batches[FAST]} of {total} fast")
        for reason, count in self.batches.items():
            if reason != FAST:
                lines.append(f"{self.eval_type} batches: {count} fell back: {reason}")
        return lines


def record_of(trace: TaskTrace, execution: str | None) -> tuple[Any, ...]:
    """A trace in terms of Python's own types, which any driver can read."""
    udfs = tuple(
        (udf.name, udf.signature, udf.path, udf.reason[:LONGEST_REASON]) for udf in trace.udfs
    )
    return (
        None if execution is None else int(execution),
        trace.eval_type,
        udfs,
        dict(trace.batches),
    )


@cache
def _tell_once(why: str) -> None:
    # A query must not be lost because its trace is.
    print(
        f"hydrofoil on {socket.gethostname()}: what tasks did is not traced: {why}; {VARIABLE} "
        "names a folder that each executor can write to, or is 1",
        file=sys.stderr,
        flush=True,
    )
