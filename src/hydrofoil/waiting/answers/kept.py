"""Answers by their keys, the ones used last, up to a number of bytes."""

from collections import OrderedDict
from collections.abc import Hashable


class Kept:
    """A bounded map.

    Parameters
    ----------
    most : int
        Bytes of all answers together.
    """

    # What an entry takes besides its bytes.
    _ENTRY = 200

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        self._answers: OrderedDict[Hashable, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: Hashable) -> bytes | None:
        """An answer, which then is the one used last."""
        found = self._answers.get(key)
        if found is not None:
            self._answers.move_to_end(key)
        return found

    def put(self, key: Hashable, answer: bytes) -> None:
        """Keep an answer; older ones go where there is no room."""
        before = self._answers.pop(key, None)
        if before is not None:
            self._bytes -= len(before) + self._ENTRY
        if len(answer) + self._ENTRY > self._most:
            return
        self._answers[key] = answer
        self._bytes += len(answer) + self._ENTRY
        while self._bytes > self._most:
            _, oldest = self._answers.popitem(last=False)
            self._bytes -= len(oldest) + self._ENTRY
