"""``hydrofoil gang``: run a training function of a file or module as a gang."""

import ast
import importlib
import importlib.util
import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from hydrofoil.errors import HydrofoilError
from hydrofoil.gang import pickling

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def pairs(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    """Make a dictionary of KEY=VALUE words."""
    made = {}
    for value in values:
        key, equals, text = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{value!r} is not KEY=VALUE")
        made[key] = text
    return made


@click.command()
@click.argument("function", metavar="FILE.py:FUNCTION")
@click.option("--data", metavar="PATH", help="What ctx.data reads: a path or URI.")
@click.option(
    "--format",
    "data_format",
    default="parquet",
    show_default=True,
    help="Of --data: any format that spark.read knows.",
)
@click.option(
    "--source",
    type=click.Choice(["delta", "parquet", "arrow"]),
    help="Have ranks read --data themselves, past Spark.",
)
@click.option("--columns", metavar="A,B", help="Only these columns of --data.")
@click.option("--num-tasks", default="max", show_default=True, help="Ranks, or max.")
@click.option("--elastic", metavar="MIN,MAX", help="Fewest and most ranks, by what there is.")
@click.option("--balance", default="rows", show_default=True, help="rows, exact, key:COLUMN, none.")
@click.option(
    "--order",
    type=click.Choice(["arrival", "stable"]),
    default="arrival",
    show_default=True,
    help="stable: a run that goes on from a checkpoint sees the rows that it would have seen.",
)
@click.option("--allow-empty", is_flag=True, help="Ranks may have no rows.")
@click.option(
    "--arg",
    "args",
    multiple=True,
    callback=pairs,
    metavar="KEY=VALUE",
    help="A keyword of FUNCTION: a literal.",
)
@click.option("--cpus", type=click.IntRange(1), help="Cores a rank.")
@click.option("--gpus", default=0, type=click.IntRange(0), help="GPUs a rank.")
@click.option("--checkpoint", metavar="PATH", help="Where ctx.checkpoint keeps state.")
@click.option("--max-restarts", default=0, show_default=True, type=click.IntRange(0))
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait in collectives.")
@click.option("--start-timeout", default=300.0, show_default=True, help="Seconds to start.")
@click.option("--wait-for-slots", default=0.0, show_default=True, help="Seconds.")
@click.option(
    "--env", "variables", multiple=True, callback=pairs, metavar="KEY=VALUE", help="Set in ranks."
)
@click.option("--master", help="Spark's, unless spark-submit or the configuration says.")
@click.option(
    "--remote",
    envvar="SPARK_REMOTE",
    metavar="sc://HOST:PORT",
    help="A Spark Connect server; SPARK_REMOTE unless given.",
)
@click.option(
    "--conf",
    "settings",
    multiple=True,
    callback=pairs,
    metavar="KEY=VALUE",
    help="A Spark setting.",
)
@click.option("--local", type=click.IntRange(1), help="So many local processes, without Spark.")
@click.option("--json", "as_json", is_flag=True, help="Print results and metrics as JSON.")
def gang(
    function: str,
    data: str | None,
    data_format: str,
    source: str | None,
    columns: str | None,
    num_tasks: str,
    elastic: str | None,
    balance: str,
    order: str,
    allow_empty: bool,
    args: dict[str, str],
    cpus: int | None,
    gpus: int,
    checkpoint: str | None,
    max_restarts: int,
    timeout: float,
    start_timeout: float,
    wait_for_slots: float,
    variables: dict[str, str],
    master: str | None,
    remote: str | None,
    settings: dict[str, str],
    local: int | None,
    as_json: bool,
) -> None:
    """Run FUNCTION(ctx, ...) in ranks that start together.

    Prints what each rank returned. Exit codes: 0 all is well, 1 the gang failed, 2 the command
    line is wrong.
    """
    size, limits = _number(num_tasks), _range(elastic)
    train = load(function)
    common: dict[str, Any] = {
        "args": {key: literal(value) for key, value in args.items()},
        "checkpoint": checkpoint,
        "order": order,
        "max_restarts": max_restarts,
        "timeout": timeout,
        "start_timeout": start_timeout,
        "env": variables,
    }
    if remote is not None and master is not None:
        raise click.UsageError("--remote has a server of its own: leave --master out")
    if source is not None:
        if data is None:
            raise click.UsageError("--source needs --data")
        common["source"] = _source(source, data)
    try:
        if local is not None:
            if data is not None and source is None:
                raise click.UsageError("--local has no Spark to read --data with: add --source")
            from hydrofoil.gang import run_locally

            result = run_locally(local, train, **common)
        else:
            from hydrofoil.gang import Resources, run

            spark = connect(remote, settings) if remote else session(master, settings)
            try:
                result = run(
                    train,
                    _frame(spark, data, data_format) if data and source is None else None,
                    size,
                    columns=columns.split(",") if columns else None,
                    elastic=limits,
                    balance=balance,
                    allow_empty=allow_empty,
                    resources=Resources(cpus, gpus),
                    wait_for_slots=wait_for_slots,
                    spark=spark,
                    **common,
                )
            finally:
                spark.stop()
    except HydrofoilError as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        made = plain({"values": result.values, "metrics": result.metrics})
        click.echo(json.dumps(made, allow_nan=False))
        return
    for rank, value in enumerate(result):
        click.echo(f"rank {rank}: {value!r}")


def load(name: str) -> Callable[..., Any]:
    """Return the function that ``FILE.py:FUNCTION`` or ``module:FUNCTION`` names."""
    place, colon, attribute = name.rpartition(":")
    if not colon:
        raise click.BadParameter(f"{name!r} is not FILE.py:FUNCTION", param_hint="FUNCTION")
    try:
        module = _module(place)
    except (FileNotFoundError, ModuleNotFoundError) as error:
        raise click.BadParameter(f"{place}: {error}", param_hint="FUNCTION") from error
    train = getattr(module, attribute, None)
    if not callable(train):
        raise click.BadParameter(f"{place} has no function {attribute}", param_hint="FUNCTION")
    return train  # type: ignore[no-any-return]


def _module(place: str) -> ModuleType:
    if not place.endswith(".py"):
        sys.path.insert(0, os.getcwd())
        return importlib.import_module(place)
    path = Path(place)
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent.resolve()))
    spec.loader.exec_module(module)
    # Executors don't have the file: all of it travels with the function.
    pickling.by_value(module)
    return module


