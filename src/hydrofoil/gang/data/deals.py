"""What goes from rank to rank before an epoch, and is kept until the next that differs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hydrofoil.gang.data.canonical import Cut, Dealt, deal
from hydrofoil.gang.data.exchange import Readable, exchange
from hydrofoil.gang.data.identity import Identity
from hydrofoil.gang.data.peers import Peers
from hydrofoil.gang.data.permutation import Permutation
from hydrofoil.gang.data.spool import Spooled, Storage


class Deals:
    """A rank's rows of an epoch, where those aren't its own. All ranks ask for the same.

    Parameters
    ----------
    storage : Storage
    peers : Peers
    """

    def __init__(self, storage: Storage, peers: Peers) -> None:
        self._storage = storage
        self._peers = peers
        self._number = 0  # So that no deal is taken for another.
        self._asked = 0  # The same for questions.
        self._kept: tuple[Any, Dealt] | None = None

    def shuffled(self, own: Readable, counts: Sequence[int], seed: int, epoch: int) -> Readable:
        """Rows dealt by ``shuffle="global"``."""
        key = ("shuffle", seed, epoch)
        found = self._found(key)
        if found is None:
            own.wait(None)
            spooled = exchange(own, self._storage, self._peers, counts, seed, epoch, self._number)
            found = self._keep(key, Dealt(spooled, None, True, 0))
        return found.spooled

    def by_place(
        self,
        spooled: Spooled,
        identity: Identity,
        cut: Cut,
        seed: int | None,
        epoch: int,
        first: int,
    ) -> Dealt:
        """Rows of global batches, from one on; in their own order without a seed."""
        key = ("place", cut, seed, None if seed is None else epoch)
        found = self._found(key)
        if found is not None and not found.first:
            return found
        first = self._first_of_all(first)
        if found is not None and found.first <= first:
            return found
        self.close()
        order = Permutation(cut.rows, seed, epoch)
        dealt = deal(spooled, self._storage, identity, self._peers, cut, order, first, self._number)
        return self._keep(key, dealt)

    def _first_of_all(self, first: int) -> int:
        """The first batch that any rank wants: who goes on later has to send that one's rows."""
        self._asked += 1
        nothing = np.empty(0, np.int64)
        firsts, _ = self._peers.tally(first, nothing, f"first batch {self._asked}")
        return min(firsts)

    def _found(self, key: Any) -> Dealt | None:
        """What was dealt last, if it is this; else it ends."""
        if self._kept is not None and self._kept[0] == key:
            return self._kept[1]
        self.close()
        return None

    def _keep(self, key: Any, dealt: Dealt) -> Dealt:
        self._number += 1
        self._kept = key, dealt
        return dealt

    def close(self) -> None:
        """Let the rows go."""
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None
