"""Turning Hydrofoil on: the Spark settings that name its daemon and worker, and who sets them.

They take effect when a SparkContext starts, on its executors. Nothing is imported from PySpark
until a session is asked for.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hydrofoil.counts import sending
from hydrofoil.counts.collected import collected
from hydrofoil.errors import UsageError
from hydrofoil.process import hooks, inner, switch
from hydrofoil.settings import for_workers
from hydrofoil.settings import jvm_operators as columnar_operators
from hydrofoil.settings.for_workers import INNER_KEY
from hydrofoil.settings.rows import settings as row_settings
from hydrofoil.settings.user_conf import (
    MASTER_KEY,
    SUBMIT_ARGUMENTS,
    conf_of,
    master_of,
    submit_words,
    with_conf,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAEMON_KEY = "spark.python.daemon.module"
WORKER_KEY = "spark.python.worker.module"

# The second one counts where spark.python.use.daemon=false starts workers directly.
SETTINGS = {
    DAEMON_KEY: "hydrofoil.daemon",
    WORKER_KEY: "hydrofoil.worker",
}

INNER_VARIABLE_KEY = for_workers.executor_key(inner.VARIABLE)
# For hydrofoil.last_query: workers send the driver how many batches took which path.
COUNTS = {sending.KEY: "true"}
# A JVM whose worker has died reads why from a file, to which Hydrofoil's daemon adds what it knows:
# for RDDs, and for functions of SQL.
WHY_DIED = {
    "spark.python.worker.faulthandler.enabled": "true",
    "spark.sql.execution.pyspark.udf.faulthandler.enabled": "true",
}

# Variables of this process that its workers need too, wherever they run.
PASSED_ON = ("HYDROFOIL", "HYDROFOIL_TRACE", hooks.VARIABLE, *for_workers.VARIABLES.values())

# What stock PySpark would use: asking for these and for Hydrofoil is no contradiction.
STOCK = {
    DAEMON_KEY: "pyspark.daemon",
    WORKER_KEY: "pyspark.worker",
}

ON_THE_SERVER = (
    "a Spark Connect client can't choose the Python workers: they run on the server; start the "
    f"server with --conf {DAEMON_KEY}={SETTINGS[DAEMON_KEY]} --conf "
    f"{WORKER_KEY}={SETTINGS[WORKER_KEY]}"
)


# By its name: it stands below this room, and is not for those who only ask for settings.
DRIVER_SWITCH = "hydrofoil.driver.switch"


def configure(
    builder: "SparkSession.Builder",
    *,
    rows: str | None = None,
    columnar: bool | None = None,
    driver: bool = True,
) -> "SparkSession.Builder":
    """Turn Hydrofoil on for the session that a builder will make.

    Sets ``spark.python.daemon.module`` and ``spark.python.worker.module``, and passes
    ``HYDROFOIL``, ``HYDROFOIL_TRACE``, ``HYDROFOIL_AFTER_FORK`` and the variables of settings that
    workers read, such as ``spark.hydrofoil.daemon.inner``, on as ``spark.executorEnv``.
    With a local master, workers run on this process's Python unless ``PYSPARK_PYTHON`` is set:
    PySpark's own default is whatever ``python3`` is first on ``PATH``, where Hydrofoil may not be
    installed.
    Hydrofoil's jar and extension are added to ``spark.jars`` and ``spark.sql.extensions``.
    ``spark.hydrofoil.counts`` has workers count for `hydrofoil.last_query`.

    Parameters
    ----------
    builder : SparkSession.Builder
        Changed in place.
    rows : {"stock", "arrow", "arrow-native"}, optional
        How plain UDFs exchange rows: as Spark is configured to; as Arrow record batches, with the
        results of the pickled path; or as Arrow record batches by Arrow's own rules. By default
        what ``HYDROFOIL_ROWS`` names, and "stock" without it.
    columnar : bool, optional
        Whether the JVM exchanges columns with Python by Hydrofoil's operators, from Spark 4.0 on.
        By default it does where this installation has operators for that Spark; where not, one
        line on stderr says why.
    driver : bool
        Whether rows go to and from this process by Arrow and the core, as by `hydrofoil.enable`.

    Returns
    -------
    SparkSession.Builder
        The same builder, for chaining.

    Raises
    ------
    UsageError
        The builder is for Spark Connect, names another daemon or worker module, or settings that
        contradict ``rows``; ``rows`` is none of the three; there are no operators for
        ``columnar=True``; or a SparkContext that does not use Hydrofoil runs already (its workers'
        modules can't be changed any more).
    """
    options: dict[str, Any] = builder._options
    if is_remote(builder, options):
        raise UsageError(ON_THE_SERVER)
    for key, value in SETTINGS.items():
        present = options.get(key, value)
        if present not in (value, STOCK[key]):
            raise UsageError(
                f"{key} is set to {present!r}, which Hydrofoil would replace",
                hint=_way_out(key, present),
            )
    exchange = row_settings(rows)
    for key, value in exchange.items():
        present = str(options.get(key, value)).lower()
        if rows is not None and present != value:
            raise UsageError(
                f"{key} is set to {present!r}, and rows={rows!r} needs {value!r}",
                hint=f"leave out one of the two; rows={'stock'!r} keeps Spark's own settings",
            )
    running = running_conf()
    if running is not None and columnar and not columnar_operators.is_on(running):
        raise UsageError(
            "columnar=True, but a SparkContext is running without Hydrofoil's operators",
            hint="stop it first (spark.stop())",
        )
    collected()
    if driver:
        import_module(DRIVER_SWITCH).enable()
    words = submit_words()
    jvm = running_jvm()
    present = conf_of(words) if jvm is None else jvm_conf()
    if runs_locally(options, master_of(words, present) if jvm is None else present.get(MASTER_KEY)):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # A running session takes no extension any more.
    wanted = columnar if running is None else False
    added = settings(rows, wanted, present | options)
    for key, value in added.items():
        if key in SETTINGS or key in columnar_operators.KEYS or key not in options:
            builder.config(key, value)
    if columnar_operators.EXTENSIONS_KEY not in added:
        return builder
    if jvm is not None:
        columnar_operators.load_into(jvm)
        return builder
    # What these words say wins over the builder when the JVM is started.
    lists = {key: added[key] for key in columnar_operators.KEYS if key in added}
    if words != (merged := with_conf(words, lists)):
        os.environ[SUBMIT_ARGUMENTS] = shlex.join(merged)
    return builder


def session(
    master: str | None = None,
    app_name: str | None = None,
    conf: dict[str, Any] | None = None,
    *,
    rows: str | None = None,
    columnar: bool | None = None,
    driver: bool = True,
) -> "SparkSession":
    """Start a Spark session whose Python workers are Hydrofoil's, or return the running one.

    Parameters
    ----------
    master : str, optional
        As for ``SparkSession.builder.master``; by default what Spark's configuration says, and
        ``local[*]`` where that says nothing.
    app_name : str, optional
        As for ``SparkSession.builder.appName``.
    conf : dict, optional
        Spark configuration, key to value.
    rows : {"stock", "arrow", "arrow-native"}, optional
        As for `configure`.
    columnar : bool, optional
        As for `configure`.
    driver : bool
        As for `configure`.

    Raises
    ------
    UsageError
        As for `configure`.
    """
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    if master is not None:
        builder = builder.master(master)
    if app_name is not None:
        builder = builder.appName(app_name)
    for key, value in (conf or {}).items():
        builder = builder.config(key, value)
    return configure(builder, rows=rows, columnar=columnar, driver=driver).getOrCreate()


def _way_out(key: str, module: str) -> str:
    """What to do about a module that is not Hydrofoil's. It is wrapped only if that is asked for:
    what it does to workers nobody knows."""
    if key == DAEMON_KEY:
        return (
            f"to have Hydrofoil's daemon wrap it, set {INNER_KEY}={module} instead of "
            f"{DAEMON_KEY}; or do without Hydrofoil"
        )
    return f"leave {key} out, or do without Hydrofoil"


def is_remote(builder: "SparkSession.Builder", options: dict[str, Any]) -> bool:
    """Whether the builder makes a client of a Spark Connect server.

    A ``local`` remote starts its server in this process, with the builder's settings.
    """
    if type(builder).__module__.startswith("pyspark.sql.connect"):
        return True
    remote = str(options.get("spark.remote") or os.environ.get("SPARK_REMOTE", ""))
    return bool(remote) and not remote.startswith("local")


def runs_locally(options: dict[str, Any], configured: str | None) -> bool:
    """Whether a builder's session has a local master.

    ``configured`` is the one that it has where the builder names none.
    """
    master = options.get(MASTER_KEY)
    if master is None:
        # spark-submit decides where there is a gateway to it, and local[*] is the default else.
        submitted = "PYSPARK_GATEWAY_PORT" in os.environ
        master = os.environ.get("MASTER", "") if submitted else configured or "local[*]"
    return str(master).startswith("local")


def running_conf() -> dict[str, str] | None:
    """Return the configuration of the SparkContext that runs in this process, if one does.

    Raises
    ------
    UsageError
        It does not use Hydrofoil.
    """
    core = sys.modules.get("pyspark.core.context") or sys.modules.get("pyspark.context")
    running = core and core.SparkContext._active_spark_context
    if not running:
        return None
    conf: dict[str, str] = dict(running.getConf().getAll())
    module = conf.get(DAEMON_KEY)
    if module != SETTINGS[DAEMON_KEY]:
        raise UsageError(
            f"a SparkContext is running with {DAEMON_KEY}={module or STOCK[DAEMON_KEY]}, and a "
            "running context keeps the module that it was started with",
            hint="stop it first (spark.stop()), or start it with "
            f"--conf {DAEMON_KEY}={SETTINGS[DAEMON_KEY]}",
        )
    return conf


def running_jvm() -> Any:
    """Return the JVM that this process's sessions run in, if it has been started.

    spark-submit starts it before the application, which connects to it later.
    """
    core = sys.modules.get("pyspark.core.context") or sys.modules.get("pyspark.context")
    if core is None:
        return None
    if core.SparkContext._jvm is None and "PYSPARK_GATEWAY_PORT" in os.environ:
        core.SparkContext._ensure_initialized()
    return core.SparkContext._jvm


def jvm_conf() -> dict[str, str]:
    """Return the settings that a new SparkContext in the running JVM would have."""
    from pyspark import SparkConf

    return dict(SparkConf().getAll())


def settings(
    rows: str | None = None,
    columnar: bool | None = None,
    present: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the Spark settings that turn Hydrofoil on, as this process's environment wants it.

    ``present`` are the settings that the user has made, with which those that are lists are merged.

    Raises
    ------
    UsageError
        ``rows``, or ``HYDROFOIL_ROWS``, is not a way to exchange rows; there are no operators
        for ``columnar=True``; or this is Windows.
    """
    if sys.platform == "win32":
        raise UsageError(
            "Hydrofoil can't be turned on on Windows, where PySpark's daemon does not run",
            hint="use Linux, in WSL 2 for example, or macOS; programs run here without Hydrofoil",
        )
    environment = {for_workers.executor_key(name): os.environ.get(name) for name in PASSED_ON}
    passed_on = {key: value for key, value in environment.items() if value is not None}
    made = SETTINGS | passed_on | for_workers.passed_on(present or {}) | row_settings(rows)
    if switch.is_off():
        return made
    why_died = {key: value for key, value in WHY_DIED.items() if key not in (present or {})}
    return made | COUNTS | why_died | columnar_operators.settings(columnar, present or {})
