# The Arrow C data interface's two structs, and the bit and size helpers that every layer shares.
# No pyarrow or NumPy header is needed: the structs are a stable ABI that Arrow publishes.

from libc.stdint cimport int64_t, uint8_t


cdef extern from *:
    """
    #ifndef ARROW_C_DATA_INTERFACE
    #define ARROW_C_DATA_INTERFACE
    #include <stdint.h>
    struct ArrowSchema {
        const char* format; const char* name; const char* metadata; int64_t flags;
        int64_t n_children; struct ArrowSchema** children; struct ArrowSchema* dictionary;
        void (*release)(struct ArrowSchema*); void* private_data;
    };
    struct ArrowArray {
        int64_t length; int64_t null_count; int64_t offset; int64_t n_buffers; int64_t n_children;
        const void** buffers; struct ArrowArray** children; struct ArrowArray* dictionary;
        void (*release)(struct ArrowArray*); void* private_data;
    };
    #endif
    """
    cdef struct ArrowSchema:
        const char* format
        const char* name
        int64_t flags
        int64_t n_children
        ArrowSchema** children
        ArrowSchema* dictionary

    cdef struct ArrowArray:
        int64_t length
        int64_t null_count
        int64_t offset
        int64_t n_buffers
        int64_t n_children
        const void** buffers
        ArrowArray** children
        ArrowArray* dictionary
        void (*release)(ArrowArray*) noexcept nogil
        void* private_data


cdef inline bint bit_is_set(const uint8_t* bits, Py_ssize_t i) noexcept nogil:
    return (bits[i >> 3] >> (i & 7)) & 1


cdef inline void clear_bit(uint8_t* bits, Py_ssize_t i) noexcept nogil:
    bits[i >> 3] &= <uint8_t>(~(1 << (i & 7)))


cdef inline void set_bit(uint8_t* bits, Py_ssize_t i) noexcept nogil:
    bits[i >> 3] |= <uint8_t>(1 << (i & 7))


cdef inline Py_ssize_t bytes_for_bits(Py_ssize_t n) noexcept nogil:
    return (n + 7) >> 3


cdef inline Py_ssize_t padded(Py_ssize_t n) noexcept nogil:
    # Arrow IPC pads every buffer to eight bytes.
    return (n + 7) & ~7
