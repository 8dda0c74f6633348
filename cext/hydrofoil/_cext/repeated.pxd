# Strings of a batch that are remembered, so that one that is repeated is not made again.
#
# A column of countries, states or kinds has few values, over and over. A string that is remembered
# has a second owner, and can't be used again for the next row (recycle.pxd); so where few strings
# are repeated, none are remembered: some rows are a trial of the many that follow.

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy


cdef enum:
    PLACES = 512
    # Longer text, in bytes, seldom is repeated.
    LONGEST = 64
    # In shorter batches it does not pay to forget them all at the end.
    SHORTEST_BATCH = 128
    # A trial is of so many rows, after as many that only fill the memory. While enough of them are
    # repeated, the next one follows.
    TRIAL = 512
    ENOUGH = 256
    # Rows from the end of a trial to the next, where they are not.
    PAUSE = 1 << 16


cdef struct Place:
    const char* text  # of the batch
    Py_ssize_t size   # -1: nothing is remembered here
    PyObject* value


cdef struct Repeated:
    Place* places
    Py_ssize_t pause  # rows that are left of it; negative: strings are remembered
    Py_ssize_t rows   # that are left of the trial
    Py_ssize_t found  # of its rows
    bint holds        # any string


cdef inline bint ends_of(
    const char* data, Py_ssize_t size, uint64_t* head, uint64_t* tail
) noexcept nogil:
    # Both ends, which may lie over each other; whether that is all.
    cdef uint32_t first = 0, last = 0
    if size >= 8:
        memcpy(head, data, 8)
        memcpy(tail, data + size - 8, 8)
        return size <= 16
    if size >= 4:
        memcpy(&first, data, 4)
        memcpy(&last, data + size - 4, 4)
        head[0], tail[0] = first, last
    elif size > 0:
        head[0] = <uint8_t>data[0] | <uint64_t><uint8_t>data[size >> 1] << 8
        tail[0] = <uint8_t>data[size - 1]
    else:
        head[0] = tail[0] = 0
    return True


cdef inline bint same_bytes(const char* one, const char* other, Py_ssize_t size) noexcept nogil:
    cdef uint64_t head, tail, other_head, other_tail
    cdef bint whole = ends_of(one, size, &head, &tail)
    ends_of(other, size, &other_head, &other_tail)
    return head == other_head and tail == other_tail and (whole or not memcmp(one, other, size))


cdef inline uint32_t digest_of(const char* data, Py_ssize_t size) noexcept nogil:
    # Both ends and the length: what tells most values of a column apart.
    cdef uint64_t head, tail
    ends_of(data, size, &head, &tail)
    head = (head * <uint64_t>0x9E3779B97F4A7C15) ^ ((tail >> 32) | (tail << 32)) ^ <uint64_t>size
    head = (head ^ (head >> 32)) * <uint64_t>0x9E3779B97F4A7C15
    return <uint32_t>(head >> 32)


cdef inline void forget_all(Repeated* strings) noexcept:
    # To be done before the batch's memory goes.
    cdef Py_ssize_t k
    cdef PyObject* value
    if strings.holds:
        strings.holds = False
        for k in range(PLACES):
            value, strings.places[k].value = strings.places[k].value, NULL
            strings.places[k].size = -1
            Py_XDECREF(value)


cdef inline void free_repeated(Repeated* strings) noexcept:
    forget_all(strings)
    PyMem_Free(strings.places)
    strings.places = NULL


cdef inline bint begin_trial(Repeated* strings) noexcept:
    # The first one, or the next right away; False: a pause.
    cdef Py_ssize_t k
    if strings.places == NULL:
        strings.places = <Place*>PyMem_Malloc(PLACES * sizeof(Place))
        if strings.places != NULL:
            for k in range(PLACES):
                strings.places[k].value, strings.places[k].size = NULL, -1
            strings.rows = 2 * TRIAL
    elif strings.found >= ENOUGH:
        strings.rows = TRIAL
    else:
        free_repeated(strings)
    strings.found = 0
    if strings.places == NULL:
        strings.pause = PAUSE
        return False
    return True


cdef inline void begin_batch(Repeated* strings, Py_ssize_t length) noexcept:
    forget_all(strings)
    if length < SHORTEST_BATCH and strings.pause < length:
        strings.pause = length


cdef inline bint may_repeat(Repeated* strings, Py_ssize_t size) noexcept:
    # Whether to look for a row's string, if `in_trial`.
    strings.pause -= 1
    return strings.pause < 0 and size <= LONGEST


cdef inline bint in_trial(Repeated* strings) noexcept:
    if strings.rows == 0 and not begin_trial(strings):
        return False
    strings.rows -= 1
    return True


cdef inline Place* place_of(Repeated* strings, const char* text, Py_ssize_t size) noexcept:
    # Where such a string would be remembered.
    return strings.places + (digest_of(text, size) & (PLACES - 1))


cdef inline PyObject* remembered(
    Repeated* strings, Place* place, const char* text, Py_ssize_t size
) noexcept:
    # The string, as a new reference, or NULL.
    if place.size != size or not same_bytes(place.text, text, size):
        return NULL
    strings.found += strings.rows < TRIAL
    Py_INCREF(<object>place.value)
    return place.value


cdef inline void remember(
    Repeated* strings, Place* place, const char* text, Py_ssize_t size, PyObject* value
) noexcept:
    cdef PyObject* before = place.value
    strings.holds = True
    Py_INCREF(<object>value)
    place.text, place.size, place.value = text, size, value
    Py_XDECREF(before)
