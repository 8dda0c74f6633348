"""A process that runs workers' mains on streams, each in a fork of its own, and tells how they end.

Started by test_streams with pickles on its stdin and stdout: in comes a list of (module, bytes),
out goes a list of (exit status, answer).
"""

import io
import os
import pickle
import signal
import sys
import tempfile
from importlib import import_module

MODULES = ("pyspark.worker", "hydrofoil.worker")
SECONDS = 30


def run(module: str, data: bytes) -> tuple[int, bytes]:
    with tempfile.TemporaryFile() as file:
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            answer = io.BytesIO()
            status = 0
            try:
                import_module(module).main(io.BytesIO(data), answer)
            except SystemExit as exit_:
                status = 0 if exit_.code is None else 1
            except BaseException:
                status = 2
            finally:
                os.write(file.fileno(), answer.getvalue())
                os._exit(status)
        _, status = os.waitpid(child, 0)
        file.seek(0)
        return os.waitstatus_to_exitcode(status), file.read()


if __name__ == "__main__":
    for name in MODULES:
        import_module(name)
    results = [run(*job) for job in pickle.load(sys.stdin.buffer)]
    pickle.dump(results, sys.stdout.buffer)
