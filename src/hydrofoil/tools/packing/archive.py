"""Packing an environment with venv-pack or conda-pack, which make it work in any folder."""

import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from hydrofoil.errors import UsageError
from hydrofoil.tools.packing.environment import CONDA, VENV, Environment

# What packs an environment of each kind: the module, the package that has it, and its error.
PACKERS = {
    VENV: ("venv_pack", "venv-pack2", "VenvPackException"),
    CONDA: ("conda_pack", "conda-pack", "CondaPackException"),
}

# Of the formats that these write, those that Spark unpacks.
SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")

# Most of an installed pyspark. A cluster has its own Spark, and executors take its jars.
SPARKS_OWN = ("jars", "examples")


def packer(environment: Environment) -> ModuleType:
    """Return the module that packs an environment.

    Raises
    ------
    UsageError
        It is not installed.
    """
    module, package, _ = PACKERS[environment.kind]
    try:
        return import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{environment.folder} is an environment of {environment.kind}, and {package}, which "
            f"packs such, can't be imported: {error}",
            hint=f"{sys.executable} -m pip install {package} (both are in the extra 'pack'); "
            "the environment that is packed need not have it",
        ) from None


def pack(
    environment: Environment,
    output: Path,
    *,
    force: bool = False,
    spark_jars: bool = False,
) -> None:
    """Write the archive.

    Parameters
    ----------
    environment : Environment
    output : Path
        Its suffix, one of `SUFFIXES`, says the format.
    force : bool
        Whether to replace a file that is there.
    spark_jars : bool
        Whether to keep the Spark inside an installed pyspark.

    Raises
    ------
    UsageError
        The packer is not installed, or refuses.
    """
    tool = packer(environment)
    left_out = [] if spark_jars else [f"*/site-packages/pyspark/{name}/*" for name in SPARKS_OWN]
    refused = getattr(tool, PACKERS[environment.kind][2])
    try:
        tool.pack(
            prefix=str(environment.folder),
            output=str(output),
            force=force,
            filters=[("exclude", pattern) for pattern in left_out],
        )
    except refused as error:
        raise UsageError(f"{tool.__name__} does not pack {environment.folder}: {error}") from None
    # Both write a file that nobody else may read, which daemons of a cluster may have to.
    mask = os.umask(0)
    os.umask(mask)
    output.chmod(0o666 & ~mask)
