"""The text of a function's `explain`: its types, how its rows travel, and whose code runs it."""

from hydrofoil.evals.eval_types import EVAL_TYPES, EvalRow, EvalType, describe
from hydrofoil.process import requirements, switch
from hydrofoil.settings import turned_on
from hydrofoil.settings.launch import DAEMON_KEY, WORKER_KEY
from hydrofoil.settings.rows import VARIABLE_KEY
from hydrofoil.settings.sessions import SessionFacts, current_session, facts
from hydrofoil.settings.sources import Setting
from hydrofoil.spark.versions import VERSIONS

_OFF_KEY = turned_on.ENVIRONMENT_KEY + switch.VARIABLE
_KEYS = (DAEMON_KEY, WORKER_KEY, turned_on.USE_DAEMON_KEY, _OFF_KEY, VARIABLE_KEY)


def explain(head: str, notes: list[str], eval_type: int) -> str:
    """The text for a function of this kind, in the session that there is now, if there is one.

    Parameters
    ----------
    head : str
        The function with its types.
    notes : list of str
        Lines about its arguments and results.
    """
    known = _session()
    return "\n".join(
        [
            head,
            f"kind: {describe(eval_type)}",
            *_rows(eval_type, known),
            *notes,
            *_path(eval_type, known),
        ]
    )


def path(eval_type: int) -> list[str]:
    """The lines that say whose code runs a function of this kind, and what is missing for it."""
    return _path(eval_type, _session())


def _session() -> SessionFacts | None:
    session = current_session()
    return None if session is None else facts(session, _KEYS)


def _path(eval_type: int, known: SessionFacts | None) -> list[str]:
    row = EVAL_TYPES.get(eval_type)
    by = _by_table(row) if known is None else _in_session(row, known)
    return [f"path: {by}", *(f"missing: {one}" for one in requirements.missing_for_arrow())]


def _rows(eval_type: int, known: SessionFacts | None) -> list[str]:
    """How the rows of a plain function travel."""
    if eval_type == EvalType.SQL_BATCHED_UDF:
        return ["rows: pickled"]
    if eval_type != EvalType.SQL_ARROW_BATCHED_UDF:
        return []
    as_pickled = known is not None and known.settings.get(VARIABLE_KEY) == "arrow"
    rules = ", with the results of pickled rows" if as_pickled else ""
    return [f"rows: Arrow record batches{rules}"]


def _by_table(row: EvalRow | None) -> str:
    if row is None or row.fast_path is None:
        return "PySpark's own code, in either worker"
    return f"fast path hydrofoil.evals ({row.fast_path}); in the stock worker PySpark's own code"


def _in_session(row: EvalRow | None, known: SessionFacts) -> str:
    version = VERSIONS.get(".".join(known.spark.split(".")[:2]))
    stays = version is not None and row is not None and row.code not in version.fast
    if row is None or row.fast_path is None or stays:
        return f"PySpark's own code, in either worker on Spark {known.spark}"
    stock = _why_stock(known)
    if stock is not None:
        return f"PySpark's own code, since {stock}"
    if version is None:
        known_ones = ", ".join(VERSIONS)
        return f"PySpark's own code, since this release of Hydrofoil speeds up {known_ones}"
    return f"fast path hydrofoil.evals ({row.fast_path})"


def _why_stock(known: SessionFacts) -> str | None:
    """Why this session's workers are stock PySpark's, and what to do; None where they are ours."""
    settings = {key: Setting(value, "the session") for key, value in known.settings.items()}
    if turned_on.is_off(settings, known.master):
        return f"{switch.VARIABLE}=off is set for the workers"
    if turned_on.is_on(settings):
        return None
    key = turned_on.deciding_key(settings)
    value = known.settings.get(key)
    where = "start the session with hydrofoil.session()" if known.master else "set it on the server"
    return f"{key} is {value or 'not set'}: {where}"
