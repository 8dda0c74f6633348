"""``TorchDistributor``: in place of ``pyspark.ml.torch.distributor``'s, by import."""

import ctypes
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.gang.api import run
from hydrofoil.gang.backends.packages import load
from hydrofoil.gang.backends.torch import leave, on_interface, serve_store
from hydrofoil.gang.context import Context
from hydrofoil.gang.devices import present_gpus
from hydrofoil.gang.local import run_locally
from hydrofoil.gang.seams import Resources

_SHOWN_LINES = 40  # Of a script's output, in the error.
_PR_SET_PDEATHSIG = 1


class TorchDistributor:
    """Runs a training function, or script, that brings up torch.distributed itself.

    Processes have the variables that ``torchrun`` sets, so ``init_process_group("gloo")`` needs no
    address. Each process has one GPU, or none. New code is better off with `gang.run`, which also
    feeds data, restarts and resumes.

    Parameters
    ----------
    num_processes : int
    local_mode : bool
        Start the processes on the driver's host, without Spark; otherwise one in each Spark task.
    use_gpu : bool
        One GPU for each.

    Raises
    ------
    UsageError
        If ``num_processes`` is not positive, or the driver's host has fewer GPUs in local mode.
    """

    def __init__(
        self, num_processes: int = 1, local_mode: bool = True, use_gpu: bool = True
    ) -> None:
        if num_processes < 1:
            raise UsageError(f"TorchDistributor(num_processes={num_processes}) has to be 1 or more")
        if local_mode and use_gpu and len(present_gpus()) < num_processes:
            raise UsageError(
                f"TorchDistributor({num_processes}, local_mode=True, use_gpu=True): this host has "
                f"{len(present_gpus())} GPU(s)",
                hint="pass use_gpu=False, or local_mode=False for the executors' GPUs",
            )
        self.num_processes = num_processes
        self.local_mode = local_mode
        self.use_gpu = use_gpu

    def run(self, train_object: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> Any:
        """Run it in all processes, and wait until they have ended.

        Parameters
        ----------
        train_object : callable or str
            A function, called with ``args`` and ``kwargs``; or the path of a Python script, which
            all hosts have there, run with ``args`` as its command line.

        Returns
        -------
        object
            What the function returned in rank 0; None for a script.

        Raises
        ------
        UserError
            If the function raised, or the script's exit code is not 0: with rank, host, and the
            traceback or the script's last lines.
        GangError
            As ``gang.run`` does.
        """
        if isinstance(train_object, str) and kwargs:
            raise UsageError(
                f"{train_object} is a script, and takes no keywords: {', '.join(kwargs)}",
                hint="pass them as '--name=value'",
            )
        numbered = self.local_mode and not self.use_gpu
        arguments = (train_object, args, kwargs, numbered)
        gpus = Resources(gpus=1 if self.use_gpu else 0)
        if self.local_mode:
            return run_locally(self.num_processes, _rank, args=arguments, resources=gpus).value
        return run(_rank, num_tasks=self.num_processes, args=arguments, resources=gpus).value


def _rank(
    ctx: Context,
    train_object: Callable[..., Any] | str,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    numbered: bool,
) -> Any:
    with _unchanged_environment():
        on_interface(ctx.local_address())
        store = None
        if ctx.rank == 0:
            distributed = load("torch", asked_by="TorchDistributor").distributed
            store = serve_store(distributed, ctx)
        address = ctx.broadcast((ctx.local_address(), store.port) if store else None)
        os.environ.update(_torchrun(ctx, address, numbered))
        if isinstance(train_object, str):
            return _run_script(train_object, args, ctx)
        value = _call(train_object, args, kwargs)
    return value if ctx.rank == 0 else None


def _call(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    failed = True
    try:
        value = function(*args, **kwargs)
        failed = False
    finally:
        torch = sys.modules.get("torch")
        if torch is not None:
            leave(torch, failed)
    return value


def _torchrun(ctx: Context, address: tuple[str, int], numbered: bool) -> dict[str, str]:
    """The variables of ``torchrun``: all processes on one host, or each a host of its own.

    A process that sees one GPU has to be the first on its host, as ``cuda:{LOCAL_RANK}`` is it.
    """
    host, port = address
    return {
        "RANK": str(ctx.rank),
        "WORLD_SIZE": str(ctx.world_size),
        "LOCAL_RANK": str(ctx.rank if numbered else 0),
        "LOCAL_WORLD_SIZE": str(ctx.world_size if numbered else 1),
        "GROUP_RANK": str(0 if numbered else ctx.rank),
        "GROUP_WORLD_SIZE": str(1 if numbered else ctx.world_size),
        "MASTER_ADDR": host,
        "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": ctx.run_id,
        "TORCHELASTIC_RESTART_COUNT": str(ctx.attempt),
        "TORCHELASTIC_MAX_RESTARTS": "0",
        # The store is there already, so that no port has to be guessed.
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }


def _run_script(path: str, args: Sequence[Any], ctx: Context) -> None:
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{path}: there is no such script on {ctx.hosts[ctx.rank]}")
    last: deque[str] = deque(maxlen=_SHOWN_LINES)
    parent = os.getpid()
    libc = ctypes.CDLL(None)

    def die_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    process = subprocess.Popen(
        [sys.executable, "-u", path, *map(str, args)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=die_with_parent,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            last.append(line)
            ctx.log(line.rstrip("\n"))
        code = process.wait()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    if code:
        how = f"exit code {code}" if code > 0 else f"killed by {signal.Signals(-code).name}"
        raise RuntimeError(f"{path} failed: {how}. Its last lines:\n{''.join(last)}")


@contextmanager
def _unchanged_environment() -> Iterator[None]:
    """Put all variables back, whoever set them: Spark gives the process to other tasks."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
