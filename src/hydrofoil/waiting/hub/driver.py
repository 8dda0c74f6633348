"""The hub of this process's Spark application."""

import atexit
import threading
from contextlib import suppress
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.gang.channel.encryption import encryption
from hydrofoil.reports import metrics
from hydrofoil.waiting.hub.server import WaitingHub
from hydrofoil.waiting.hub.tally import WaitingCalls

PORT_KEY = "spark.hydrofoil.waiting.port"
# Each encrypts Spark's RPC by itself; the last one is Spark 4's.
_ENCRYPTING = (
    "spark.network.crypto.enabled",
    "spark.authenticate.enableSaslEncryption",
    "spark.ssl.rpc.enabled",
)

_lock = threading.Lock()
# The application and its hub.
_known: tuple[str, WaitingHub] | None = None


def application() -> str | None:
    """The id of the application whose driver this process is; None where it is none."""
    try:
        from pyspark import SparkContext
    except ImportError:  # PySpark's package for Connect alone.
        return None
    context = SparkContext._active_spark_context
    return None if context is None or context._jsc is None else str(context.applicationId)


def hub() -> WaitingHub | None:
    """The hub, which now is there; None where this process is no driver.

    Raises
    ------
    UsageError
        It can't listen, or Spark's settings want connections that can't be had.
    """
    global _known
    name = application()
    if name is None:
        return None
    with _lock:
        if _known is not None and _known[0] == name:
            return _known[1]
        if _known is not None:
            _known[1].close()
        made = _made()
        if _known is None:
            atexit.register(_close)
        _known = (name, made)
        return made


def known_hub() -> WaitingHub | None:
    """The hub of this application, if there is one."""
    return None if _known is None else _known[1]


def _close() -> None:
    if _known is not None:
        _known[1].close()


def _made() -> WaitingHub:
    from pyspark import SparkContext

    context: Any = SparkContext._active_spark_context
    conf = context.getConf()
    host = conf.get("spark.driver.host", "127.0.0.1")
    bind = conf.get("spark.driver.bindAddress", host)
    port = int(conf.get(PORT_KEY, "0"))

    def is_on(key: str) -> bool:
        return str(conf.get(key, "false")).strip().lower() == "true"

    encrypt = any(map(is_on, _ENCRYPTING))
    if encrypt:
        encryption()
    try:
        return WaitingHub(
            bind, host, port, encrypt, encrypt or is_on("spark.authenticate"), is_running, show
        )
    except OSError as error:
        raise UsageError(
            f"the driver can't listen on {bind}:{port} for functions that wait: {error}",
            hint=f"set spark.driver.bindAddress, and {PORT_KEY} to a free port or 0",
        ) from error


def show(more: WaitingCalls) -> None:
    """Show what has been called on the query's page of Spark's UI, if that has room for it."""
    if more.query is None:
        return
    for name, count in (
        (metrics.CALLS, more.calls),
        (metrics.CALLS_AGAIN, more.retries),
        (metrics.WAITED, round(1000 * more.waited_s)),
        (metrics.COST, round(more.cost)),
    ):
        # A page of Spark's is no reason to fail.
        with suppress(Exception):
            if count and not metrics.add(more.query, name, more.function, count):
                return


def is_running(stage: int) -> bool:
    """Whether Spark's scheduler still has a stage; True where it can't be asked."""
    from pyspark import SparkContext

    try:
        context: Any = SparkContext._active_spark_context
        found = context._jsc.sc().dagScheduler().stageIdToStage().contains(stage)
        return bool(found)
    except Exception:
        return True
