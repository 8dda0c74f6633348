# A row's argument objects, used again for the next row.
#
# The row loop hands an argument to the user's function and gets its reference back when that
# returns. If it then holds the only reference, nobody can tell an object that is given a new value
# from a new one (CPython does the same with the tuples of zip() and the strings of +=). That saves
# an allocation a row. Where the layout of the object is not known, or threads share objects without
# a lock, a new object is made.
#
# Each function takes over the reference `spare` (may be NULL) and returns a new reference or NULL.

from cpython.object cimport PyObject

cdef extern from *:
    """
    #include <string.h>

    #if !defined(Py_GIL_DISABLED) && !defined(Py_LIMITED_API) && !defined(PYPY_VERSION)
    #define HYDROFOIL_RECYCLE 1
    #else
    #define HYDROFOIL_RECYCLE 0
    #endif

    static inline PyObject* hydrofoil_recycle_float(PyObject* spare, double value) {
    #if HYDROFOIL_RECYCLE
        if (spare != NULL && Py_REFCNT(spare) == 1 && PyFloat_CheckExact(spare)) {
            ((PyFloatObject*)spare)->ob_fval = value;
            return spare;
        }
    #endif
        Py_XDECREF(spare);
        return PyFloat_FromDouble(value);
    }

    /* Integers of one digit: the spare must have exactly one, so that its allocation is known to
       fit, and values that CPython keeps as singletons are left to it. */
    static inline PyObject* hydrofoil_recycle_long(PyObject* spare, long long value) {
    #if HYDROFOIL_RECYCLE
        if (spare != NULL && Py_REFCNT(spare) == 1 && PyLong_CheckExact(spare)
                && (unsigned long long)value - 1025 < (unsigned long long)PyLong_MASK - 1024) {
    #if PY_VERSION_HEX < 0x030C0000
            if (Py_SIZE(spare) == 1) {
                ((PyLongObject*)spare)->ob_digit[0] = (digit)value;
                return spare;
            }
    #elif PY_VERSION_HEX < 0x030F0000
            /* One digit, positive: a count of 1 above three bits of sign and flags, all zero. */
            if (((PyLongObject*)spare)->long_value.lv_tag == (uintptr_t)1 << 3) {
                ((PyLongObject*)spare)->long_value.ob_digit[0] = (digit)value;
                return spare;
            }
    #endif
        }
    #endif
        Py_XDECREF(spare);
        return PyLong_FromLongLong(value);
    }

    /* PyLong_AsLongLongAndOverflow, without a call for integers of one digit. */
    static inline long long hydrofoil_long_value(PyObject* value, int* overflow) {
    #if HYDROFOIL_RECYCLE && PY_VERSION_HEX < 0x030C0000
        if (Py_SIZE(value) == 1) {
            *overflow = 0;
            return ((PyLongObject*)value)->ob_digit[0];
        }
    #elif HYDROFOIL_RECYCLE
        if (PyUnstable_Long_IsCompact((PyLongObject*)value)) {
            *overflow = 0;
            return PyUnstable_Long_CompactValue((PyLongObject*)value);
        }
    #endif
        return PyLong_AsLongLongAndOverflow(value, overflow);
    }

    /* A string that nobody can have another view of: one whose hash is known or that is interned
       may be found by its value, and C code may have asked for a copy that the string keeps. */
    static inline int hydrofoil_only_string(PyObject* spare) {
    #if HYDROFOIL_RECYCLE && PY_VERSION_HEX < 0x030F0000
        return spare != NULL && Py_REFCNT(spare) == 1 && PyUnicode_CheckExact(spare)
            && PyUnicode_IS_COMPACT(spare) && ((PyASCIIObject*)spare)->hash == -1
            && ((PyASCIIObject*)spare)->state.interned == 0
            && (PyUnicode_IS_ASCII(spare) || ((PyCompactUnicodeObject*)spare)->utf8 == NULL)
    #if PY_VERSION_HEX < 0x030C0000
            && (((PyASCIIObject*)spare)->wstr == NULL
                || (void*)((PyASCIIObject*)spare)->wstr == PyUnicode_DATA(spare))
    #endif
            ;
    #else
        (void)spare;
        return 0;
    #endif
    }

    /* Strings of earlier rows, at most one of each kind and length; others are freed. Where lengths
       vary from row to row, the last row's string fits few. */
    #define HYDROFOIL_MOST_SPARE 64
    typedef struct {
        PyObject* of[4][HYDROFOIL_MOST_SPARE];
    } Spares;

    static inline int hydrofoil_kind(PyObject* string) {
        return PyUnicode_IS_ASCII(string) ? 0
            : PyUnicode_KIND(string) == PyUnicode_4BYTE_KIND ? 3 : (int)PyUnicode_KIND(string);
    }

    /* A string of this kind (0: ASCII; 3: of four bytes a character) and length, or NULL. */
    static inline PyObject* hydrofoil_exchange(
            Spares* spares, PyObject* spare, int kind, Py_ssize_t length) {
        if (hydrofoil_only_string(spare)) {
            int spare_kind = hydrofoil_kind(spare);
            Py_ssize_t spare_length = PyUnicode_GET_LENGTH(spare);
            if (spare_kind == kind && spare_length == length)
                return spare;
            if (spares != NULL && spare_length < HYDROFOIL_MOST_SPARE) {
                PyObject** place = &spares->of[spare_kind][spare_length];
                PyObject* before = *place;
                *place = spare;
                spare = before;
            }
        }
        Py_XDECREF(spare);
        if (spares == NULL || length >= HYDROFOIL_MOST_SPARE)
            return NULL;
        spare = spares->of[kind][length];
        spares->of[kind][length] = NULL;
        return spare;
    }

    static inline void hydrofoil_free_spares(Spares* spares) {
        PyObject** place = &spares->of[0][0];
        Py_ssize_t i;
        for (i = 0; i < 4 * HYDROFOIL_MOST_SPARE; i++)
            Py_CLEAR(place[i]);
    }

    /* Of the functions of strings: `spares` may be NULL. */
    static inline PyObject* hydrofoil_recycle_ascii(
            Spares* spares, PyObject* spare, const char* text, Py_ssize_t size) {
        PyObject* string;
        if (size <= 1) {
            Py_XDECREF(spare);
            return PyUnicode_DecodeASCII(text, size, NULL);
        }
        string = hydrofoil_exchange(spares, spare, 0, size);
        if (string == NULL)
            string = PyUnicode_New(size, 127);
        if (string != NULL)
            memcpy(PyUnicode_1BYTE_DATA(string), text, size);
        return string;
    }

    /* A string of more than ASCII, of 1, 2 or 4 bytes a character, to be filled by the caller with
       text of which at least one character needs as many. */
    static inline PyObject* hydrofoil_recycle_text(
            Spares* spares, PyObject* spare, Py_ssize_t length, int width) {
        PyObject* string;
        if (length <= 1) {
            /* CPython has one of each of some. */
            Py_XDECREF(spare);
            spare = NULL;
            spares = NULL;
        }
        string = hydrofoil_exchange(spares, spare, width == 4 ? 3 : width, length);
        if (string != NULL)
            return string;
        return PyUnicode_New(length, width == 1 ? 0xFF : width == 2 ? 0xFFFF : 0x10FFFF);
    }

    static inline PyObject* hydrofoil_take_over(PyObject* owned) { return owned; }
    """
    long long long_value "hydrofoil_long_value"(object value, int* overflow)
    PyObject* recycle_float "hydrofoil_recycle_float"(PyObject* spare, double value) except NULL
    PyObject* recycle_long "hydrofoil_recycle_long"(PyObject* spare, long long value) except NULL
    ctypedef struct Spares:
        pass
    void free_spares "hydrofoil_free_spares"(Spares* spares) noexcept
    PyObject* recycle_ascii "hydrofoil_recycle_ascii"(
        Spares* spares, PyObject* spare, const char* text, Py_ssize_t size
    ) except NULL
    PyObject* recycle_text "hydrofoil_recycle_text"(
        Spares* spares, PyObject* spare, Py_ssize_t length, int width
    ) except NULL
    # A new reference as Cython's own; NULL is an error that is set.
    object take_over "hydrofoil_take_over"(PyObject* owned)
