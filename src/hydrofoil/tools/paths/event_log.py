"""The JVM's operators that called Python, as a program's event log has them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydrofoil.tools.paths.jvm import SENT, Operator, operators

_START = "SparkListenerSQLExecutionStart"
_CHANGED = "SparkListenerSQLAdaptiveExecutionUpdate"


def settings(folder: Path) -> dict[str, str]:
    """The settings that have Spark write a log which `operators_in` can read."""
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": folder.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
    }


def operators_in(files: Iterable[Path]) -> list[Operator]:
    """The operators of all queries, each kind of them once, in the order of the queries."""
    plans: dict[tuple[str, int], dict[str, Any]] = {}
    for file in files:
        for event in _events(file):
            # Spark changes its plan while the query runs: the last one is what has run.
            plans[file.name, event["executionId"]] = event["sparkPlanInfo"]
    return list(dict.fromkeys(op for plan in plans.values() for op in operators(_Node(plan))))


def _events(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if (_START in line or _CHANGED in line) and line.endswith("}\n"):
                event = json.loads(line)
                if "sparkPlanInfo" in event:
                    yield event


@dataclass(frozen=True)
class _Node:
    info: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.info["nodeName"])

    @property
    def description(self) -> str:
        return str(self.info["simpleString"])

    @property
    def children(self) -> Sequence["_Node"]:
        return [_Node(child) for child in self.info["children"]]

    @property
    def calls_python(self) -> bool:
        return any(metric["name"] == SENT for metric in self.info["metrics"])
