"""What of a model is sent to workers: bytes, or a file that Spark sends, and how they load it."""

import hashlib
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.predictors.adapter import Adapter
from hydrofoil.predictors.table import named

# Models of more bytes are sent as files: with the function, each worker would keep a copy.
_INLINE = 1 << 20


class Load:
    """Loads a model in a process that runs it."""

    def __init__(self, adapter: str, data: bytes, file: str, device: str | None) -> None:
        self.adapter = adapter
        self.data = data
        self.file = file
        self.device = device
        self.__name__ = f"{adapter} model"

    def __call__(self) -> Any:
        adapter = named(self.adapter)
        try:
            if not self.file:
                model = adapter.loads(self.data)
            elif os.path.basename(self.file).startswith(_SENT):
                model = adapter.loads(Path(_found(self.file)).read_bytes())
            else:
                model = adapter.read(_found(self.file))
            return adapter.prepared(model, self.device)
        except ModuleNotFoundError as error:
            raise UsageError(
                f"a model of {adapter.name} needs the package {error.name}, which is not installed "
                "where it is to run",
                hint=f"pip install {adapter.package}, on the executors",
            ) from None


# In front of the names of files that are models' bytes, and of others that Spark sends.
_SENT = "hydrofoil-model-"
_FILE = "hydrofoil-file-"


def load_of(spark: Any, adapter: Adapter, model: Any, device: str | None) -> Load:
    """What loads a model in workers; files are handed to Spark.

    Parameters
    ----------
    spark : SparkSession
    model : object, str or path
        The path of a file, here or where Hadoop finds it; one that is not here is taken for one on
        the executors.
    """
    if isinstance(model, str | os.PathLike):
        path = str(os.fspath(model))
        if "://" in path:
            _add(spark, path)
            return Load(adapter.name, b"", os.path.basename(path), device)
        if not os.path.exists(path):
            return Load(adapter.name, b"", path, device)
        if _is_local(spark):
            return Load(adapter.name, b"", os.path.abspath(path), device)
        return Load(adapter.name, b"", _send_file(spark, path), device)
    sent = Sent(spark, adapter.dumps(model))
    return Load(adapter.name, sent.data, sent.file, device)


class Sent:
    """Bytes that workers get: with the function, or as a file that Spark sends if they are many.

    Parameters
    ----------
    spark : SparkSession
    data : bytes
    """

    def __init__(self, spark: Any, data: bytes) -> None:
        self.data = data
        self.file = ""
        if len(data) <= _INLINE:
            return
        name = f"{_SENT}{hashlib.sha256(data).hexdigest()[:32]}"
        file = _made(name, lambda draft: draft.write_bytes(data))
        if not _is_local(spark):
            _add_once(spark, file)
        self.data = b""
        self.file = str(file) if _is_local(spark) else name

    def read(self) -> bytes:
        """The bytes, in a worker."""
        return Path(_found(self.file)).read_bytes() if self.file else self.data


def _send_file(spark: Any, path: str) -> str:
    """Have Spark send a file, by a name of its own: Spark takes two of one name for one."""
    known = os.stat(path)
    text = f"{os.path.abspath(path)} {known.st_mtime_ns} {known.st_size}"
    name = f"{_FILE}{hashlib.sha256(text.encode()).hexdigest()[:16]}-{os.path.basename(path)}"

    def make(draft: Path) -> None:
        try:
            os.link(path, draft)
        except OSError:
            shutil.copyfile(path, draft)

    _add_once(spark, _made(name, make))
    return name


_lock = threading.Lock()
# The application, and the name of a file that it has.
_added: set[tuple[str, str]] = set()


def _made(name: str, make: Callable[[Path], object]) -> Path:
    """A file of the folder: whole, or not there."""
    file = _folder() / name
    with _lock:
        if not file.exists():
            draft = file.with_name(f"{name}.draft")
            draft.unlink(missing_ok=True)  # Of one that found no room.
            make(draft)
            draft.replace(file)
    return file


def _add_once(spark: Any, file: Path) -> None:
    """Have Spark send a file, which a later session of this process has to do anew."""
    try:
        application = str(spark.sparkContext.applicationId)
    except Exception:
        # A client's, which has no context.
        application = str(spark.session_id)
    with _lock:
        if (application, file.name) not in _added:
            _add(spark, f"file://{file}")
            _added.add((application, file.name))


def _add(spark: Any, path: str) -> None:
    if hasattr(spark, "addArtifact") and "connect" in type(spark).__module__:
        spark.addArtifact(path.removeprefix("file://"), file=True)
    else:
        spark.sparkContext.addFile(path)


def _is_local(spark: Any) -> bool:
    """Whether executors see this host's files: there is one, in this process's JVM."""
    with suppress(Exception):
        master = spark.sparkContext.master
        return bool(master == "local" or master.startswith("local["))
    return False


@cache
def _folder() -> Path:
    """A folder for files that Spark sends, for as long as this process runs."""
    made = tempfile.TemporaryDirectory(prefix="hydrofoil-models-")
    _folders.append(made)
    return Path(made.name)


_folders: list[tempfile.TemporaryDirectory[str]] = []


def _found(name: str) -> str:
    """The path of a file in this process; Spark's files are in a folder of the module path."""
    if os.path.isabs(name) or os.path.exists(name):
        return name
    for folder in sys.path:
        if os.path.exists(path := os.path.join(folder, name)):
            return path
    raise FileNotFoundError(f"{name} is neither here nor among the files that Spark has sent")
