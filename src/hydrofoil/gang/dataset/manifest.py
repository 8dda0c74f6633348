"""What a finished data set says of itself: ``_manifest.json``, which is written last."""

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from hydrofoil.gang.dataset.errors import DatasetError
from hydrofoil.gang.dataset.storage import Folder

NAME = "_manifest.json"
FORMAT = "hydrofoil.dataset"
VERSION = 1


@dataclass(frozen=True)
class Part:
    """One Arrow IPC file, and the partition of the DataFrame that it holds.

    Parameters
    ----------
    partition : int
    name : str
        The file's name in the data set's folder; empty for a partition without rows.
    rows, size : int
        Rows; bytes of the file.
    sha256 : str
        Of the file, in hexadecimal digits.
    batches : tuple of int
        The rows of each of its record batches.
    """

    partition: int
    name: str
    rows: int
    size: int
    sha256: str
    batches: tuple[int, ...] = ()

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Part":
        """Read what ``asdict`` wrote."""
        return cls(**{**found, "batches": tuple(found["batches"])})


@dataclass(frozen=True)
class Manifest:
    """A finished data set.

    Parameters
    ----------
    schema : pyarrow.Schema
        Of every file.
    parts : tuple of Part
        In the order of partitions; those without rows are left out.
    export_id : str
        Of the export that wrote it.
    spark_schema : str
        The DataFrame's schema as Spark writes it in JSON; types that Arrow has no name for stay.
    created : str
        When it was finished, UTC, ISO 8601.
    writer : dict of str
        Versions that wrote it.
    """

    schema: pa.Schema
    parts: tuple[Part, ...]
    export_id: str
    spark_schema: str = ""
    created: str = ""
    writer: dict[str, str] = field(default_factory=dict)

    @property
    def num_rows(self) -> int:
        """The rows of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def nbytes(self) -> int:
        """The bytes of all files."""
        return sum(part.size for part in self.parts)

    def to_json(self) -> bytes:
        """Write it, readable to people; the schema also in Arrow's own form."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "export_id": self.export_id,
            "created": self.created,
            "writer": self.writer,
            "num_rows": self.num_rows,
            "columns": {column.name: str(column.type) for column in self.schema},
            "schema": base64.b64encode(self.schema.serialize().to_pybytes()).decode(),
            "spark_schema": self.spark_schema,
            "files": [asdict(part) for part in self.parts],
        }
        return json.dumps(content, indent=1).encode()


def load(folder: Folder) -> Manifest | None:
    """Read a folder's manifest; None if it has none.

    Raises
    ------
    DatasetError
        There is one, but not one that this version reads.
    """
    content = folder.read(NAME)
    if content is None:
        return None
    path = folder.path(NAME)
    try:
        found = json.loads(content)
        if found["format"] != FORMAT:
            raise ValueError(f"its format is {found['format']!r}")
        if found["version"] > VERSION:
            raise DatasetError(
                f"{path} is of version {found['version']}, and this Hydrofoil reads up to "
                f"{VERSION}",
                hint="upgrade Hydrofoil",
            )
        message = pa.ipc.read_message(pa.py_buffer(base64.b64decode(found["schema"])))
        if message.type != "schema":
            # pyarrow would follow the offsets of whatever it is as if they were a schema's.
            raise ValueError(f"it has a {message.type} in place of a schema")
        return Manifest(
            schema=pa.ipc.read_schema(message),
            parts=tuple(map(Part.of, found["files"])),
            export_id=found["export_id"],
            spark_schema=found["spark_schema"],
            created=found["created"],
            writer=found["writer"],
        )
    except (EOFError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise DatasetError(
            f"{path} is torn or not a data set's manifest: {error}",
            hint="export the data again with mode='overwrite'",
        ) from None


def ordered(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts with rows, in the order of their partitions."""
    return tuple(sorted((part for part in parts if part.rows), key=lambda part: part.partition))
