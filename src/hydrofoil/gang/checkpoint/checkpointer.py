"""``ctx.checkpoint``: what a rank saves, and what it goes on from."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import index
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.gang.checkpoint.conf import Checkpoint, Saved
from hydrofoil.gang.checkpoint.encoding import (
    Corrupt,
    File,
    Sink,
    Unpicklable,
    read_file,
    write_state,
)
from hydrofoil.gang.checkpoint.lineage import Generation, begin, state_name, surplus
from hydrofoil.gang.checkpoint.store import Store
from hydrofoil.gang.errors import CheckpointError, GangError
from hydrofoil.gang.group import Group
from hydrofoil.gang.seams import Resumable

_SHARED = "the folder has to be one that all ranks reach: shared storage, not a disk of each host"


def open_checkpointer(
    conf: Checkpoint | str,
    group: Group,
    log: Callable[[str], None] = warnings.warn,
    data: Resumable | None = None,
) -> "Checkpointer":
    """Open the folder in every rank, and have them agree on what this attempt may go on from.

    A collective.

    Parameters
    ----------
    conf : Checkpoint or str
        A string is the folder.
    group : Group
    log : callable
        Told of checkpoints that can't be used or deleted.
    data : Resumable, optional
        Whose position checkpoints hold beside the state.

    Raises
    ------
    CheckpointError
        If the folder can't be reached.
    """
    if not isinstance(conf, Checkpoint):
        conf = Checkpoint(conf)
    with _naming(group, f"open the checkpoints in {conf.uri}"):
        store = Store(conf)
        generation = begin(store, group, conf.resume) if group.rank == 0 else None
    generation = group.broadcast(generation)
    assert generation is not None
    return Checkpointer(conf, group, store, generation, log, data)


class Checkpointer:
    """Saves this rank's state, and restores what an earlier attempt saved.

    Attributes
    ----------
    step : int
        Steps so far: those of the restored checkpoint, and one more for each call of `every`.
    latest : Saved or None
        The newest checkpoint that this rank restored or saved.
    """

    def __init__(
        self,
        conf: Checkpoint,
        group: Group,
        store: Store,
        generation: Generation,
        log: Callable[[str], None],
        data: Resumable | None = None,
    ) -> None:
        self.step = 0
        self.latest: Saved | None = None
        self._conf = conf
        self._group = group
        self._store = store
        self._generation = generation
        self._log = log
        self._data = data

    def restore(self, default: Any = None) -> Any:
        """Return the state of the newest checkpoint that every rank can read.

        A collective: every rank has to call it. A file that is torn or corrupt anywhere is passed
        over by all ranks, and logged, for the one before. With ``gang.run(order="stable")`` the
        position in the data is put back, too (``ctx.data.resume``).

        Parameters
        ----------
        default : object
            Returned if there is no checkpoint.

        Returns
        -------
        object
            As it was saved; tensors are on the CPU, arrays are writable.

        Raises
        ------
        CheckpointError
            If the store fails, some ranks don't see a file that others see, or what is in it
            doesn't unpickle.
        UsageError
            If the state is per rank, the gang's size has changed and there is no ``reshard``.
        """
        for saved in self._generation.inherited:
            parts = self._parts_to_read(saved)
            files, problem = self._read(saved, parts)
            if self._all_can_read(saved, problem):
                state = self._state_of(saved, files)
                self.step, self.latest = saved.step, saved
                if self._data is not None:
                    self._data.restored(_position(files))
                return state
            self._generation = self._generation.without(saved)
        return default

    def every(self, n: int, state: Any) -> bool:
        """Count a step, and save after every ``n``-th.

        Parameters
        ----------
        n : int
        state : object or callable
            What to save. A callable is called without arguments, and only when it is time.

        Returns
        -------
        bool
            Whether the state was saved.
        """
        if not isinstance(n, int) or n < 1:
            raise UsageError(
                f"checkpoint.every({n!r}, ...) has to get a number of steps, 1 or more",
                hint="checkpoint.every(100, state) saves after each 100th call",
            )
        self.step += 1
        if self.step % n:
            return False
        self.save(state)
        return True

    def save(self, state: Any, step: int | None = None) -> Saved:
        """Write a checkpoint; whole, or not at all.

        Not a collective, but where state is per rank a checkpoint counts once every rank has saved
        that step. Where it is not, rank 0 writes and the others only count.

        Parameters
        ----------
        state : object or callable
            As for `every`.
        step : int, optional
            The step it belongs to; what `step` says, unless given.

        Raises
        ------
        CheckpointError
            If the state doesn't pickle, or the store fails.
        StaleAttempt
            If a newer attempt has begun; what was saved before is as it was.
        UsageError
            If ``step`` is no whole number from 0 on, by which files are found again.
        """
        if step is not None:
            self.step = _step(step)
        parts = self._group.world_size if self._conf.per_rank else 1
        saved = Saved(self.step, self._generation.number, parts, self._store.uri)
        if self._conf.per_rank or self._group.rank == 0:
            self._write(saved, state() if callable(state) else state)
        if self._group.rank == 0:
            self._prune()
        self.latest = saved
        return saved

    def _write(self, saved: Saved, state: Any) -> None:
        name = state_name(saved, self._group.rank if self._conf.per_rank else 0)
        header = {
            "step": saved.step,
            "rank": self._group.rank,
            "world_size": self._group.world_size,
            "per_rank": self._conf.per_rank,
            "run_id": self._group.run_id,
            "attempt": self._group.attempt,
            "data": None if self._data is None else self._data.state(),
        }

        def fill(sink: Sink) -> None:
            write_state(sink, header, state)

        self._group.check_current()
        with _naming(self._group, f"save step {saved.step} as {self._store.uri}/{name}"):
            self._store.write(name, fill, self._group.check_current)

    def _prune(self) -> None:
        try:
            names = self._store.names()
            self._store.delete(surplus(names, self._generation, self._conf.keep, self._conf.resume))
        except Exception as error:  # What was saved is saved.
            self._log(f"old checkpoints in {self._store.uri} can't be deleted: {error}")

    def _parts_to_read(self, saved: Saved) -> list[int]:
        """This rank's own part, or all where parts are to be dealt out anew."""
        if not self._conf.per_rank:
            return [0]
        if saved.parts == self._group.world_size:
            return [self._group.rank]
        return list(range(saved.parts))

    def _read(self, saved: Saved, parts: list[int]) -> tuple[list[File], str]:
        """The files' bytes; and what is wrong with them, if anything is."""
        files: list[File] = []
        for part in parts:
            name = state_name(saved, part)
            with _naming(self._group, f"read {self._store.uri}/{name}"):
                try:
                    files.append(read_file(self._store.read(name)))
                except FileNotFoundError:
                    return [], _MISSING
                except Corrupt as corrupt:
                    return [], f"{name}: {corrupt}"
            self._check_kind(saved, files[-1].header)
        return files, ""

    def _all_can_read(self, saved: Saved, problem: str) -> bool:
        with self._group.note("collective checkpoint.restore"):
            problems = self._group.all_gather(problem)
        missing = [rank for rank, each in enumerate(problems) if each == _MISSING]
        seen = [rank for rank, each in enumerate(problems) if each != _MISSING]
        if missing and seen:
            raise CheckpointError(
                f"rank {missing[0]} on {self._group.hosts[missing[0]]} finds no file of step "
                f"{saved.step} in {self._store.uri}, and rank {seen[0]} on "
                f"{self._group.hosts[seen[0]]} does",
                hint=_SHARED,
                rank=missing[0],
                host=self._group.hosts[missing[0]],
            )
        broken = next((each for each in problems if each), None)
        if broken is not None and self._group.rank == 0:
            self._log(
                f"the checkpoint of step {saved.step} in {self._store.uri} can't be used, and the "
                f"one before it is: {broken}"
            )
        return broken is None

    def _check_kind(self, saved: Saved, header: dict[str, Any]) -> None:
        if header["per_rank"] != self._conf.per_rank:
            was, now = ("per rank", "shared")[:: 1 if header["per_rank"] else -1]
            raise UsageError(
                f"the checkpoint of step {saved.step} in {self._store.uri} has state that is "
                f"{was}, and this gang's is {now}",
                hint=f"pass Checkpoint(per_rank={header['per_rank']}), or a different folder",
            )
        if header["per_rank"] and saved.parts != self._group.world_size:
            self._check_reshard(saved)

    def _check_reshard(self, saved: Saved) -> None:
        if self._conf.reshard is None:
            raise UsageError(
                f"the checkpoint of step {saved.step} in {self._store.uri} has state of "
                f"{saved.parts} ranks each, and this gang has {self._group.world_size}",
                hint="pass Checkpoint(reshard=function of (states, rank, world_size)), run with "
                f"num_tasks={saved.parts}, or save state that all ranks share",
            )

    def _state_of(self, saved: Saved, files: list[File]) -> Any:
        where = f"unpickle the state of step {saved.step} in {self._store.uri}"
        with _naming(self._group, where, hint="the classes and packages of its objects are needed"):
            states = [file.state() for file in files]
        if self._conf.reshard is None or saved.parts == self._group.world_size:
            [state] = states
            return state
        return self._conf.reshard(states, self._group.rank, self._group.world_size)


