"""The file format of recordings."""

import json
import struct
from pathlib import Path

import pytest

from hydrofoil.recordings.recording import (
    ENVIRONMENT,
    MAGIC,
    Recording,
    RecordingError,
    encode_header,
    make_header,
)

RECORDING = Recording("4.3.0", "3.11.7", "26.0.1", {"TZ": "Asia/Kathmandu"}, b"\x00bytes\xff")


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "task.hfrec"
    RECORDING.save(path)
    assert Recording.load(path) == RECORDING


def test_spark_version_is_compared_as_numbers() -> None:
    recording = Recording("4.10.1", "3.11.7", None, {}, b"")
    assert recording.spark_version == (4, 10)


@pytest.mark.parametrize("content", [b"", b"PAR1", MAGIC.replace(b"1", b"9")])
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.hfrec"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"other\.hfrec is not a recording"):
        Recording.load(path)


@pytest.mark.parametrize(
    "header", [b"", struct.pack(">I", 900) + b'{"spark"', struct.pack(">I", 2) + b"{}"]
)
def test_damaged_headers_are_refused(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "damaged.hfrec"
    path.write_bytes(MAGIC + header)
    with pytest.raises(RecordingError, match="damaged"):
        Recording.load(path)


def test_header_keeps_behaviour_and_no_secrets() -> None:
    environ = {
        "TZ": "UTC",
        "PYTHON_UDF_BATCH_SIZE": "100",
        "PYTHON_WORKER_FACTORY_SECRET": "hush",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "HOME": "/home/someone",
    }
    header = make_header(environ)
    assert header["environment"] == {"TZ": "UTC", "PYTHON_UDF_BATCH_SIZE": "100"}
    assert b"hush" not in encode_header(header)
    assert not [name for name in ENVIRONMENT if "SECRET" in name or "TOKEN" in name]


def test_header_is_json_of_the_recordings_fields() -> None:
    encoded = encode_header(make_header({}))
    assert set(json.loads(encoded[len(MAGIC) + 4 :])) == {
        "spark",
        "python",
        "pyarrow",
        "environment",
    }
