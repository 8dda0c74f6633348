"""A flat folder of whole files on a pyarrow filesystem: files appear complete or not at all."""

import os
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hydrofoil import private
from hydrofoil.gang.checkpoint.encoding import Sink

if TYPE_CHECKING:
    from hydrofoil.gang.checkpoint.conf import Checkpoint

TEMPORARY = ".tmp"

# Object stores show an object when it is complete, and have no rename but copies.
_ATOMIC_AT_CLOSE = ("s3", "gcs", "abfs")

_SMALL = 64  # Bytes; a checkpoint's end is shorter.


class Store:
    """The folder of checkpoints, as one rank sees it.

    Parameters
    ----------
    conf : Checkpoint

    Raises
    ------
    OSError, pyarrow.ArrowException
        Here and in all methods, if the store can't be reached or refuses.
    """

    def __init__(self, conf: "Checkpoint") -> None:
        from pyarrow import fs

        self.uri = conf.uri
        if conf.filesystem is not None:
            self._filesystem, self._root = conf.filesystem, conf.uri
        else:
            self._filesystem, self._root = fs.FileSystem.from_uri(conf.uri)
        self._root = self._root.rstrip("/") or "/"
        self._fs = fs

    @property
    def _is_local(self) -> bool:
        return str(self._filesystem.type_name) == "local"

    def create(self) -> None:
        """Make the folder, where the filesystem has folders; on a local one for its owner alone."""
        if self._is_local:
            private.make_folder(self._root)
        else:
            self._filesystem.create_dir(self._root, recursive=True)

    def names(self) -> list[str]:
        """Return the names of all files in the folder; none, if it doesn't exist."""
        selector = self._fs.FileSelector(self._root, allow_not_found=True)
        found = self._filesystem.get_file_info(selector)
        return [info.base_name for info in found if info.type == self._fs.FileType.File]

    def read(self, name: str) -> memoryview:
        """Return a file's bytes. Raises FileNotFoundError if there is none."""
        with self._filesystem.open_input_file(self._path(name)) as stream:
            return memoryview(stream.read_buffer())

    def write(
        self, name: str, fill: Callable[[Sink], None], allowed: Callable[[], None] | None = None
    ) -> None:
        """Write a file, and let it appear under its name only once it is complete and on disk.

        Parameters
        ----------
        name : str
        fill : callable
            Writes the bytes to the sink that it is given.
        allowed : callable, optional
            Asked before the file appears; raises if it must not.
        """
        allowed = allowed or (lambda: None)
        if self._filesystem.type_name in _ATOMIC_AT_CLOSE:
            self._write_object(name, fill, allowed)
            return
        # Two that write the same file, one of them late, must not write to the same place.
        temporary = f"{name}.{uuid.uuid4().hex[:8]}{TEMPORARY}"
        try:
            with self._open(temporary) as stream:
                fill(stream)
            self._sync(temporary)
            allowed()
            self._filesystem.move(self._path(temporary), self._path(name))
            self._sync(".")
        except BaseException:
            with suppress(Exception):
                self._filesystem.delete_file(self._path(temporary))
            raise

    def _write_object(
        self, name: str, fill: Callable[[Sink], None], allowed: Callable[[], None]
    ) -> None:
        held = _LastHeld(stream := self._open(name))
        try:
            fill(held)
            allowed()
        except BaseException:
            # Streams can't be abandoned: the object appears, without its end, and nobody takes it.
            with suppress(Exception):
                stream.close()
                self._filesystem.delete_file(self._path(name))
            raise
        held.release()
        stream.close()

    def delete(self, names: Iterable[str]) -> None:
        """Delete files; those that are gone already are as good."""
        for name in names:
            with suppress(FileNotFoundError):
                self._filesystem.delete_file(self._path(name))

    def _open(self, name: str) -> Any:
        if self._is_local:
            return open(self._path(name), "wb", opener=private.opener)
        return self._filesystem.open_output_stream(self._path(name), compression=None)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _sync(self, name: str) -> None:
        # Only local files have a disk that we could ask.
        if not self._is_local:
            return
        descriptor = os.open(self._path(name), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class _LastHeld:
    """Holds a last small piece back, so that what is there without it can't pass for complete."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._last = b""

    def write(self, data: Any) -> None:
        self.release()
        if len(data) <= _SMALL:
            self._last = bytes(data)
        else:
            self._sink.write(data)

    def release(self) -> None:
        if self._last:
            self._sink.write(self._last)
        self._last = b""
