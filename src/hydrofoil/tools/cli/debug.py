"""``hydrofoil debug``: a debugger where a function raised, with the row that it was called with."""

import pdb
import traceback
from pathlib import Path

import click

from hydrofoil.failures.functions import codes_in, described, running
from hydrofoil.recordings.recording import Recording, RecordingError
from hydrofoil.tools.replay.failure import CantRunError, Failed, run_again


@click.command()
@click.argument("failure", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--report",
    is_flag=True,
    help="Print the traceback with all variables, and open no debugger.",
)
def debug(failure: Path, report: bool) -> None:
    """Open a debugger at the line where a kept failure was raised.

    FAILURE is a file that a worker kept because of spark.hydrofoil.keepFailedBatches; the note
    behind the error names it. The function runs again on the same batch, in this process and
    without Spark's JVM. Files hold data and functions: open those that you trust.
    """
    try:
        recording = Recording.load(failure)
        failed = run_again(recording)
    except (RecordingError, CantRunError) as error:
        raise click.ClickException(str(error)) from error
    except ImportError as error:
        raise click.ClickException(
            f"a module that the task needs can't be imported here: {error}; install it, or start "
            "from the folder that it is in"
        ) from error
    if failed is None:
        click.echo(_did_not_fail(recording))
        return
    if report:
        lines = traceback.TracebackException.from_exception(failed.error, capture_locals=True)
        click.echo("".join(lines.format()), nl=False)
        return
    click.echo("".join(traceback.format_exception_only(failed.error)), nl=False)
    _open(failed)


def _did_not_fail(recording: Recording) -> str:
    then = str(recording.failure.get("text", "")).strip()
    lines = ["It does not fail here: the function may depend on earlier batches, or has changed."]
    return "\n".join([*lines, *([f"There it was:\n{then}"] if then else [])])


def _open(failed: Failed) -> None:
    detail = failed.detail
    error_traceback = failed.error.__traceback__
    functions = (detail.functions if detail else ()) or failed.functions
    function = running(functions, error_traceback)
    code = getattr(function, "__code__", function)
    if code in set(codes_in(error_traceback)) or detail is None or detail.arguments is None:
        click.echo("The debugger is where it was raised: p NAME shows a variable, q ends.")
        pdb.post_mortem(error_traceback)
        return
    # Its result was wrong, of which the traceback shows nothing.
    click.echo(f"The debugger is at the begin of {described(function)}: n goes to the next line.")
    split = len(detail.arguments) - len(detail.keywords)
    named = dict(zip(detail.keywords, detail.arguments[split:], strict=True))
    pdb.runcall(function, *detail.arguments[:split], **named)
