"""The ``hydrofoil`` command: one table of commands, each imported only when it is called."""

from importlib import import_module

import click

# Command name -> (where it is defined in this folder, the line that `hydrofoil --help` shows).
COMMANDS = {
    "submit": ("submit:submit", "spark-submit with Hydrofoil turned on"),
    "shell": ("shell:shell", "the pyspark shell with Hydrofoil turned on"),
    "defaults": ("defaults:defaults", "the lines for spark-defaults.conf"),
    "explain": ("explain:explain", "which path each UDF of an application takes"),
    "advise": ("advise:advise", "native expressions that equal an application's UDFs"),
    "record": ("record:record", "keep what the JVM sends the Python workers"),
    "replay": ("replay:replay", "feed a recording to stock and Hydrofoil workers"),
    "debug": ("debug:debug", "a debugger at the line where a kept failure was raised"),
    "pack": ("pack:pack", "an environment as an archive for executors, and its settings"),
    "doctor": ("doctor:doctor", "check an installation, and say what to change"),
    "parity": ("parity:parity", "compare answers with stock PySpark's, case by case"),
    "gang": ("gang:gang", "run a training function in ranks that start together"),
    "bench": ("bench:bench", "compare Hydrofoil with stock PySpark end to end"),
    "profile": ("profiling:profile", "where the workers' CPU time goes, by function"),
}


class LazyGroup(click.Group):
    """A click group whose commands cost nothing until one of them is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(f"{__name__}.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup)
@click.version_option(package_name="hydrofoil", prog_name="hydrofoil")
def main() -> None:
    """Hydrofoil: the fastest way to run Python on Spark."""
