"""Asking a process like a worker which paths it would plan.

It is a process of its own, since reading a function can change the classes and modules that it
refers to, and since it is the workers' Python and environment that decide.
"""

import json
import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hydrofoil.counts import task_trace
from hydrofoil.counts.task_trace import UdfTrace
from hydrofoil.spark.asked import Question
from hydrofoil.tools.paths import answer
from hydrofoil.tools.programs import ended

_SECONDS = 120


def ask(
    questions: Sequence[Question],
    broadcasts: Mapping[int, str],
    python: str,
    environment: Mapping[str, str],
) -> tuple[list[list[UdfTrace]], list[str]]:
    """The path of each function of each question, and what is to be noted of the answers.

    Parameters
    ----------
    broadcasts : mapping
        The file of each broadcast variable that functions refer to, by id.
    python : str
        The workers' Python. If this host has none such, the driver's answers in its place.
    environment : mapping
        What workers have beside this process's variables.
    """
    if not questions:
        return [], []
    notes = []
    found = shutil.which(python)
    if found is None:
        notes.append(
            f"This host has no {python}, the workers' Python: the driver's, {sys.executable}, was "
            "asked in its place."
        )
        found = sys.executable
    variables = {**os.environ, **environment}
    variables.pop(task_trace.VARIABLE, None)
    if os.path.abspath(found) == sys.executable:
        # Modules that the driver has found are found there too.
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    with tempfile.TemporaryDirectory(prefix="hydrofoil-explain-") as folder:
        asked, answered = Path(folder, "questions"), Path(folder, "answers")
        asked.write_bytes(pickle.dumps({"questions": list(questions), "broadcasts": broadcasts}))
        problem = _run([found, "-m", answer.__name__, str(asked), str(answered)], variables)
        if not answered.is_file():
            reason = f"{found}, the workers' Python, gave no answer: {problem}"
            return _unknown(questions, reason), notes
        answers = json.loads(answered.read_text(encoding="utf-8"))
    return [[UdfTrace(**udf) for udf in each] for each in answers], notes


def _run(command: list[str], environment: dict[str, str]) -> str:
    """Run it; what it said last, if it failed."""
    done = ended(command, _SECONDS, environment)
    if isinstance(done, str):
        return done
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit status {done.returncode}"


def _unknown(questions: Sequence[Question], reason: str) -> list[list[UdfTrace]]:
    return [
        [UdfTrace("", "", answer.UNKNOWN, reason) for _ in each.functions] for each in questions
    ]
