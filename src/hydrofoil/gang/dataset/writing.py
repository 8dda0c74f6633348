"""``gang.export``: the driver's half. Executors write the parts; the manifest is written last."""

import datetime
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from hydrofoil.errors import UsageError
from hydrofoil.gang.dataset import draft, manifest
from hydrofoil.gang.dataset.errors import ExportError
from hydrofoil.gang.dataset.identity import identify
from hydrofoil.gang.dataset.manifest import Manifest, Part
from hydrofoil.gang.dataset.part import PartWriter
from hydrofoil.gang.dataset.reading import Dataset
from hydrofoil.gang.dataset.schema import arrow_schema
from hydrofoil.gang.dataset.storage import Folder
from hydrofoil.version import __version__

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

BATCH_BYTES = 64 << 20

# What a driver that was killed while it wrote the manifest has left.
_UNNAMED = re.compile(rf"{re.escape(manifest.NAME)}\.[0-9a-f]{{8}}\.tmp")
_PART = re.compile(r"part-\d{5,}-[0-9a-f]{8}-[0-9a-f]{8}\.arrow")
_PROGRESS_SECONDS = 1.0


@dataclass(frozen=True)
class ExportProgress:
    """How far an export is: what its finished partitions have."""

    parts: int
    rows: int
    bytes: int


def export(
    df: "DataFrame",
    path: "str | PathLike[str]",
    *,
    mode: Literal["error", "overwrite"] = "error",
    resume_token: str | None = None,
    columns: Sequence[str] | None = None,
    batch_bytes: int = BATCH_BYTES,
    filesystem: Any = None,
    on_progress: Callable[[ExportProgress], None] | None = None,
) -> Dataset:
    """Write a DataFrame once as Arrow IPC files that processes beside Spark can memory-map.

    Each partition becomes one file, written by its executor; partitions without rows have none.
    The data set is there when its manifest is, which is written last and in one step: until then,
    and when the export fails, `open` finds what was there before.

    An export that failed goes on where it ended when it is called again with the same DataFrame:
    within one Spark application by itself, in another one if both calls have the same
    ``resume_token``. Files whose checksums are right are not written again. This needs a query
    whose partitions have the same rows in each run: files, functions and filters, and
    ``repartition(n, column)`` over those. Other queries are written anew, with a warning.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    path : str or path
        A folder, or a URI that pyarrow knows, that the driver and all executors reach.
    mode : {"error", "overwrite"}
        What to do if there is a data set. It is replaced when the new one is complete; processes
        that have it mapped keep what they have.
    resume_token : str, optional
        Names the rows: you vouch that two calls with one token mean the same ones.
    columns : sequence of str, optional
        Only these.
    batch_bytes : int
        Record batches are joined up to about so many bytes. Columns are in one piece within a
        batch; an executor's Python takes about twice as much memory.
    filesystem : pyarrow.fs.FileSystem or fsspec filesystem, optional
        Where ``path`` is, if its URI doesn't say.
    on_progress : function of an ExportProgress, optional
        Called about once a second from another thread.

    Returns
    -------
    Dataset
        Opened.

    Raises
    ------
    UsageError
        There is a data set, or something else; a column has no Arrow type; executors don't see
        the folder.
    ExportError
        Writing failed, such as on a full disk.
    """
    if mode not in ("error", "overwrite"):
        raise UsageError(f"mode={mode!r} is not known", hint="use 'error' or 'overwrite'")
    if batch_bytes < 1:
        raise UsageError(f"batch_bytes={batch_bytes} is not a size", hint="give at least 1")
    if columns is not None:
        df = df.select(*columns)
    schema = arrow_schema(df.schema)
    _check_names(schema)
    folder = Folder.of(path, filesystem)
    before = _existing(folder, mode)
    identity = identify(df, resume_token)
    if identity.fingerprint is None and (resume_token or draft.read_id(folder)):
        _warn(f"{folder.root}: an export of this DataFrame can't be resumed: {identity.why}")
    folder.create()
    begun = draft.begin(folder, identity.fingerprint)
    writer = PartWriter(folder, begun.export_id, schema, batch_bytes, begun.finished)
    with _progress(folder, on_progress):
        rows = df.mapInArrow(writer, "report string").collect()
    parts = _parts([json.loads(row[0]) for row in rows], folder)
    _check_written(parts, folder, begun.export_id)
    finished = Manifest(
        schema=schema,
        parts=manifest.ordered(parts),
        export_id=begun.export_id,
        spark_schema=df.schema.json(),
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        writer={"hydrofoil": __version__, "pyarrow": pa.__version__},
    )
    folder.write(manifest.NAME, finished.to_json())
    _clean(folder, before, finished)
    return Dataset(folder, finished)


