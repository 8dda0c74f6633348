"""Log records of functions, on their way to the driver's log.

The executor's log has each at once, so that a task that dies has said it there.
"""

import logging
import os
import socket
import sys
import time
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.failures.present import where
from hydrofoil.reports.channel import TaskReport, report

LOGS_KEY = "spark.hydrofoil.logs"
NAME = "hydrofoil.worker"
# In each of these, of one run of a worker; how many more there were is counted.
MOST_RECORDS = 100
LONGEST_MESSAGE = 4_000
# Set by Spark from 4.1 on where a session keeps its workers' logs as a table.
SPARKS_OWN = "PYSPARK_SPARK_SESSION_UUID"


def log(message: object, level: int | str = "INFO") -> None:
    """Log from inside of a function: on the driver, with executor, stage, partition and row.

    On the driver, records are those of the logger ``hydrofoil.worker`` of the standard ``logging``
    module. They arrive when their task has ended well. The executor's log has them at once. Of a
    task the driver gets 100 records, and the number of all others. Where Spark keeps workers' logs
    as a table (``spark.sql.pyspark.worker.logging.enabled``, from 4.1 on), they go there.

    Parameters
    ----------
    message : object
        Its ``str()`` is what is logged.
    level : int or str
        As of the ``logging`` module: ``"WARNING"``.

    Raises
    ------
    UsageError
        There is no such level.
    """
    number = level_of(level, "level")
    task = report()
    if task is None:
        logging.getLogger(NAME).log(number, "%s", message)
    elif SPARKS_OWN in os.environ:
        # Whatever the level of the worker's loggers is, which nobody has set for this one.
        logger = logging.getLogger(NAME)
        logger.handle(logger.makeRecord(NAME, number, "", 0, str(message), (), None))
    else:
        _add(task, number, "", str(message))


def level_of(given: int | str, name: str) -> int:
    """A level's number.

    Raises
    ------
    UsageError
        There is no such level.
    """
    if isinstance(given, int):
        return given
    number = logging.getLevelName(str(given).strip().upper())
    if not isinstance(number, int):
        raise UsageError(
            f"{name}={given!r} is no level of logging",
            hint="it is one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
        )
    return number


def wanted(setting: str | None) -> str | None:
    """The name of the level that `LOGS_KEY` asks for; None where it asks for none."""
    text = (setting or "").strip()
    if text.lower() in ("", "false", "off"):
        return None
    return "INFO" if text.lower() == "true" else text


class TaskHandler(logging.Handler):
    """Sends what programs log by the standard module."""

    def emit(self, record: logging.LogRecord) -> None:
        """Add a record to the task's report."""
        try:
            task = report()
            if task is not None:
                _add(task, record.levelno, record.name, self.format(record))
        except Exception:
            self.handleError(record)


# The handler of the task that runs here, and the root logger's level before it.
_installed: tuple[TaskHandler | None, int] | None = None


def install(setting: str | None) -> None:
    """Have this worker's task send what is logged by the standard module, if the setting says so.

    Parameters
    ----------
    setting : str or None
        The lowest level that is sent; true is INFO.

    Raises
    ------
    UsageError
        It is no level.
    """
    global _installed
    if setting is None and _installed is None:
        return
    root = logging.getLogger()
    if _installed is not None:
        handler, before = _installed
        root.setLevel(before)
        if handler is not None:
            root.removeHandler(handler)
        _installed = None
    text = wanted(setting)
    if text is None:
        return
    level = level_of(text, LOGS_KEY)
    # Spark's own logs have a handler of Spark's.
    handler = None if SPARKS_OWN in os.environ else TaskHandler(level)
    _installed = (handler, root.level)
    if handler is not None:
        root.addHandler(handler)
    if root.level > level:
        root.setLevel(level)


def _add(task: TaskReport, level: int, name: str, message: str) -> None:
    message = message[:LONGEST_MESSAGE]
    place = where(task.partition) or f"partition {task.partition}"
    named = f" {name}" if name else ""
    print(
        f"hydrofoil on {socket.gethostname()}: {logging.getLevelName(level)}{named}: {message} "
        f"[{place}, stage {task.context.stageId()}]",
        file=sys.stderr,
        flush=True,
    )
    if len(task.logs) >= MOST_RECORDS:
        task.logs_left += 1
        return
    task.logs.append((level, name, message, place, time.time()))


def print_records(content: dict[str, Any]) -> None:
    """Print a task's records through the driver's ``logging``."""
    logger = logging.getLogger(NAME)
    task = f"stage {content['stage']}, executor {content['host']}"
    for level, name, message, place, created in content["logs"]:
        if logger.isEnabledFor(level):
            named = f"{name}: " if name else ""
            record = logger.makeRecord(
                NAME, level, "", 0, f"{named}{message} [{place}, {task}]", (), None
            )
            record.created = created
            logger.handle(record)
    if content["logs_left"]:
        logger.warning(
            "%s more records were left out [partition %s, %s]",
            f"{content['logs_left']:,}",
            content["partition"],
            task,
        )