def literal(text: str) -> Any:
    """Return the Python literal that ``text`` is; ``text`` itself if it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def plain(value: Any) -> Any:
    """A value as JSON has it: null for numbers that are none, text for all that it lacks."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        simple = (str, int, type(None))
        return {one if isinstance(one, simple) else str(one): plain(v) for one, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    # NumPy's and torch's numbers and arrays.
    listed = getattr(value, "tolist", None)
    return plain(listed()) if callable(listed) else str(value)


def session(master: str | None, settings: dict[str, str]) -> "SparkSession":
    """Start Spark with Hydrofoil turned on."""
    from hydrofoil.settings import launch

    # It has local executors run this Python, and a cluster's theirs.
    return launch.session(master, "hydrofoil gang", settings)


def connect(remote: str, settings: dict[str, str]) -> "SparkSession":
    """Become a client of a Spark Connect server; what is set is the session's."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # Of a server in this process.
    builder = SparkSession.builder.remote(remote)
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _source(kind: str, data: str) -> Any:
    from hydrofoil import gang as gangs

    return getattr(gangs, kind)(data)


def _frame(spark: "SparkSession", data: str, data_format: str) -> "DataFrame":
    try:
        return spark.read.format(data_format).load(data)
    except Exception as error:  # Spark's: there is no such path, or no such format.
        why = str(getattr(error, "java_exception", error)).splitlines()[0]
        raise click.BadParameter(why, param_hint="--data") from error


def _number(text: str) -> Any:
    if text == "max":
        return text
    try:
        return int(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is neither a number nor max", param_hint="--num-tasks"
        ) from None


def _range(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        fewest, most = map(int, text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not MIN,MAX", param_hint="--elastic") from None
    return fewest, most