def _step(given: Any) -> int:
    try:
        step = index(given)
    except TypeError:
        step = -1
    if step < 0:
        raise UsageError(
            f"checkpoint.save(step={given!r}): steps are whole numbers from 0 on",
            hint="int(step), if it is a float",
        )
    return step


def _position(files: list[File]) -> dict[str, Any] | None:
    """The position in the data. Of several old ranks' the first: they make their steps together."""
    position: dict[str, Any] | None = files[0].header.get("data")
    return position


_MISSING = "missing"


@contextmanager
def _naming(group: Group, what: str, hint: str | None = None) -> Iterator[None]:
    """Say rank, host and place of whatever goes wrong inside."""
    try:
        yield
    except (GangError, UsageError):
        raise
    except Exception as error:
        why, cause = str(error) or type(error).__name__, error
        if isinstance(error, Unpicklable):
            why = f"the state can't be pickled: {error}"
            hint = "save values and arrays, such as state_dict(); not open files, locks or sessions"
            cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        raise CheckpointError(
            f"rank {group.rank} on {group.hosts[group.rank]} can't {what}: {why}",
            hint=hint or _hint_for(error),
            rank=group.rank,
            host=group.hosts[group.rank],
        ) from cause


def _hint_for(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"the folder is gone, or was never there on this host: {_SHARED}"
    return "see that executors may write there: credentials, permissions, space"
