"""A process like a worker, which says what it would plan: see `hydrofoil.tools.paths.ask`.

Run as ``python -m hydrofoil.tools.paths.answer QUESTIONS ANSWERS``, by the workers' Python and with
their environment. Both are files: the modules of users' functions may print.
"""

import json
import pickle
import socket
import sys
from pathlib import Path
from typing import Any

from hydrofoil.counts.task_trace import UdfTrace
from hydrofoil.process import switch

STOCK = "stock"
UNKNOWN = "unknown"


def main(questions: Path, answers: Path) -> None:
    """Answer all questions."""
    # Written by the process that has started this one.
    asked = pickle.loads(questions.read_bytes())
    found = [
        [vars(udf) for udf in answer]
        for answer in answers_to(asked["questions"], asked["broadcasts"])
    ]
    answers.write_text(json.dumps(found), encoding="utf-8")


def answers_to(questions: list[Any], broadcasts: dict[int, str]) -> list[list[UdfTrace]]:
    """The path of each function of each question, by the daemon's and the worker's own steps."""
    if switch.is_off():
        return all_stock(questions, "HYDROFOIL=off is in the workers' environment")
    try:
        from hydrofoil import worker

        main_of_version = worker.fast_main()
    except Exception as error:
        return all_stock(
            questions,
            f"Hydrofoil can't be loaded for {sys.executable} on {socket.gethostname()} "
            f"({type(error).__name__}: {error})",
        )
    if main_of_version is None:
        import pyspark

        return all_stock(questions, f"Hydrofoil does not know PySpark {pyspark.__version__}")
    from hydrofoil.spark import asked

    planning = main_of_version.__self__  # type: ignore[attr-defined]
    _know(broadcasts)
    found = []
    for question in questions:
        try:
            found.append(asked.answer(planning, question))
        except Exception as error:
            reason = f"its function can't be read here: {type(error).__name__}: {error}"
            found.append([UdfTrace("", "", UNKNOWN, reason) for _ in question.functions])
    return found


def all_stock(questions: list[Any], reason: str) -> list[list[UdfTrace]]:
    """Stock's path for everything."""
    return [[UdfTrace("", "", STOCK, reason) for _ in each.functions] for each in questions]


def _know(broadcasts: dict[int, str]) -> None:
    """Have functions find their broadcast variables, which are read when they are used."""
    from pyspark.broadcast import Broadcast, _broadcastRegistry

    for number, path in broadcasts.items():
        _broadcastRegistry[number] = Broadcast(path=path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
