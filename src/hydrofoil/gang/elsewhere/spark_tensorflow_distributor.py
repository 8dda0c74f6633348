"""In place of ``spark_tensorflow_distributor``: ``MirroredStrategyRunner``."""

from collections.abc import Callable
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.gang.api import run as run_gang
from hydrofoil.gang.context import Context
from hydrofoil.gang.local import run_locally
from hydrofoil.gang.seams import Resources


class MirroredStrategyRunner:
    """Runs a training function of TensorFlow within a ``MultiWorkerMirroredStrategy``.

    TensorFlow can be joined to other processes once in a process's life, so on Spark set
    ``spark.python.worker.reuse=false``. New code is better off with `gang.run`, which also feeds
    data, restarts and resumes.

    Parameters
    ----------
    num_slots : int
        GPUs in all, one for each rank; without GPUs, ranks.
    local_mode : bool
        Train in one process on the driver's host, with all GPUs in it; otherwise in Spark tasks.
    use_gpu : bool
    gpu_resource_name : str
        How Spark calls GPUs. Only ``"gpu"``.
    use_custom_strategy : bool
        The function makes a strategy itself. Otherwise it is called within the scope of one.

    Raises
    ------
    UsageError
        If ``num_slots`` is not positive; if it is more than one in local mode without GPUs; at
        another name of GPUs.
    """

    def __init__(
        self,
        *,
        num_slots: int,
        local_mode: bool = False,
        use_gpu: bool = True,
        gpu_resource_name: str = "gpu",
        use_custom_strategy: bool = False,
    ) -> None:
        if num_slots < 1:
            raise UsageError(f"MirroredStrategyRunner(num_slots={num_slots}) has to be 1 or more")
        if local_mode and not use_gpu and num_slots > 1:
            raise UsageError(
                f"MirroredStrategyRunner(num_slots={num_slots}, local_mode=True, use_gpu=False): "
                "there is one CPU's worth of process in local mode",
                hint="pass num_slots=1, or local_mode=False for that many Spark tasks",
            )
        if gpu_resource_name != "gpu":
            raise UsageError(
                f"gpu_resource_name={gpu_resource_name!r}: gangs ask Spark for the resource 'gpu'",
                hint="call it so in spark.executor.resource.gpu.*",
            )
        self._num_slots = num_slots
        self._local_mode = local_mode
        self._use_gpu = use_gpu
        self._use_custom_strategy = use_custom_strategy

    def run(self, train_fn: Callable[..., Any], **kwargs: Any) -> Any:
        """Call ``train_fn(**kwargs)`` in all ranks, and wait for them.

        Returns
        -------
        object
            What it returned in rank 0.

        Raises
        ------
        UserError
            If it raised: with rank, host and traceback.
        GangError
            As ``gang.run`` does.
        """
        arguments = (train_fn, kwargs, self._use_custom_strategy)
        if self._local_mode:
            gpus = Resources(gpus=self._num_slots if self._use_gpu else 0)
            return run_locally(1, _rank, args=arguments, resources=gpus).value
        gpus = Resources(gpus=1 if self._use_gpu else 0)
        return run_gang(_rank, num_tasks=self._num_slots, args=arguments, resources=gpus).value


def _rank(
    ctx: Context, train_fn: Callable[..., Any], kwargs: dict[str, Any], use_custom_strategy: bool
) -> Any:
    joined = ctx.tensorflow  # Has set TF_CONFIG, which custom strategies read as well.
    if use_custom_strategy:
        value = train_fn(**kwargs)
    else:
        with joined.strategy().scope():
            value = train_fn(**kwargs)
    return value if ctx.rank == 0 else None
