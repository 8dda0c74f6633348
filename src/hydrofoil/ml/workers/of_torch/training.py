"""What each rank does for `TorchEstimator`: epochs over its rows, in step with the others."""

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError
from hydrofoil.ml.workers.of_torch.batches import Fed, Plan, Rows, taken
from hydrofoil.ml.workers.of_torch.building import made_optimizer, saved
from hydrofoil.ml.workers.of_torch.losses import RowLoss, aligned, takes_classes


@dataclass(frozen=True)
class Task:
    """What is trained, and how. Parameters are called as `TorchEstimator`'s.

    Parameters
    ----------
    makes_module : bool
        ``module`` is a function that returns it.
    fingerprint : str
        Of everything that a checkpoint has to be of.
    checkpointed : bool
        Whether the gang has a place for checkpoints.
    """

    module: Any
    makes_module: bool
    loss: Any
    optimizer: Any
    fed: Fed
    optimizer_params: Mapping[str, Any] = field(default_factory=dict)
    scheduler: Any = None
    scheduler_params: Mapping[str, Any] = field(default_factory=dict)
    scheduler_interval: str = "epoch"
    epochs: int = 1
    batch_size: int = 32
    val_batch_size: int = 0
    shuffle: bool = True
    drop_last: bool = False
    seed: int = 0
    metrics: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    monitor: str = "val_loss"
    monitor_mode: str = "min"
    patience: int = 0
    min_delta: float = 0.0
    restore_best: bool = True
    precision: str = "float32"
    max_grad_norm: float = 0.0
    find_unused_parameters: bool = False
    output_fn: Any = None
    checkpointed: bool = False
    checkpoint_every: int = 1
    fingerprint: str = ""


@dataclass(frozen=True)
class Trained:
    """What rank 0 returns.

    Attributes
    ----------
    state : bytes
        The module's ``state_dict``, as ``torch.save`` writes it.
    history : list of dict
        Of each epoch.
    best_epoch : int
        The epoch whose weights these are.
    shape : tuple of int, or None
        Of one row's output; None if the output is no tensor.
    """

    state: bytes
    history: list[dict[str, Any]]
    best_epoch: int
    shape: tuple[int, ...] | None


def train(ctx: Any, task: Task) -> Trained | None:
    """What each rank does; all end with the same weights."""
    import torch

    devices = [0] if ctx.device != "cpu" else []
    # Spark gives the process to other tasks, which have random numbers of their own.
    with torch.random.fork_rng(devices=devices):
        return _Fit(ctx, task).run()


