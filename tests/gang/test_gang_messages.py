"""Messages with fields of any kind: who sent one is disconnected, and the watchdog goes on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fuzz.targets import gang

ODD: list[Any] = [None, True, -1, 0.5, 1e400, "text", [], {}, [1], {"a": 1}]


def runs() -> Iterator[list[bytes]]:
    for data in gang.seeds():
        yield data.split(b"\n")


def changed(line: bytes) -> Iterator[bytes]:
    """The line with each of its fields replaced, and without it."""
    header = json.loads(line.partition(b"\t")[0])
    for key in header:
        left = {name: value for name, value in header.items() if name != key}
        yield json.dumps(left).encode()
        for odd in ODD:
            yield json.dumps({**header, key: odd}).encode()


@pytest.mark.parametrize("run", [*runs()], ids=["well", "hangs", "fails"])
def test_fields_of_any_kind(run: list[bytes]) -> None:
    kinds = [json.loads(line.partition(b"\t")[0])["kind"] for line in run]
    first = {kind: kinds.index(kind) for kind in kinds}
    for i in first.values():
        for other in changed(run[i]):
            gang.one(b"\n".join([*run[:i], other, *run[i + 1 :]]))
