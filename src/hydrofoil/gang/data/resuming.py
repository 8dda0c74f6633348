"""Whether a position that an earlier run has left is one in this run's data."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError
from hydrofoil.gang.data.feed import Feed
from hydrofoil.gang.data.identity import Identity
from hydrofoil.gang.data.position import VERSION, Passes, Place, Signature

_HINTS = {
    "ranks": "global_batch_size= in place of batch_size= makes batches that are the same for any "
    "number of ranks; ctx.data.resume(None) lets the position go",
    "data": "ctx.data.resume(None), after ctx.checkpoint.restore(), lets the position go: passes "
    "begin at their first batch",
}


class Resuming:
    """A rank's passes, and what its data are known by.

    Parameters
    ----------
    feed : Feed
    identity : Identity or None
        None: rows have none.
    world_size : int
    say : callable
        Told what the user should know.
    """

    def __init__(
        self,
        feed: Feed,
        identity: Identity | None,
        world_size: int,
        say: Callable[[str], None],
    ) -> None:
        self._feed = feed
        self._identity = identity
        self._world_size = world_size
        self._say = say
        self._passes = Passes()
        self._resumed: dict[str, Any] = {}

    def state(self) -> dict[str, Any]:
        """See ``Data.state``."""
        return {
            "version": VERSION,
            **self._facts(),
            "numpy": np.__version__,
            **self._passes.state(),
        }

    def resume(self, state: dict[str, Any] | None) -> None:
        """See ``Data.resume``."""
        hint = "ctx.data.resume takes what ctx.data.state() returned"
        if state is not None and not isinstance(state, dict):
            raise UsageError(f"a position is a dict, and this is {state!r:.100}", hint=hint)
        if state is not None and state.get("version") != VERSION:
            raise UsageError(
                f"a position of version {state.get('version')!r}, and this Hydrofoil reads "
                f"{VERSION}",
                hint=hint,
            )
        try:
            self._passes.resume(state)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"a position lacks {error}: {state!r:.200}", hint=hint) from error
        self._resumed = state or {}

    def begin(self, signature: Signature, epoch: int | None) -> Place:
        """A pass begins; or one of an earlier run is gone on with."""
        return self._passes.begin(signature, epoch, self._say, self._check)

    def _facts(self) -> dict[str, Any]:
        """What the data are known by; None where that isn't known, or not yet."""
        identity, feed = self._identity, self._feed
        known = identity is not None and (not identity.tallies or feed.ended)
        return {
            "rows": feed.known_counts,
            "content": identity.content if known and identity is not None else None,
            "layout": identity.layout if known and identity is not None else None,
            "world_size": self._world_size,
        }

    def _check(self, place: Place) -> None:
        there = self._resumed
        everywhere = place.signature["global_batch_size"] is not None
        if self._identity is None:
            self._say(
                "rows are in the order of their arrival, which differs from run to run: the pass "
                'that goes on may see rows twice, and others never. gang.run(order="stable")'
            )
        self._feed.tallied()
        here = self._facts()
        differ = [
            f"{name}: {there[name]} there, {here[name]} here"
            for name in ("rows", "content", "layout", "world_size")
            if there[name] is not None and here[name] is not None
            if _of_all(there, name, everywhere) != _of_all(here, name, everywhere)
        ]
        if differ:
            raise UsageError(
                f"a pass can't go on at batch {place.batches} of epoch {place.epoch}, where the "
                f"checkpoint is, in different data: {'; '.join(differ)}",
                hint=_HINTS["ranks" if differ[-1].startswith("world_size") else "data"],
            )
        drawn = place.signature["shuffle"] and not everywhere
        if drawn and _minor(there["numpy"]) != _minor(np.__version__):
            self._say(
                f"NumPy {there['numpy']} drew the order of rows, and NumPy {np.__version__} may "
                "draw a different one"
            )


def _of_all(facts: dict[str, Any], name: str, everywhere: bool) -> Any:
    """A fact; as far as it is one of all ranks together, if ``everywhere``."""
    if not everywhere:
        return facts[name]
    if name == "rows":
        return sum(facts["rows"])
    return None if name in ("layout", "world_size") else facts[name]


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]
