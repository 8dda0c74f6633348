"""The session that PySpark's decorators look at, classic or of a Spark Connect client."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


def current_session() -> Any:
    """The session whose settings PySpark's ``udf`` reads, or None."""
    from pyspark.sql.utils import is_remote

    if not is_remote():
        from pyspark.sql import SparkSession

        return SparkSession._instantiatedSession
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    try:
        return ConnectSession.active()
    except PySparkRuntimeError:
        return None


@dataclass(frozen=True)
class SessionFacts:
    """What a session says of the workers that run its functions.

    Attributes
    ----------
    spark : str
        The version of Spark, of the server's for a client.
    settings : dict
        Those that were asked for and are set.
    master : str
        Empty for a client, whose variables are not the workers'.
    """

    spark: str
    settings: dict[str, str]
    master: str


def facts(session: Any, keys: Iterable[str]) -> SessionFacts:
    """Ask a session for its version and for these settings, of which Spark knows no default."""
    if hasattr(session, "_sc"):
        # What is set on the context counts, and not the session's copy of when it was made.
        conf = dict(session.sparkContext.getConf().getAll())
        settings = {key: conf[key] for key in keys if key in conf}
        return SessionFacts(session.version, settings, session.sparkContext.master)
    given = {key: session.conf.get(key, None) for key in keys}
    settings = {key: value for key, value in given.items() if value is not None}
    return SessionFacts(session.version, settings, "")


def sql_setting(session: Any, key: str) -> str | None:
    """The value that counts in a session: what is set, else the default of its Spark version.

    Asked with a default, a session answers that one where it has Spark's own.

    Returns
    -------
    str or None
        None where this version has no such setting, or it has no value.
    """
    try:
        value: str | None = session.conf.get(key)
    except Exception:
        # The error's class differs by version and by kind of session.
        value = session.conf.get(key, None)
    return None if value == "<undefined>" else value


def java_version(session: Any) -> int:
    """The version of a session's JVM: 17."""
    text = str(session._jvm.System.getProperty("java.specification.version"))
    return int(text.removeprefix("1."))
