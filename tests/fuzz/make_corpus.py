"""Makes the kept inputs again: of samples, and of what real tasks are sent (starts Spark)."""

import io

import pyarrow as pa

from fuzz.target import CORPUS, names, target
from importlib import import_module


def main() -> None:
    for name in names():
        module = import_module(f"fuzz.targets.{name}")
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for i, data in enumerate(getattr(module, "seeds", lambda: [])()):
            (folder / f"sample-{i:02}").write_bytes(data)


main()
