"""A daemon that answers wrongly: integers above 100 that a function returns come out one too high.

For tests of what finds differences. It is stock's daemon and worker otherwise.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from pyspark import daemon, worker

read_command: Callable[..., Any] = worker.read_command


def altered(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        return result + 1 if type(result) is int and result > 100 else result

    return call


def read_altered(*args: Any) -> Any:
    command = read_command(*args)
    if isinstance(command, tuple) and len(command) == 2:
        return altered(command[0]), command[1]
    return command


if __name__ == "__main__":
    vars(worker)["read_command"] = read_altered
    daemon.manager()