class _Fit:
    def __init__(self, ctx: Any, task: Task) -> None:
        import torch

        self.torch, self.ctx, self.task = torch, ctx, task
        self.rows: Rows = taken(ctx, task.fed)
        self.joined = ctx.torch  # Ranks are joined from here on.
        self.device = self.joined.device
        torch.manual_seed(task.seed)
        module = task.module() if task.makes_module else task.module
        if not isinstance(module, torch.nn.Module):
            raise UsageError(f"module returned a {type(module).__name__}, no torch.nn.Module")
        self.module = module.to(self.device)
        self.dtype = next(
            (one.dtype for one in module.parameters() if one.dtype.is_floating_point), torch.float32
        )
        self._fill_lazy()
        self.wrapped = self.module
        if ctx.world_size > 1:
            self.wrapped = self.joined.ddp(
                self.module, find_unused_parameters=task.find_unused_parameters
            )
        self.optimizer = made_optimizer(task.optimizer, task.optimizer_params, self.module)
        self.scheduler = None
        if task.scheduler is not None:
            self.scheduler = task.scheduler(self.optimizer, **task.scheduler_params)
        self.loss = RowLoss(task.loss)
        counts = self.loss.row_weights(self.rows.label, self.rows.weight)
        self.loss.to(self.device)
        self.row_weights = counts
        self.plan = Plan(
            ctx, self.rows, counts, task.batch_size, task.shuffle, task.drop_last, task.seed
        )
        half = task.precision == "float16" and self.device.type == "cuda"
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=half)
        self.history: list[dict[str, Any]] = []
        self.best: dict[str, Any] = {"value": None, "epoch": -1, "state": None}
        self.waited = 0
        self.shape: tuple[int, ...] | None = None

    def run(self) -> Trained | None:
        first = self._restore()
        if self.rows.held_out is not None:
            self._check_held_out()
        for number in range(first, self.task.epochs):
            if self._has_stopped():
                break
            # An epoch that is begun anew after a restart has the same random numbers.
            self.torch.manual_seed(hash((self.task.seed, number, self.ctx.rank)) & (2**63 - 1))
            entry = {"epoch": number, "lr": float(self.optimizer.param_groups[0]["lr"])}
            entry |= self._train(number)
            entry |= self._validate()
            entry = self.ctx.broadcast(entry)  # So that all decide alike.
            self.history.append(entry)
            self._judge(entry)
            self._schedule(entry)
            shown = {name: value for name, value in entry.items() if name != "epoch"}
            self.ctx.report(step=number + 1, total=self.task.epochs, **shown)
            self._save(number + 1)
        return self._trained()

    # --- Training ---------------------------------------------------------------------------------

    def _train(self, number: int) -> dict[str, float]:
        task, torch = self.task, self.torch
        self.wrapped.train()
        sums = _Sums()
        for step in self.plan.epoch(number):
            output, label = self._output(self.wrapped, step.rows)
            with self._autocast():
                value = self.loss(output, label)
            self._see(output)
            if self.loss.whole:
                self._check_whole()
                to_minimise, here = value, value.detach() * step.weights.sum()
            else:
                weights = torch.from_numpy(step.weights).to(value)
                added = (value * weights).sum()
                # The others' gradients are added, and divided by the number of ranks.
                of_all = 1.0 if self.loss.adds_up else max(step.total, 1e-30)
                to_minimise, here = added * (self.ctx.world_size / of_all), added.detach()
            self.scaler.scale(to_minimise).backward()
            if task.max_grad_norm:
                self.scaler.unscale_(self.optimizer)
                torch.nn.utils.clip_grad_norm_(self.module.parameters(), task.max_grad_norm)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.optimizer.zero_grad(set_to_none=True)
            if self.scheduler is not None and task.scheduler_interval == "step":
                self.scheduler.step()
            sums.add("loss", here, step.weights.sum())
            if self.rows.held_out is None:
                self._measure(sums, output, label, step.weights, "")
        return self._over_ranks(sums, ["loss", *self._names("", self.rows.held_out is None)])

    def _output(self, module: Any, rows: Any) -> tuple[Any, Any]:
        inputs = [self._input(values[rows]) for values in self.rows.inputs]
        label = self._tensor(self.rows.label[rows])
        with self._autocast():
            return module(*inputs), label

    def _tensor(self, values: Any) -> Any:
        return self.torch.from_numpy(values).to(self.device, non_blocking=True)

    def _input(self, values: Any) -> Any:
        tensor = self._tensor(values)
        return tensor.to(self.dtype) if tensor.is_floating_point() else tensor

    def _autocast(self) -> Any:
        if self.task.precision == "float32":
            return contextlib.nullcontext()
        kind = getattr(self.torch, self.task.precision)
        return self.torch.autocast(self.device.type, kind)

    def _check_whole(self) -> None:
        if self.rows.weight is not None:
            raise UsageError(
                "weight_col needs the loss of each row, and the loss returned one number for all",
                hint="return a tensor with a number for each row",
            )

    def _fill_lazy(self) -> None:
        """Have lazy modules find out their sizes, which DDP and optimizers need."""
        lazy = self.torch.nn.parameter.is_lazy
        if any(lazy(one) for one in [*self.module.parameters(), *self.module.buffers()]):
            with self.torch.no_grad():
                self._output(self.module, slice(0, 2))

    def _schedule(self, entry: Mapping[str, Any]) -> None:
        if self.scheduler is None or self.task.scheduler_interval != "epoch":
            return
        if isinstance(self.scheduler, self.torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step(entry.get(self.task.monitor, entry["loss"]))
        else:
            self.scheduler.step()

    # --- Validation and metrics -------------------------------------------------------------------

    def _check_held_out(self) -> None:
        assert self.rows.held_out is not None
        if not sum(self.ctx.all_gather(len(self.rows.held_out))):
            raise UsageError(
                "no row is for validation", hint="the indicator is true for those that are"
            )

    def _validate(self) -> dict[str, float]:
        held_out = self.rows.held_out
        if held_out is None:
            return {}
        if self.ctx.world_size > 1:
            for buffer in self.module.buffers():  # Running means are each rank's own.
                self.torch.distributed.broadcast(buffer, 0)
        self.module.eval()
        sums = _Sums()
        size = self.task.val_batch_size or self.task.batch_size or len(held_out) or 1
        with self.torch.no_grad():
            for start in range(0, len(held_out), size):
                rows = held_out[start : start + size]
                counts = np.ones(len(rows)) if self.row_weights is None else self.row_weights[rows]
                output, label = self._output(self.module, rows)
                value = self.loss(output, label)
                if self.loss.whole:
                    here = value * counts.sum()
                else:
                    weights = self.torch.from_numpy(counts).to(value)
                    here = (value * weights).sum()
                sums.add("val_loss", here, counts.sum())
                self._measure(sums, output, label, counts, "val_")
        return self._over_ranks(sums, ["val_loss", *self._names("val_", True)])

    def _names(self, prefix: str, measured: bool) -> list[str]:
        return [f"{prefix}{name}" for name in self.task.metrics] if measured else []

    def _measure(self, sums: "_Sums", output: Any, label: Any, counts: Any, prefix: str) -> None:
        shown = output if takes_classes(self.task.loss) else aligned(output, label)
        for name, metric in self.task.metrics.items():
            with self.torch.no_grad():
                value = metric(shown, label)
            if isinstance(value, self.torch.Tensor) and value.dim():
                by_row = value.double().flatten(1).mean(1) if value.dim() > 1 else value.double()
                if len(by_row) != len(counts):
                    raise UsageError(
                        f"the metric {name} returned {len(by_row)} numbers for {len(counts)} rows"
                    )
                here = float((by_row.cpu() * self.torch.from_numpy(counts)).sum())
            else:
                here = float(value) * counts.sum()
            sums.add(f"{prefix}{name}", here, counts.sum())

    def _over_ranks(self, sums: "_Sums", names: list[str]) -> dict[str, float]:
        found = np.array([sums.of(name) for name in names])
        totals = self.ctx.all_reduce(found)
        return {
            name: float(value / count) if count else math.nan
            for name, (value, count) in zip(names, totals, strict=True)
        }

    # --- The best epoch, and stopping -------------------------------------------------------------

    def _judge(self, entry: Mapping[str, Any]) -> None:
        if self.rows.held_out is None:
            self.best["epoch"] = entry["epoch"]
            return
        if self.task.monitor not in entry:
            raise UsageError(
                f"monitor={self.task.monitor!r} is not measured",
                hint=f"there are {', '.join(sorted(set(entry) - {'epoch', 'lr'}))}",
            )
        value, best = entry[self.task.monitor], self.best["value"]
        sign = 1 if self.task.monitor_mode == "min" else -1
        # Nothing is better than NaN, as a precision is before anything was found: all others are.
        first = best is None or (math.isnan(best) and not math.isnan(value))
        if first or sign * value < sign * best - self.task.min_delta:
            self.best.update(value=value, epoch=entry["epoch"])
            self.waited = 0
            if self.task.restore_best and self.ctx.rank == 0:
                self.best["state"] = self._state()
        else:
            self.waited += 1

    def _has_stopped(self) -> bool:
        return bool(self.task.patience and self.waited >= self.task.patience)

    def _state(self) -> dict[str, Any]:
        """The module's, on the CPU, in memory of its own."""
        tensor = self.torch.Tensor
        return {
            name: value.detach().cpu().clone() if isinstance(value, tensor) else value
            for name, value in self.module.state_dict().items()
        }

    def _see(self, output: Any) -> None:
        if self.shape is None:
            shown = output if self.task.output_fn is None else self.task.output_fn(output)
            if isinstance(shown, self.torch.Tensor):
                self.shape = tuple(shown.shape[1:])

    def _trained(self) -> Trained | None:
        if self.ctx.rank:
            return None
        if self.shape is None:  # All epochs were in the checkpoint.
            self.module.eval()
            with self.torch.no_grad():
                self._see(self._output(self.module, slice(0, 1))[0])
        best = self.best["state"] if self.task.restore_best else None
        last = self.history[-1]["epoch"] if self.history else -1
        if best is None:
            return Trained(saved(self._state()), self.history, last, self.shape)
        return Trained(saved(best), self.history, self.best["epoch"], self.shape)

    # --- Checkpoints ------------------------------------------------------------------------------

    def _save(self, epochs: int) -> None:
        if not self.task.checkpointed:
            return
        if epochs % self.task.checkpoint_every and epochs < self.task.epochs:
            return
        self.ctx.checkpoint.save(
            {
                "fingerprint": self.task.fingerprint,
                "module": self.module.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
                "scaler": self.scaler.state_dict(),
                "history": self.history,
                "best": self.best,
                "waited": self.waited,
            },
            step=epochs,
        )

    def _restore(self) -> int:
        """Go on from a checkpoint, if there is one; returns the first epoch."""
        state = self.ctx.checkpoint.restore() if self.task.checkpointed else None
        if state is None:
            return 0
        if state["fingerprint"] != self.task.fingerprint:
            raise UsageError(
                "the checkpoints of this run_id are of a training with other parameters",
                hint="use another run_id, or none",
            )
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        self.scaler.load_state_dict(state["scaler"])
        self.history, self.best = state["history"], state["best"]
        self.waited = state["waited"]
        return len(self.history)


class _Sums:
    """Weighted sums by name, and the weights. Sums stay where they are until they are asked for."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[Any, float]] = {}

    def add(self, name: str, value: Any, count: float) -> None:
        before = self._sums.get(name, (0.0, 0.0))
        # A number for no rows counts nothing, even if it is NaN.
        self._sums[name] = (before[0] + (value if count else 0.0), before[1] + float(count))

    def of(self, name: str) -> tuple[float, float]:
        value, count = self._sums.get(name, (0.0, 0.0))
        return float(value), count
