"""Spark's batches into the spool, by a thread of its own: the user reads what is there already.

The thread doesn't wait for the user, so that every rank's feed ends by itself, and with it the
ranks can agree on their numbers of rows while some of them stand in a collective.
"""

import threading
from collections.abc import Iterator, Sequence

import pyarrow as pa

from hydrofoil.errors import UsageError
from hydrofoil.gang.data.identity import Identity
from hydrofoil.gang.data.peers import Peers
from hydrofoil.gang.data.spool import Spooled


class Feed:
    """The thread that fills a spool and then exchanges the numbers of rows.

    Parameters
    ----------
    batches : iterator of pyarrow.RecordBatch
        Read by this thread alone until `stop` returns.
    spooled : Spooled
    peers : Peers
    rank : int
    expected : sequence of int, optional
        Every rank's rows, where they were known before.
    identity : Identity, optional
        Of the rows.
    """

    def __init__(
        self,
        batches: Iterator[pa.RecordBatch],
        spooled: Spooled,
        peers: Peers,
        rank: int,
        expected: Sequence[int] | None,
        identity: Identity | None = None,
    ) -> None:
        self.spooled = spooled
        self._batches = batches
        self._peers = peers
        self._rank = rank
        self._counts = None if expected is None else list(expected)
        self._error: BaseException | None = None
        self._counted = threading.Event()
        self._identity = identity
        self._ended = threading.Event()
        self._stop = False
        if expected is not None:
            self._counted.set()
        self._thread = threading.Thread(target=self._run, name="hydrofoil-feed", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for batch in self._batches:
                if self._stop:
                    break
                self.spooled.append(batch)
            self._check()
        except BaseException as error:
            self._error = error
            self.spooled.finish(error)
            self._counted.set()
            self._ended.set()
            return
        self.spooled.finish()
        if not self._stop:
            self._tally()
        self._ended.set()

    def _tally(self) -> None:
        identity = self._identity
        if self._counts is not None and (identity is None or not identity.tallies):
            return
        try:
            if identity is None:
                self._counts = self._peers.counts(self.spooled.rows)
            else:
                self._counts = identity.tally(self._peers, self.spooled)
        except BaseException as error:
            self._error = error
        self._ended.set()  # Who knows the counts may rely on the rest.
        self._counted.set()

    def _check(self) -> None:
        if self._counts is None or self._stop:
            return
        expected, rows = self._counts[self._rank], self.spooled.rows
        if rows != expected:
            raise UsageError(
                f"rank {self._rank} received {rows} rows, and {expected} were counted before",
                hint="the DataFrame gives other rows each time it is computed (rand(), a source "
                "that changes); write it out first, or use balance='rows'",
            )

    @property
    def known_counts(self) -> list[int] | None:
        """Every rank's rows if they are known by now."""
        return self._counts if self._error is None else None

    def counts(self) -> list[int]:
        """Every rank's rows; waits until all feeds have ended.

        Raises
        ------
        BaseException
            What ended this rank's feed before, or the connection to the others.
        """
        self._counted.wait()
        if self._counts is None:
            assert self._error is not None
            raise self._error
        return self._counts

    def tallied(self) -> list[int]:
        """As `counts`; waits until also all rows' numbers are known."""
        self._ended.wait()
        if self._error is not None:
            raise self._error
        return self.counts()

    @property
    def ended(self) -> bool:
        """Whether `tallied` waits no more, and raises nothing."""
        return self._ended.is_set() and self._error is None

    def stop(self) -> None:
        """End the thread; what it hasn't read is left for whoever owns the batches."""
        self._stop = True
        self._peers.close()
        self._thread.join()
