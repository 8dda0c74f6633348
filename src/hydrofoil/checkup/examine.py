"""All checks, in the order in which they depend on each other."""

from collections.abc import Mapping
from dataclasses import dataclass

from hydrofoil.checkup import costly, executors, facts, installation, java, turned_on, versions
from hydrofoil.checkup import settings as spark_settings
from hydrofoil.checkup.facts import Facts
from hydrofoil.checkup.finding import Finding, Level, exit_code


@dataclass(frozen=True)
class Examination:
    """Everything that was found; ``driver`` is None for a Python that could not be probed."""

    findings: list[Finding]
    driver: Facts | None
    executors: list[tuple[Facts, int]]
    settings: spark_settings.Settings

    @property
    def exit_code(self) -> int:
        return exit_code(self.findings)


def examine(
    master: str = "local[2]",
    conf: Mapping[str, str] | None = None,
    configured: bool = False,
    run_job: bool = True,
    timeout: float = 180,
) -> Examination:
    """Check this installation, and the executors of a master.

    Parameters
    ----------
    master : str
        Where the small job runs.
    conf : mapping, optional
        Spark settings of the program, beside those of spark-defaults.conf.
    configured : bool
        Whether the program turns Hydrofoil on itself, with `hydrofoil.configure` or ``submit``.
    run_job : bool
        Whether to start Spark at all.
    timeout : float
        Seconds for the job.
    """
    settings = spark_settings.gather(conf or {}, configured)
    driver = facts.of_this_python()
    if isinstance(driver, str):
        found = [java.check(versions.needs_of(None).java), installation.check_driver_python(driver)]
        found += [*turned_on.check(settings, master), *costly.check(settings)]
        return Examination([*found, _no_job("Python")], None, [], settings)

    spark = installation.spark_version(driver)
    base = [java.check(versions.needs_of(spark).java), installation.check_spark(driver)]
    found = [*base, *versions.check_packages(driver, spark, "on the driver")]
    found.append(installation.check_hydrofoil(driver))
    found.append(installation.check_extension(driver, "on the driver"))
    found += [*turned_on.check(settings, master), *costly.check(settings)]
    if not run_job:
        return Examination(found, driver, [], settings)
    # No job can run without Java and Spark.
    missing = [finding.check for finding in base if finding.level is Level.BROKEN]
    if missing:
        return Examination([*found, _no_job(" and ".join(missing))], driver, [], settings)
    workers = executors.examine(driver, settings, master, spark, configured, timeout)
    return Examination([*found, *workers.findings], driver, workers.processes, settings)


def _no_job(first: str) -> Finding:
    return Finding("executors", Level.NOTE, "not looked at", f"set {first} right first")
