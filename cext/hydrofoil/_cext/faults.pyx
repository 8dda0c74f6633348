"""Which library a fault of this process is in: noted before Python's fault handler ends it."""

from cpython.buffer cimport PyBUF_WRITABLE, Py_buffer, PyBuffer_Release, PyObject_GetBuffer
from libc.string cimport memcpy

cdef extern from "fault.h":
    int NAME "HYDROFOIL_NAME"
    char* names "hydrofoil_names"
    void watch_in_c "hydrofoil_watch_faults"()

cdef Py_buffer _noted_in

# Bytes that `note_faults_in` needs: the names of two libraries.
SIZE = 2 * NAME


def note_faults_in(memory not None):
    """Have faults of this process note their library, and the one that called it, in ``memory``.

    The second is what stands on the stack, where the first is one that everybody uses. Names end
    with a zero, and are empty where nothing is known.
    """
    global names
    cdef Py_buffer taken
    PyObject_GetBuffer(memory, &taken, PyBUF_WRITABLE)
    if taken.len != SIZE:
        PyBuffer_Release(&taken)
        raise ValueError(f"{SIZE} bytes are needed, not {len(memory)}")
    names = <char*>taken.buf
    PyBuffer_Release(&_noted_in)
    memcpy(&_noted_in, &taken, sizeof(taken))


def watch_faults():
    """Be the first that handles them, also where another handler has been set since."""
    watch_in_c()
