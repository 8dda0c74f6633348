"""Tries inputs in a plain Python: the kept ones and changed ones, or those in files.

``python -m fuzz.replay columns [FILE ...] [--changed N] [--seed N]``; a fault ends it with its
traceback, behind the input's name, which is printed before a crash as well.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from fuzz.target import kept, names, target

EDGES = [b"\0", b"\x7f", b"\xff", b"\xff" * 4, b"\xff\xff\xff\x7f", b"\xff" * 7 + b"\x7f", bytes(8)]


def changed(choose: random.Random, inputs: list[bytes]) -> bytes:
    """An input with some damage: bytes replaced, cut out, doubled or taken from a different one."""
    data = bytearray(choose.choice(inputs))
    for _ in range(choose.choice([1, 1, 2, 4])):
        at = choose.randrange(len(data) + 1)
        how = choose.randrange(6)
        if how == 0:
            data[at : at + 1] = bytes([choose.randrange(256)])
        elif how == 1:
            garbage = choose.choice(EDGES)
            data[at : at + len(garbage)] = garbage
        elif how == 2:
            del data[at : at + choose.randrange(1, 40)]
        elif how == 3:
            data[at:at] = data[at : at + choose.randrange(1, 40)]
        elif how == 4:
            data = data[:at]
        else:
            other = choose.choice(inputs)
            place = choose.randrange(len(other) + 1)
            data[at : at + 16] = other[place : place + 16]
    return bytes(data)


def inputs(name: str, files: list[str], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    if files:
        yield from ((file, Path(file).read_bytes()) for file in files)
        return
    found = kept(name)
    yield from found.items()
    choose = random.Random(seed)
    for i in range(count):
        yield f"changed {i} of seed {seed}", changed(choose, list(found.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=names())
    parser.add_argument("files", nargs="*")
    parser.add_argument("--changed", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    one = target(asked.target)
    for name, data in inputs(asked.target, asked.files, asked.changed, asked.seed):
        try:
            one(data)
        except BaseException:
            print(f"{asked.target}: {name}: {data!r}", file=sys.stderr)
            raise


if __name__ == "__main__":
    main()
