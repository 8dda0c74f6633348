"""A folder on any filesystem that pyarrow knows: what is read, written and listed there.

Picklable, so that executors see the same folder as the driver.
"""

import os
import uuid
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs

from hydrofoil.errors import UsageError

# Their files appear when they are complete, and moving them means to copy them.
_ATOMIC_AT_CLOSE = ("s3", "gcs", "abfs")


@dataclass(frozen=True)
class Folder:
    """A folder of a filesystem.

    Parameters
    ----------
    filesystem : pyarrow.fs.FileSystem
    root : str
        The folder's path as that filesystem writes it.
    """

    filesystem: Any
    root: str

    @classmethod
    def of(cls, path: "str | PathLike[str]", filesystem: Any = None) -> "Folder":
        """Resolve a local path or a URI (``s3://``, ``gs://``, ``hdfs://``, ``file://`` ...).

        Raises
        ------
        UsageError
            The URI's scheme is none that pyarrow knows.
        """
        text = os.fspath(path)
        if filesystem is not None:
            return cls(_as_pyarrow(filesystem), text.rstrip("/") or "/")
        if "://" not in text:
            return cls(pafs.LocalFileSystem(), os.path.abspath(os.path.expanduser(text)))
        try:
            found, root = pafs.FileSystem.from_uri(text)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UsageError(
                f"no filesystem for {text!r}: {error}",
                hint="pass filesystem= (pyarrow's, or one of fsspec)",
            ) from None
        return cls(found, root.rstrip("/") or "/")

    @property
    def is_local(self) -> bool:
        """Whether files can be memory-mapped and have to be synced."""
        return isinstance(self.filesystem, pafs.LocalFileSystem)

    def path(self, name: str) -> str:
        """The path of one of its files."""
        return f"{self.root.rstrip('/')}/{name}"

    def create(self) -> None:
        """Make the folder, and those above it."""
        self.filesystem.create_dir(self.root, recursive=True)

    def read(self, name: str) -> bytes | None:
        """A small file's content; None if there is none."""
        try:
            with self.filesystem.open_input_stream(self.path(name)) as stream:
                content: bytes = stream.readall()
        except FileNotFoundError:
            return None
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a small file in one step: readers see the old content or the new one.

        Object stores do this by themselves; elsewhere the file gets its name when it is complete.
        """
        target = self.path(name)
        if self.filesystem.type_name in _ATOMIC_AT_CLOSE:
            self._write_whole(target, content)
            return
        if not self.is_local:
            self.filesystem.create_dir(target.rpartition("/")[0], recursive=True)
            unnamed = f"{target}.{uuid.uuid4().hex[:8]}.tmp"
            self._write_whole(unnamed, content)
            self.filesystem.move(unnamed, target)
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        unnamed = f"{target}.{uuid.uuid4().hex[:8]}.tmp"
        try:
            with open(unnamed, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unnamed, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(unnamed)
            raise
        sync(os.path.dirname(target))

    def _write_whole(self, path: str, content: bytes) -> None:
        with self.filesystem.open_output_stream(path, compression=None) as stream:
            stream.write(content)

    def size(self, name: str) -> int | None:
        """A file's size in bytes; None if there is none."""
        info = self.filesystem.get_file_info(self.path(name))
        return info.size if info.type == pafs.FileType.File else None

    def names(self, below: str = "") -> list[str]:
        """What the folder, or one in it, holds; empty if there is none."""
        root = self.path(below) if below else self.root
        found = self.filesystem.get_file_info(pafs.FileSelector(root, allow_not_found=True))
        return sorted(info.base_name for info in found)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            self.filesystem.delete_file(self.path(name))

    def remove_folder(self, name: str) -> None:
        """Remove a folder in it, if it is there."""
        with suppress(FileNotFoundError):
            self.filesystem.delete_dir(self.path(name))


def sync(path: str) -> None:
    """Have a local file or folder reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _as_pyarrow(filesystem: Any) -> Any:
    if isinstance(filesystem, pafs.FileSystem):
        return filesystem
    return pafs.PyFileSystem(pafs.FSSpecHandler(filesystem))
