"""``ctx.xgboost``: XGBoost's collective; its tracker runs on rank 0."""

from contextlib import suppress
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.gang.backends.packages import load
from hydrofoil.gang.backends.threads import threads
from hydrofoil.gang.group import Group


class XGBoostBackend:
    """A communicator in each rank, which ``xgboost.train`` finds by itself."""

    def __init__(self) -> None:
        self._xgboost: Any = None
        self._tracker: Any = None

    def start(self, group: Group) -> "XGBoost":
        xgboost = load("xgboost")
        tracking = load("xgboost.tracker")
        if xgboost.collective.is_distributed():
            raise UsageError(
                f"rank {group.rank} has an XGBoost communicator already, and ctx.xgboost brings "
                "up its own",
                hint="leave CommunicatorContext out of the function",
            )
        arguments = None
        if group.rank == 0:
            # Ranks in the order of their names, so that XGBoost's are ours.
            self._tracker = tracking.RabitTracker(
                n_workers=group.world_size, host_ip=group.local_address(), sortby="task"
            )
            self._tracker.start()
            arguments = self._tracker.worker_args()
        arguments = group.broadcast(arguments)
        # The context knows where NCCL is; it is left by `stop`, not by a `with`.
        context = xgboost.collective.CommunicatorContext(
            **arguments, dmlc_task_id=f"rank-{group.rank:06d}"
        )
        context.__enter__()
        self._xgboost = xgboost
        return XGBoost(xgboost, group)

    def stop(self, failed: bool) -> None:
        if self._xgboost is not None and not failed:
            # Waits until all ranks are here; after a failure they won't be.
            self._xgboost.collective.finalize()
        if self._tracker is not None:
            with suppress(Exception):
                if not failed:
                    self._tracker.wait_for(timeout=_PARTING_S)
                self._tracker.free()
        self._xgboost = self._tracker = None


_PARTING_S = 30


class XGBoost:
    """What ``ctx.xgboost`` is. The communicator is up: ``xgboost`` works on all ranks' rows."""

    def __init__(self, xgboost: Any, group: Group) -> None:
        self._xgboost = xgboost
        self._group = group

    def train(self, params: dict[str, Any], dtrain: Any, *args: Any, **options: Any) -> Any:
        """Train on the rows of all ranks; ``xgboost.train`` otherwise.

        Parameters
        ----------
        params : dict
            ``device`` is this rank's and ``nthread`` the task's cores unless given.
        dtrain : xgboost.DMatrix
            This rank's rows. All ranks have to have the same columns.
        *args, **options
            As of ``xgboost.train``.

        Returns
        -------
        xgboost.Booster
            The same in all ranks.
        """
        params = {"nthread": threads(), "device": self._group.device, **params}
        with self._group.note("collective xgboost.train"):
            return self._xgboost.train(params, dtrain, *args, **options)
