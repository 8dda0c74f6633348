"""Where the consumer is: the batches that it has received of the passes that it is in.

A pass without ``epoch=`` is remembered from its first batch until it is exhausted or given up. A
program that was started again comes to the same pass, with the same arguments, which goes on after
the batch that was received last. A pass with ``epoch=`` belongs to a program that counts by itself.
"""

from collections.abc import Callable
from typing import Any

VERSION = 1

# What makes a pass the same: the names of its arguments.
Signature = dict[str, Any]


class Place:
    """A pass that has begun.

    Attributes
    ----------
    epoch : int
        Its number.
    batches : int
        Those of this epoch that were handed out.
    """

    def __init__(self, passes: "Passes", signature: Signature, first: int | None) -> None:
        self.signature = signature
        self.epoch = -1
        self.batches = 0
        self._passes = passes
        self._first = first
        self._left = int(signature["epochs"])
        self._resumed = False

    @classmethod
    def of(cls, passes: "Passes", said: dict[str, Any]) -> "Place":
        """Read what `record` wrote."""
        found = cls(passes, said["pass"], None)
        found.epoch, found._left, found.batches = said["epoch"], said["left"], said["batches"]
        found._resumed = True
        return found

    def record(self) -> dict[str, Any]:
        """Write it, for JSON."""
        return {
            "pass": self.signature,
            "epoch": self.epoch,
            "left": self._left,
            "batches": self.batches,
        }

    def next(self) -> bool:
        """Go to the next epoch, or to the one that is to be gone on with; False if none is left."""
        if self._resumed:
            self._resumed = False
            return True
        if not self._left:
            return False
        if self.epoch < 0:
            self.epoch = self._passes.next_epoch if self._first is None else self._first
        else:
            self.epoch += 1
        self._left -= 1
        self.batches = 0
        # Without shuffle nothing depends on the number. So an evaluation takes none: a run that
        # goes on may make more or fewer of them.
        if self.signature["shuffle"] or self._first is not None:
            self._passes.next_epoch = self.epoch + 1
        return True

    def end(self) -> None:
        """The consumer has all batches, or wants no more."""
        self._passes.ended(self)


class Passes:
    """The passes of a rank's data.

    Attributes
    ----------
    next_epoch : int
        The number of the epoch that begins next. Epochs without shuffle take none.
    """

    def __init__(self) -> None:
        self.next_epoch = 0
        self._open: list[Place] = []
        # Of an earlier run, and which epoch came next there.
        self._waiting: list[Place] = []
        self._came_next = 0

    def begin(
        self,
        signature: Signature,
        first: int | None,
        log: Callable[[str], None],
        check: Callable[[Place], None],
    ) -> Place:
        """Begin a pass, or go on with it.

        Parameters
        ----------
        signature : dict
        first : int or None
            The number of its first epoch, where the program says so.
        log : callable
            Told of a pass that looks like one to go on with, and isn't.
        check : callable
            Raises if the pass can't go on here.
        """
        if first is not None:
            return Place(self, signature, first)
        for place in self._waiting:
            if place.signature == signature:
                check(place)
                self._waiting.remove(place)
                # Numbers of what the program has gone through again until here are given anew.
                self.next_epoch = self._came_next
                self._open.append(place)
                return place
        for place in self._waiting:
            if place.signature["columns"] == signature["columns"]:
                log(_differences(place, signature))
        place = Place(self, signature, None)
        self._open.append(place)
        return place

    def ended(self, place: Place) -> None:
        if place in self._open:
            self._open.remove(place)

    def state(self) -> dict[str, Any]:
        """What `resume` takes, for JSON. Passes that nobody has come to yet stay in it."""
        return {
            "next_epoch": max(self.next_epoch, self._came_next),
            "passes": [place.record() for place in [*self._waiting, *self._open]],
        }

    def resume(self, state: dict[str, Any] | None) -> None:
        """Take up an earlier run's position; None: forget it."""
        if state is None:
            self._waiting, self._came_next = [], 0
            return
        self._waiting = [Place.of(self, said) for said in state["passes"]]
        self.next_epoch = self._came_next = int(state["next_epoch"])


def _differences(place: Place, signature: Signature) -> str:
    differ = [
        f"{name}={place.signature[name]!r} there and {value!r} here"
        for name, value in signature.items()
        if place.signature.get(name) != value
    ]
    return (
        f"a pass over {signature['columns']} begins at its first batch, and the checkpoint is at "
        f"batch {place.batches} of epoch {place.epoch} of a pass with different arguments: "
        f"{', '.join(differ)}"
    )