def _check_names(schema: pa.Schema) -> None:
    for name in schema.names:
        if schema.names.count(name) > 1:
            raise UsageError(
                f"two columns are called {name!r}", hint="give them different names with alias()"
            )


def _existing(folder: Folder, mode: str) -> Manifest | None:
    names = folder.names()
    if manifest.NAME in names:
        if mode != "overwrite":
            raise UsageError(
                f"{folder.root} has a data set already", hint="mode='overwrite' replaces it"
            )
        return manifest.load(folder)
    foreign = [name for name in names if name != draft.FOLDER and not _is_ours(name)]
    if foreign:
        raise UsageError(
            f"{folder.root} has files that are no data set's, such as {foreign[0]!r}",
            hint="export into a folder of its own",
        )
    return None


def _parts(reports: list[dict[str, Any]], folder: Folder) -> list[Part]:
    """The parts that the tasks report; or the error that one of them does."""
    unreachable = sorted({report["unreachable"] for report in reports if "unreachable" in report})
    if unreachable:
        raise UsageError(
            f"executors on {', '.join(unreachable)} don't see {folder.root} as the driver does, "
            "or another export has taken it over",
            hint="give a path that every host reaches: a shared mount, or a URI such as s3://",
        )
    failed = [report for report in reports if "failed" in report]
    if failed:
        first = next((report for report in failed if report["full"]), failed[0])
        raise ExportError(
            f"{len(failed)} of {len(reports)} partitions can't be written to {folder.root}: on "
            f"{first['host']}: {first['failed']}",
            hint="make room and call export again: the finished partitions are kept"
            if first["full"]
            else "call export again when this is set right: the finished partitions are kept",
            host=first["host"],
        )
    return [Part.of(report["part"]) for report in reports]


def _check_written(parts: list[Part], folder: Folder, export_id: str) -> None:
    if draft.read_id(folder) != export_id:
        raise ExportError(
            f"another export has taken over {folder.root} meanwhile",
            hint="export to two folders, or one after the other",
        )
    for part in parts:
        if part.name and folder.size(part.name) != part.size:
            raise UsageError(
                f"{folder.path(part.name)} was written by an executor, and the driver sees "
                f"{folder.size(part.name) or 0} of its {part.size} bytes",
                hint="give a path that every host reaches: a shared mount, or a URI such as s3://",
            )


def _clean(folder: Folder, before: Manifest | None, now: Manifest) -> None:
    """Remove the draft, what the manifest replaced, and what failed attempts left.

    Nothing of this is needed any more, so it must not fail the export.
    """
    current = {part.name for part in now.parts}
    try:
        folder.remove_folder(draft.FOLDER)
        for name in folder.names():
            if _is_ours(name) and name not in current:
                folder.remove(name)
    except OSError as error:
        _warn(f"{folder.root}: old files are left behind: {error}")


def _is_ours(name: str) -> bool:
    return bool(_PART.fullmatch(name) or _UNNAMED.fullmatch(name))


def _warn(message: str) -> None:
    import warnings

    warnings.warn(message, RuntimeWarning, stacklevel=3)


@contextmanager
def _progress(
    folder: Folder, on_progress: Callable[[ExportProgress], None] | None
) -> Iterator[None]:
    """Tell how far the receipts in the draft are, until the job ends."""
    if on_progress is None:
        yield
        return
    ended = threading.Event()
    known: set[str] = set()
    parts: dict[int, Part] = {}

    def tell() -> None:
        parts.update((part.partition, part) for part in draft.receipts(folder, known))
        rows = sum(part.rows for part in parts.values())
        size = sum(part.size for part in parts.values())
        on_progress(ExportProgress(len(parts), rows, size))

    def keep_telling() -> None:
        while not ended.wait(_PROGRESS_SECONDS):
            tell()

    thread = threading.Thread(target=keep_telling, name="hydrofoil-export", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    tell()
