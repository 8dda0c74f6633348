"""Private maps of files: NumPy arrays over a file's pages that may be written to.

A map owns its pages and ends with the last array over it. What is written to one goes to copies of
the pages that only this map sees; neither the file nor other maps change.
"""

import ctypes
import mmap
import os
from typing import Any

import numpy as np

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_FAILED = ctypes.c_void_p(-1).value


class _Map:
    """A part of a file. Python's own mmap would keep a descriptor open for each."""

    __slots__ = ("__array_interface__", "__weakref__", "_address", "_length")

    def __init__(self, descriptor: int, offset: int, length: int) -> None:
        into = offset % mmap.ALLOCATIONGRANULARITY
        self._length = length + into
        address = _libc.mmap(
            None,
            self._length,
            mmap.PROT_READ | mmap.PROT_WRITE,
            mmap.MAP_PRIVATE,
            descriptor,
            offset - into,
        )
        if address == _FAILED:
            self._address = None
            code = ctypes.get_errno()
            raise OSError(code, f"mapping {length} bytes of the spool: {os.strerror(code)}")
        self._address = address
        self.__array_interface__ = {
            "data": (address + into, False),
            "shape": (length,),
            "typestr": "|u1",
            "version": 3,
        }

    def __del__(self, munmap: Any = _libc.munmap) -> None:
        if self._address is not None:
            munmap(self._address, self._length)


def private_map(descriptor: int, dtype: np.dtype[Any], first: int, count: int) -> Any:
    """Elements ``first`` to ``first + count`` of a file of one dtype, writable and private.

    Parameters
    ----------
    descriptor : int
        Of a file open for reading; it may be closed afterwards.
    dtype : numpy.dtype
    first, count : int
        In elements. The file has to have them all by now.

    Returns
    -------
    numpy.ndarray
        One-dimensional. Begins on a page of its own where ``first`` is 0.

    Raises
    ------
    OSError
        If the system has no room for the map.
    """
    if count == 0:
        return np.empty(0, dtype)
    mapped = _Map(descriptor, first * dtype.itemsize, count * dtype.itemsize)
    return np.asarray(mapped).view(dtype)
