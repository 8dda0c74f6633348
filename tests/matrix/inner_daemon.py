"""Daemons as others write them, by the names with which they find and exchange a worker's main.

The variable INNER says which. Each leaves a word in the worker's environment for UDFs to find.
"""

import os
import sys
import threading
import time

from pyspark import daemon, worker
from pyspark.worker import main as worker_main

HOW = os.environ.get("INNER", "")
HOOKED = "HOOKED"


def wrapped(main):
    def wrapper(*args, **kwargs):
        os.environ["WRAPPED"] = f"{HOW} {os.path.basename(sys.argv[0])}"
        main(*args, **kwargs)

    return wrapper


def hook():
    os.environ[HOOKED] = os.environ.get(HOOKED, "") + "hooked"


def failing_hook():
    raise OSError("no disk")


if __name__ == "__main__":
    if HOW == "late look":
        # As Sentry's, and the one that PySpark's documentation has for debuggers.
        daemon.worker_main = wrapped(lambda *args: worker.main(*args))
    elif HOW == "early look":
        # As that of RAPIDS.
        daemon.worker_main = wrapped(worker_main)
    elif HOW == "the worker's":
        worker.main = wrapped(worker.main)
    elif HOW == "the daemon's":
        daemon.worker_main = wrapped(daemon.worker_main)
    elif HOW == "a thread":
        threading.Thread(target=time.sleep, args=(60,), daemon=True, name="sleeper").start()
    elif HOW == "an error":
        daemon.worker_main = None
        raise OSError("no licence")
    if HOW != "no manager":
        daemon.manager()
