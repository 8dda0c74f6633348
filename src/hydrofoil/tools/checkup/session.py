"""`hydrofoil.doctor`: the doctor's checks of a session that runs."""

from typing import TYPE_CHECKING, Any

from hydrofoil.settings.sources import of_session
from hydrofoil.tools.checkup import (
    costly,
    executors,
    installation,
    on_error,
    sockets,
    turned_on,
    versions,
)
from hydrofoil.tools.checkup.application import job as small_job
from hydrofoil.tools.checkup.application import probe
from hydrofoil.tools.checkup.examine import Examination
from hydrofoil.tools.checkup.facts import Facts
from hydrofoil.tools.checkup.finding import Finding, Level
from hydrofoil.tools.checkup.job import Outcome
from hydrofoil.tools.sessions import classic

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def doctor(spark: "SparkSession | None" = None) -> Examination:
    """Check a running session: its settings, this process, and its executors by a small job.

    What ``hydrofoil doctor`` looks at for a program that is still to be started, this looks at for
    one that runs. The job has a task for each slot and holds it for a moment.

    Parameters
    ----------
    spark : SparkSession, optional
        By default the active session.

    Returns
    -------
    Examination
        ``findings``, and ``exit_code``: 2 if something is broken, 1 if something costs speed or is
        a risk, otherwise 0.

    Raises
    ------
    UsageError
        No session is active, or it is one of Spark Connect.
    """
    session = classic(spark, "hydrofoil.doctor")
    context = session.sparkContext
    master = str(context.master)
    settings = of_session(session)
    driver = Facts.of(probe.facts())
    version = str(session.version)
    found = [_java(session), installation.check_spark(driver)]
    found += versions.check_packages(driver, version, "on the driver")
    found.append(installation.check_hydrofoil(driver))
    found.append(installation.check_extension(driver, "on the driver"))
    found += turned_on.check(settings, master)
    found += [*sockets.check(settings, version), *costly.check(settings), *on_error.check(settings)]
    workers = executors.judge(_outcome(context), driver, settings, master, version)
    return Examination([*found, *workers.findings], driver, workers.processes, settings)


def _java(session: Any) -> Finding:
    system = session._jvm.java.lang.System
    runs = f"version {system.getProperty('java.version')} ({system.getProperty('java.home')})"
    return Finding("Java", Level.OK, runs)


def _outcome(context: Any) -> Outcome:
    try:
        hosts = small_job.executor_hosts(context)
        processes = [Facts.of(found) for found in small_job.answers(context)]
    except Exception as error:
        return Outcome([], 0, f"{type(error).__name__}: {error}")
    return Outcome(processes, hosts, None)
