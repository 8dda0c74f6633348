"""What a rank's function gets as its first argument."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal

from hydrofoil.errors import UsageError
from hydrofoil.gang import pickling
from hydrofoil.gang.channel.secret import Secret
from hydrofoil.gang.devices import local_rank_of
from hydrofoil.gang.hub.client import Client
from hydrofoil.gang.hub.events import Member
from hydrofoil.gang.means import addend, divided

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hydrofoil.gang.checkpoint import Checkpointer
    from hydrofoil.gang.data.reader import Data

_SMALL = 64 << 10  # Bytes of an array that may pass through the driver.

Reduction = Literal["sum", "mean", "min", "max", "prod"]


class Context:
    """A rank's place in the gang, its data and its way to the others. Implements ``Group``.

    Attributes
    ----------
    rank, world_size, local_rank : int
        This rank, of how many, and its number among those of its host.
    attempt : int
        0 at first, one more after each restart.
    run_id : str
        The same in all ranks and attempts.
    hosts : list of str
        The host of each rank.
    resources : dict of str to list of str
        Addresses that this rank owns, such as ``{"gpu": ["0"]}``.
    device : str
        ``cpu``, or ``cuda:0``: the first of the devices that the rank sees.
    """

    def __init__(
        self,
        client: Client,
        members: Sequence[Member],
        run_id: str,
        resources: dict[str, list[str]],
        open_checkpoint: Callable[["Context"], "Checkpointer"] | None = None,
    ) -> None:
        self.rank: int = client.rank
        self.world_size: int = len(members)
        self.local_rank: int = local_rank_of(client.rank, members)
        self.attempt: int = client.attempt
        self.run_id: str = run_id
        self.hosts: list[str] = [member.host for member in members]
        self.resources = resources
        self.device: str = "cuda:0" if resources.get("gpu") else "cpu"
        self._client = client
        self._open_checkpoint = open_checkpoint
        self._data: Data | None = None
        self._checkpoint: Checkpointer | None = None
        self._backends: dict[str, tuple[Any, Any]] = {}

    def __repr__(self) -> str:
        return f"Context(rank={self.rank}, world_size={self.world_size}, attempt={self.attempt})"

    @property
    def secret(self) -> Secret:
        """What ranks of this attempt prove to each other; comes with the function."""
        return self._client.secret

    @property
    def stopping(self) -> bool:
        """Whether the gang is being ended; a polite function saves and returns."""
        return self._client.stopping

    # --- Meeting the other ranks ------------------------------------------------------------------

    def barrier(self, timeout: float | None = None) -> None:
        """Wait for all ranks.

        Parameters
        ----------
        timeout : float, optional
            Seconds in place of ``gang.run(timeout=)``; then the gang fails with ``HangError``,
            which names the ranks that are not here.
        """
        self._client.barrier(timeout)

    def all_gather(self, value: Any) -> list[Any]:
        """Return the values of all ranks, in rank order.

        Parameters
        ----------
        value : object
            Whatever pickles. It passes through the driver: best under 64 kB.
        """
        return [pickling.loads(blob) for blob in self._client.all_gather(pickling.dumps(value))]

    def broadcast(self, value: Any, src: int = 0) -> Any:
        """Return the value that rank ``src`` passed; what others pass is ignored."""
        if not 0 <= src < self.world_size:
            raise UsageError(f"broadcast(src={src}): ranks are 0 to {self.world_size - 1}")
        blob = pickling.dumps(value) if src == self.rank else b""
        return pickling.loads(self._client.broadcast(blob, src))

    def all_reduce(self, array: "NDArray[Any]", op: Reduction = "sum") -> "NDArray[Any]":
        """Return the element-wise sum (or mean, min, max, prod) of all ranks' arrays.

        A collective; arrays have one shape and type. The result is the same in all ranks, bit for
        bit; the mean of integers is float64. Small arrays pass through the driver, large ones go
        from rank to rank: over torch's gloo where there is torch, else over sockets.

        Raises
        ------
        UsageError
            If the ranks' arrays or ops differ.
        """
        import numpy as np

        combine = {
            "sum": np.add,
            "mean": np.add,
            "prod": np.multiply,
            "min": np.minimum,
            "max": np.maximum,
        }.get(op)
        if combine is None:
            raise UsageError(f"all_reduce(op={op!r}): there are sum, mean, min, max and prod")
        array = np.asarray(array)
        small = array.nbytes <= _SMALL
        parts = self.all_gather((op, array.shape, array.dtype.str, array if small else None))
        for rank, part in enumerate(parts):
            if part[:3] != parts[0][:3]:
                raise UsageError(
                    f"all_reduce: rank 0 has {parts[0][:3]}, and rank {rank} {part[:3]}: op, shape "
                    "and type have to be the same"
                )
        if not small:
            summed: NDArray[Any] = self.backend("numpy").all_reduce(array, op)
            return summed
        arrays = [addend(part[3]) if op == "mean" else part[3] for part in parts]
        total = np.asarray(reduce(combine, arrays))
        return divided(total, self.world_size, array) if op == "mean" else total

    def check_current(self) -> None:
        """Raise ``StaleAttempt`` if a newer attempt has begun, or this one has failed."""
        self._client.check_current()

    def local_address(self) -> str:
        """Return an address of this host that the other ranks can connect to."""
        return self._client.local_address()

    @contextmanager
    def note(self, where: str) -> Iterator[None]:
        """Name what happens inside, for the watchdog; see ``Group.note``."""
        with self._client.note(where):
            yield

    # --- Telling the driver -----------------------------------------------------------------------

    def log(self, text: object) -> None:
        """Show a line on the driver, with this rank's number."""
        self._client.log(str(text))

    def report(self, **metrics: Any) -> None:
        """Send numbers to the driver: to ``on_progress``, ``GangResult.metrics`` and the bar.

        ``step`` and ``total`` move this rank's progress bar; the others are shown beside it.
        """
        self._client.report({name: _plain(value) for name, value in metrics.items()})

    # --- Data, checkpoints, frameworks ------------------------------------------------------------

    @property
    def data(self) -> "Data":
        """This rank's part of the DataFrame or source."""
        if self._data is None:
            raise UsageError(
                "this gang has no data",
                hint="pass a DataFrame or source= to gang.run, or --data to hydrofoil gang",
            )
        return self._data

    @property
    def checkpoint(self) -> "Checkpointer":
        """Saves state, and restores it in the next attempt."""
        if self._checkpoint is None:
            if self._open_checkpoint is None:
                raise UsageError(
                    "this gang has no place for checkpoints",
                    hint="pass checkpoint= to gang.run: a folder or URI that all ranks reach",
                )
            self._checkpoint = self._open_checkpoint(self)
        return self._checkpoint

    def backend(self, name: str) -> Any:
        """Bring up a framework's collectives, the first time; return its helpers."""
        if name not in self._backends:
            from hydrofoil.gang.backends.table import BACKENDS

            backend = BACKENDS[name]()
            if self.secret.strict and name != "numpy" and self.rank == 0:
                self.log(
                    f"ctx.{name}: Spark's settings authenticate or encrypt its own connections, "
                    f"and those of {name} are neither"
                )
            with self.note(f"collective {name}.init"):
                self._backends[name] = (backend, backend.start(self))
        return self._backends[name][1]

    @property
    def torch(self) -> Any:
        """torch.distributed, up and running: gloo on CPU, NCCL on GPUs; helpers for DDP."""
        return self.backend("torch")

    @property
    def xgboost(self) -> Any:
        """XGBoost's collective communicator."""
        return self.backend("xgboost")

    @property
    def lightgbm(self) -> Any:
        """LightGBM's machine list."""
        return self.backend("lightgbm")

    @property
    def jax(self) -> Any:
        """``jax.distributed``."""
        return self.backend("jax")

    @property
    def tensorflow(self) -> Any:
        """TensorFlow with ``TF_CONFIG``."""
        return self.backend("tensorflow")

    def close(self, failed: bool) -> None:
        """Take down backends and data; when ``failed``, without waiting for peers."""
        with ExitStack() as parts:  # Each is taken down, whatever another one raises.
            if self._data is not None:
                parts.callback(self._data.close)
            for backend, _ in self._backends.values():
                parts.callback(backend.stop, failed)
            self._backends.clear()


def _plain(value: Any) -> Any:
    """Make JSON of NumPy's and torch's scalars."""
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    item = getattr(value, "item", None)
    found = item() if callable(item) else value
    # NumPy has dates and complex numbers, too.
    return found if isinstance(found, bool | int | float | str) or found is None else str(found)
