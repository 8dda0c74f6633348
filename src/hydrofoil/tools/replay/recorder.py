"""The recorder: stock's daemon and worker, and between them a file that keeps every byte read.

Executors start this module as their daemon (``spark.python.daemon.module`` is ``DAEMON``), or
`hydrofoil.daemon`, which hands over to it where the environment says so (see its ``IN_PLACE``).
Recordings go to the folder named by ``HYDROFOIL_RECORD_DIR``, one file a task; without that
variable, to the folder that `record` makes for the JVM that started the daemon, if there is one.
Planner and data source workers (``pyspark.sql.worker.*``) run unrecorded.
"""

import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

from hydrofoil import private
from hydrofoil.recordings.recording import SUFFIX, Recording
from hydrofoil.recordings.tee import UNFINISHED, TeeReader, is_ours
from hydrofoil.settings.launch import DAEMON_KEY, STOCK

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAEMON = "hydrofoil.tools.replay.recorder"
FOLDER_VARIABLE = "HYDROFOIL_RECORD_DIR"
# Stock's daemon imports the worker named on its command line if the name starts with "pyspark".
_ALIAS = "pyspark.hydrofoil_recorder"


def record(spark: "SparkSession", query: Callable[[], Any]) -> list[Recording]:
    """Run a query on a local session and keep what its Python workers were sent.

    The session's daemon module is switched for the time of the call. Everything that the session
    runs meanwhile, from other threads too, is recorded.

    Parameters
    ----------
    spark : SparkSession
        A classic session whose master is ``local``, ``local[N]`` or ``local[*]``.
    query : callable without arguments
        Runs the query, such as ``lambda: df.select(f("id")).collect()``. Its result is dropped.

    Returns
    -------
    list of Recording
        One for each task that ran Python, in the order in which they started.

    Raises
    ------
    ValueError
        The session is not local, was told not to use a daemon, or is being recorded already.
    Exception
        Whatever the query raises. To record a query that fails, catch the error inside of it.
    """
    context = spark.sparkContext
    conf = context._jsc.sc().conf()
    if str(context.master).partition("[")[0] != "local":
        raise ValueError(
            f"can't record on master {context.master!r}: the folder is on this machine; use a "
            "local master here, or `hydrofoil record` with a folder that all executors see"
        )
    # A context has no way to ask for the defaults of its settings, which no version changed.
    if conf.get("spark.python.use.daemon", "true") != "true":
        raise ValueError(
            "can't record with spark.python.use.daemon=false: the recorder is a daemon; start the "
            "session without that setting"
        )
    jvm: Any = context._jvm
    folder = _session_folder(jvm.java.lang.ProcessHandle.current().pid())
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise ValueError(
            f"can't record into {folder}, which is there already: if nothing else records this "
            "session at the moment, it is left from a process that was killed; delete it"
        ) from None
    module = conf.get(DAEMON_KEY, STOCK[DAEMON_KEY])
    conf.set(DAEMON_KEY, DAEMON)
    try:
        query()
        _wait_until_finished(folder)
        return [Recording.load(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    finally:
        conf.set(DAEMON_KEY, module)
        _remove(folder)


def _session_folder(jvm: int) -> Path:
    """Where `record` and the daemon meet: by the JVM's process id, which both know.

    A variable would not do, because a UDF keeps the environment of the moment it was first used.
    """
    return Path(tempfile.gettempdir()) / f"hydrofoil-record-{jvm}"


def _remove(folder: Path, tries: int = 500) -> None:
    # A rename keeps a worker that is still at it from writing into the next call's folder; but it
    # may be about to make or rename a file, of whose folder it has asked before.
    grave = folder.with_name(f"{folder.name}-{uuid.uuid4()}")
    folder.rename(grave)
    for _ in range(tries):
        shutil.rmtree(grave, ignore_errors=True)
        if not grave.exists():
            break
        time.sleep(0.01)


def _wait_until_finished(folder: Path, seconds: float = 30.0) -> None:
    """The JVM has the answer a moment before the worker closes its recording."""
    deadline = time.monotonic() + seconds
    while any(folder.glob(f"*{UNFINISHED}")):
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"a worker has not finished its recording in {seconds:.0f} s; is another query of "
                "this session still running?"
            )
        time.sleep(0.01)


def _worker_module(folder: Path, usable: Callable[[Path], bool]) -> ModuleType:
    """A module whose ``main`` is stock's, over a `TeeReader`."""

    def main(infile: BinaryIO, outfile: BinaryIO) -> None:
        from pyspark import worker

        tee = TeeReader(infile, folder, usable)
        try:
            worker.main(tee, outfile)
        finally:
            tee.finish()

    module = ModuleType(_ALIAS)
    module.main = main  # type: ignore[attr-defined]
    return module


def main() -> None:
    """Serve workers to the JVM until it closes stdin."""
    from pyspark import daemon

    # Sessions that hydrofoil.session made name Hydrofoil's.
    if sys.argv[1:2] in ([], ["pyspark.worker"], ["hydrofoil.worker"]):
        configured = os.environ.get(FOLDER_VARIABLE)
        folder = Path(configured) if configured else _session_folder(os.getppid())
        if configured:
            private.make_folder(folder)
        sys.modules[_ALIAS] = module = _worker_module(
            folder, Path.is_dir if configured else is_ours
        )
        if hasattr(daemon, "worker_main"):
            # Up to 4.1 the daemon has imported its worker by now.
            daemon.worker_main = module.main
        sys.argv[1:2] = [_ALIAS]
    daemon.manager()


if __name__ == "__main__":
    main()
