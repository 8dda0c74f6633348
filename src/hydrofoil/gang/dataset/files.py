"""A data set's files in memory: mapped where they are local, read where they are not."""

import os
from typing import Any

import numpy as np
import pyarrow as pa

from hydrofoil.gang.data.memory import private_map
from hydrofoil.gang.dataset.errors import DatasetError
from hydrofoil.gang.dataset.manifest import Part
from hydrofoil.gang.dataset.storage import Folder

_AGAIN = "copy the data set anew, or export it again with mode='overwrite'"


class File:
    """One Arrow IPC file.

    Parameters
    ----------
    folder : Folder
    part : Part
        What the manifest says of it.
    schema : pyarrow.Schema
    private : bool
        Map it so that what is written to its memory stays in this process, instead of read-only.

    Raises
    ------
    DatasetError
        It is gone, torn, or not what was written.
    """

    def __init__(self, folder: Folder, part: Part, schema: pa.Schema, private: bool) -> None:
        self.path = folder.path(part.name)
        self._content: Any = None
        try:
            self._reader = pa.ipc.open_file(self._source(folder, part, private))
            found = self._reader.schema, self._reader.num_record_batches
        except FileNotFoundError:
            raise DatasetError(f"{self.path} is gone, and the manifest names it", _AGAIN) from None
        except pa.ArrowInvalid as error:
            raise DatasetError(f"{self.path} is torn: {error}", _AGAIN) from None
        if not found[0].equals(schema) or found[1] != len(part.batches):
            raise DatasetError(
                f"{self.path} was changed: it has {found[1]} record batches of {found[0].names}, "
                f"and the manifest says {len(part.batches)} of {schema.names}",
                _AGAIN,
            )

    def _source(self, folder: Folder, part: Part, private: bool) -> Any:
        if not folder.is_local:
            with folder.filesystem.open_input_file(self.path) as stream:
                self._check_size(stream.size(), part)
                self._content = np.empty(part.size, np.uint8)
                read = stream.readinto(self._content)
                if read != part.size:
                    self._check_size(read, part)
            return pa.BufferReader(pa.py_buffer(self._content))
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # Beyond the end of a shorter file, a map ends the process by a signal.
            self._check_size(os.fstat(descriptor).st_size, part)
            if private:
                self._content = private_map(descriptor, np.dtype("uint8"), 0, part.size)
                return pa.BufferReader(pa.py_buffer(self._content))
        finally:
            os.close(descriptor)
        return pa.memory_map(self.path)

    def _check_size(self, size: int, part: Part) -> None:
        if size != part.size:
            raise DatasetError(
                f"{self.path} is torn or was changed: it has {size} bytes, and {part.size} were "
                "written",
                _AGAIN,
            )

    def batch(self, number: int) -> pa.RecordBatch:
        """One of its record batches, over the file's memory."""
        try:
            return self._reader.get_batch(number)
        except (pa.ArrowInvalid, OSError) as error:
            raise DatasetError(
                f"{self.path} is torn or was changed: record batch {number}: {error}", _AGAIN
            ) from None

    def writable(self, values: Any) -> Any:
        """The same memory as an array that may be written to, if it is this file's."""
        if values.flags.writeable or self._content is None or values.size == 0:
            return values
        offset = values.ctypes.data - self._content.ctypes.data
        if not (0 <= offset <= self._content.size - values.nbytes and values.flags.c_contiguous):
            return values.copy()
        flat = self._content[offset : offset + values.nbytes]
        return flat.view(values.dtype).reshape(values.shape)
