"""``hydrofoil pack``: the archive of a Python environment for executors, and how Spark gets it."""

import os
import platform
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hydrofoil.errors import UsageError
from hydrofoil.tools.cli.written import Written

if TYPE_CHECKING:
    from hydrofoil.tools.packing.environment import Environment


@click.command()
@click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--output",
    "-o",
    default="environment.tar.gz",
    show_default=True,
    type=Written(),
    help="The archive: .tar.gz, .tgz, .tar or .zip.",
)
@click.option("--force", is_flag=True, help="Replace an archive that is there.")
@click.option(
    "--spark-jars",
    is_flag=True,
    help="Keep the Spark inside an installed pyspark, which a cluster has itself.",
)
def pack(folder: Path | None, output: Path, force: bool, spark_jars: bool) -> None:
    """Make an archive of a Python environment for executors, and print the settings for it.

    FOLDER is an environment of venv, virtualenv or conda; without it, the one that this command
    runs in. What executors need of it is checked first: if something is missing, that is said,
    no archive is made, and the exit code is 2.
    """
    from hydrofoil.settings.user_conf import conf_of
    from hydrofoil.tools.checkup.finding import Level, exit_code
    from hydrofoil.tools.packing import archive, environment, settings
    from hydrofoil.tools.packing.check import check, jar

    try:
        there = environment.find(folder or Path(sys.prefix))
        _refuse(output, force)
        # What is not installed is said before anything takes long.
        archive.packer(there)
        found, findings = check(there)
        for finding in findings:
            if finding.level is not Level.OK:
                click.echo(f"{finding.level.value}: {finding.check}: {finding.found}", err=True)
                click.echo(f"  to do: {finding.advice}", err=True)
        code = exit_code(findings)
        path = None if found is None else jar(found)
        if code == 2 or found is None or path is None:
            click.echo("no archive was made", err=True)
            sys.exit(2)
        archive.pack(there, output, force=force, spark_jars=spark_jars)
    except UsageError as error:
        raise click.ClickException(str(error)) from None
    output = Path(os.path.abspath(output))
    versions = [f"{name} {package.version}" for name, package in found.packages.items()]
    click.echo(f"{output}: {output.stat().st_size / 1e6:.0f} MB")
    click.echo(f"  Python {found.python}, {', '.join(versions)}")
    for line in _ties(there):
        click.echo(f"  {line}")
    present = conf_of([])
    click.echo("\nClient mode, where the driver runs here:\n")
    _show(settings.client(output, there, path, present))
    click.echo(
        "\nA program that is started by `python app.py` makes these settings itself, and takes the"
        f"\nexecutors' Python from its environment: PYSPARK_PYTHON={settings.PYTHON}"
    )
    click.echo("\nCluster mode, on YARN and Kubernetes, where the driver has the archive, too:\n")
    _show(settings.cluster(output, path, present))
    click.echo("\nPYSPARK_PYTHON and PYSPARK_DRIVER_PYTHON must not be set there.")


def _refuse(output: Path, force: bool) -> None:
    """Raise UsageError for an archive that can't be written, or that nobody could use."""
    from hydrofoil.tools.packing import archive

    if not output.name.endswith(archive.SUFFIXES):
        raise UsageError(
            f"--output {output} is of no format that Spark unpacks",
            hint=f"end its name with one of {', '.join(archive.SUFFIXES)}",
        )
    if output.exists() and not force:
        raise UsageError(f"{output} is there already", hint="use --force to replace it")


def _ties(environment: "Environment") -> Iterator[str]:
    """What hosts need beside the archive."""
    libc = " ".join(platform.libc_ver()).strip()
    yield (
        f"made on {platform.system()} {platform.machine()}{libc and f', {libc}'}: hosts need the "
        "same, and no older C library if packages were compiled here"
    )
    base = environment.base
    if base is None:
        return
    yield f"it has no Python, but a link to {base}: hosts need that minor version at that path"
    home = _home()
    if home is not None and base.is_relative_to(home):
        yield f"that path is in a home folder, {home}, which other users may not read"


def _home() -> Path | None:
    """The user's own folder; users of containers often have none, or the root for it."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return None if home == home.parent else home


def _show(settings: Mapping[str, str]) -> None:
    for key, value in settings.items():
        click.echo(f"  --conf {_word(f'{key}={value}')}")


def _word(text: str) -> str:
    """A word for a shell, in which a # that does not begin it is no comment."""
    plain = text.replace("#", "")
    return text if shlex.quote(plain) == plain else shlex.quote(text)
