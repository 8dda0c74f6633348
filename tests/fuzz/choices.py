"""Choices made of an input's bytes: what is chosen stays similar where bytes change a little."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Takes bytes from the front; zeros once there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return max(0, len(self._data) - self._at)

    def take(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        self._at += size
        return self._data[self._at - size : self._at]

    def byte(self) -> int:
        taken = self.take(1)
        return taken[0] if taken else 0

    def number(self, size: int) -> int:
        """An integer of so many bytes, with a sign."""
        return int.from_bytes(self.take(size).ljust(size, b"\0"), "little", signed=True)

    def of(self, options: Sequence[T]) -> T:
        return options[self.byte() % len(options)]

    def rest(self) -> bytes:
        return self.take(self.left)
