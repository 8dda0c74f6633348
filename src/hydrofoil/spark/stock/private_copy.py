"""Stock PySpark's worker as a private copy, whose parts can be exchanged.

The copy is `pyspark/worker.py` executed a second time under its own name, so that whoever runs the
real `pyspark.worker.main` in the same process gets stock, and tracebacks name the same file.
"""

from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType


def private_worker() -> ModuleType:
    """A fresh copy of ``pyspark.worker``, not registered anywhere."""
    # The original comes first: dataclasses look their module up in sys.modules.
    import pyspark.worker

    spec = find_spec(pyspark.worker.__name__)
    if spec is None or spec.loader is None:
        raise ImportError("pyspark.worker is loaded but its source cannot be found again")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def worker_message() -> ModuleType:
    """Stock's module of what a message is parsed to, on versions that parse it."""
    return import_module("pyspark.worker_message")
