"""``ctx.lightgbm``: LightGBM's list of machines; a port for each rank."""

from collections.abc import Mapping
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.gang.backends.network import ReservedPort
from hydrofoil.gang.backends.packages import load
from hydrofoil.gang.backends.threads import threads
from hydrofoil.gang.group import Group


class LightGBMBackend:
    """Nothing runs between trainings: LightGBM connects when one begins and parts at its end."""

    def __init__(self) -> None:
        self._api: LightGBM | None = None

    def start(self, group: Group) -> "LightGBM":
        self._api = LightGBM(load("lightgbm"), group)
        return self._api

    def stop(self, failed: bool) -> None:
        if self._api is not None:
            self._api.close()


class LightGBM:
    """What ``ctx.lightgbm`` is."""

    def __init__(self, lightgbm: Any, group: Group) -> None:
        self._lightgbm = lightgbm
        self._group = group
        self._port: ReservedPort | None = None

    def params(self) -> dict[str, Any]:
        """Return what LightGBM needs to know of the other ranks, for one training.

        A collective. The port is this rank's until the training takes it, or the function ends.

        Returns
        -------
        dict
            ``machines``, ``num_machines``, ``local_listen_port``, ``tree_learner="data"`` and
            ``num_threads``, to be merged with yours.
        """
        self.close()
        self._port = ReservedPort(self._group.local_address())
        address = (self._group.local_address(), self._port.number)
        addresses = self._group.all_gather(address)
        return {
            "machines": ",".join(f"{host}:{port}" for host, port in addresses),
            "num_machines": self._group.world_size,
            "local_listen_port": self._port.number,
            "tree_learner": "data",
            "num_threads": threads(),
        }

    def train(self, params: Mapping[str, Any], train_set: Any, *args: Any, **options: Any) -> Any:
        """Train on the rows of all ranks; ``lightgbm.train`` otherwise.

        A collective.

        Parameters
        ----------
        params : mapping
            ``tree_learner`` is ``data`` and ``num_threads`` the task's cores unless given.
        train_set : lightgbm.Dataset
            This rank's rows. Not constructed yet: how values are binned is for all ranks to agree.
        *args, **options
            As of ``lightgbm.train``.

        Returns
        -------
        lightgbm.Booster
            The same in all ranks.

        Raises
        ------
        UsageError
            If the data set was constructed before, each rank's with bins of its own.
        """
        if self._group.world_size == 1:
            return self._lightgbm.train(dict(params), train_set, *args, **options)
        if getattr(train_set, "_handle", None) is not None:
            raise UsageError(
                "ctx.lightgbm.train() got a Dataset that is constructed already",
                hint="pass lightgbm.Dataset(X, y) as it is: ranks agree on its bins in train()",
            )
        params = {**self.params(), **params}
        with self._group.note("collective lightgbm.train"):
            self.close()
            booster = self._lightgbm.train(params, train_set, *args, **options)
        # It would be kept by a worker that has further tasks.
        booster.free_network()
        return booster

    def close(self) -> None:
        """Give the port back."""
        if self._port is not None:
            self._port.release()
            self._port = None
