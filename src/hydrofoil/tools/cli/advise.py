"""``hydrofoil advise``: run an application, and say which expressions equal its functions."""

import json
import sys
import tempfile
from pathlib import Path

import click

from hydrofoil.errors import UsageError
from hydrofoil.settings.spark_command import spark_command
from hydrofoil.settings.user_conf import program_at
from hydrofoil.tools.cli.spark_log import say_failed
from hydrofoil.tools.programs import exit_code


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--rows", type=click.IntRange(1), help="The most rows to compare of each function; else all."
)
@click.argument("args", nargs=-1, required=True, type=click.UNPROCESSED)
def advise(rows: int | None, args: tuple[str, ...]) -> None:
    """Run spark-submit with Hydrofoil on, then print an expression for each plain UDF.

    ARGS are spark-submit's: its options, the application, the application's arguments. Before each
    query its functions that are new are looked at: is there a native expression, under which
    conditions does it equal the function, and does it on the rows that there are? For that both
    run over what the query gives the function, and nothing is written. The application's output is
    shown; Spark's log goes to a file, which is named if the application fails. The exit code is the
    application's.
    """
    from hydrofoil.tools.advice import application
    from hydrofoil.tools.advice.advise import Advice, restored

    place = program_at(args)
    if place is None or not args[place].endswith(".py"):
        raise click.ClickException("name a program of Python: hydrofoil advise [OPTIONS] app.py")
    script = Path(str(application.__file__)).with_name("watched.py")
    with tempfile.TemporaryDirectory(prefix="hydrofoil-advise-") as folder:
        output, log = Path(folder, "advice.json"), Path(folder, "spark.log")
        words = [*args[:place], str(script), str(output), str(rows or 0), *args[place:]]
        try:
            command, environment = spark_command("spark-submit", words)
        except UsageError as error:
            raise click.ClickException(str(error)) from None
        with log.open("wb") as stream:
            code = exit_code(command, environment, stream)
        if code:
            say_failed(code, log, kept=False)
        found = json.loads(output.read_text("utf-8")) if output.is_file() else None
    if found is not None:
        functions = [restored(one) for one in found["functions"]]
        advice = Advice(functions)
        nothing = "No query of the program calls a Python function."
        click.echo(str(advice) if functions else nothing)
        for note in found["notes"]:
            click.echo(note)
    sys.exit(code)
