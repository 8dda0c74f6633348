"""What the codes of gangs' connections cost: ``python -m benchmarks.gang_links``.

Two ranks without Spark, over this host's loopback, for which no network is waited: what is seen
here is the most that codes can cost. ``stream`` sends bytes from one rank to the other, as the ring
does; ``deal`` is an epoch of ``shuffle="global"``, from one spool by way of connections to the
next. Each scheme in turn, several times; ``none`` sends records whose codes are zeros, and
``BLAKE2b`` is what could stand in place of HMAC-SHA256. Encryption needs ``cryptography``.
"""

import hashlib
import os
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from hydrofoil.gang.backends.packages import installed
from hydrofoil.gang.channel import records
from hydrofoil.gang.local import run_locally
from hydrofoil.tools.machine import describe_machine

_BYTES = 512 << 20
_ROWS = 1_000_000
_WIDTH = 64
_AT_ONCE = 16 << 20


class _None:
    """No codes."""

    def __init__(self, key: bytes) -> None:
        pass

    def close(self, number: int, data: Any) -> tuple[Any, bytes]:
        return data, bytes(records.CODE)

    def open(self, number: int, data: Any, code: Any) -> Any:
        return data


class _Blake:
    """Keyed BLAKE2b."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hashlib.blake2b(key=key, digest_size=records.CODE)

    def close(self, number: int, data: Any) -> tuple[Any, bytes]:
        code = self._keyed.copy()
        code.update(number.to_bytes(8, "big"))
        code.update(data)
        return data, code.digest()

    def open(self, number: int, data: Any, code: Any) -> Any:
        assert self.close(number, data)[1] == code
        return data


SCHEMES: dict[str, Callable[[bytes], Any]] = {
    "none": _None,
    "HMAC-SHA256": records._Authenticated,
    "BLAKE2b": _Blake,
    "AES-GCM": records._Encrypted,
}


def _use(scheme: str) -> None:
    made = SCHEMES[scheme]
    setattr(records, "_scheme", lambda key, encrypt: made(key))  # noqa: B010


def stream(ctx: Any, scheme: str) -> tuple[float, float]:
    """Seconds and CPU seconds of this rank for ``_BYTES``."""
    from hydrofoil.gang.data.peers import Peers

    _use(scheme)
    peers = Peers(ctx)
    room = memoryview(bytearray(_AT_ONCE))
    link = peers.connect(1, "bytes") if ctx.rank == 0 else peers.accept(0, "bytes")
    ctx.barrier()
    start, cpu = time.perf_counter(), time.process_time()
    for _ in range(_BYTES // _AT_ONCE):
        if ctx.rank == 0:
            link.send_stream(room)
        else:
            link.receive_into(room)
    taken = time.perf_counter() - start, time.process_time() - cpu
    ctx.barrier()
    link.close()
    peers.close()
    return taken


def deal(ctx: Any, scheme: str) -> tuple[float, float]:
    """Seconds and CPU seconds of this rank for ``_ROWS`` rows that are dealt anew."""
    import numpy as np
    import pyarrow as pa

    from hydrofoil.gang.data.reader import open_feed
    from hydrofoil.gang.seams import Spool

    _use(scheme)
    values = np.arange(_ROWS // 10 * _WIDTH, dtype="float32")
    column = pa.FixedSizeListArray.from_arrays(values, _WIDTH).cast(pa.list_(pa.float32()))
    batch = pa.record_batch([column], ["features"])

    def feed() -> Iterator[pa.RecordBatch]:
        for _ in range(10):
            yield batch

    data = open_feed(feed(), batch.schema, Spool(memory=True), ctx)
    assert sum(data.rows_per_rank) == 2 * _ROWS
    ctx.barrier()
    start, cpu = time.perf_counter(), time.process_time()
    rows = sum(
        len(each["features"]) for each in data.numpy(batch_size=1024, epoch=1, shuffle="global")
    )
    taken = time.perf_counter() - start, time.process_time() - cpu
    assert rows == _ROWS
    ctx.barrier()
    data.close()
    return taken


@click.command()
@click.option("--repeat", default=5, show_default=True)
def main(repeat: int) -> None:
    """Print the table."""
    schemes = [each for each in SCHEMES if each != "AES-GCM" or installed("cryptography")]
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for _ in range(repeat):
        for scheme in schemes:
            for name, measured in (("stream", stream), ("deal", deal)):
                results = list(run_locally(2, measured, args=[scheme]))
                seconds = max(result[0] for result in results)
                both = sum(result[1] for result in results)
                found.setdefault((name, scheme), []).append((seconds, both))
    machine = describe_machine()
    print(f"{machine['processor']}, {machine['cores']} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| | MB/s a rank | wall, x none | CPU of both ranks, ns/byte | x none |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, size in (("stream", _BYTES), ("deal", _ROWS * _WIDTH * 4)):
        wall = {s: statistics.median(run[0] for run in found[name, s]) for s in schemes}
        cpu = {s: statistics.median(run[1] for run in found[name, s]) for s in schemes}
        for s in schemes:
            cells = [
                f"{size / wall[s] / 1e6:,.0f}",
                f"{wall[s] / wall['none']:.2f}",
                f"{cpu[s] / size * 1e9:.2f}",
                f"{cpu[s] / cpu['none']:.2f}",
            ]
            print(f"| {name}, {s} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
