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

    /* ASCII text of the spare's own length. */
    static inline PyObject* hydrofoil_recycle_ascii(
            PyObject* spare, const char* text, Py_ssize_t size) {
        PyObject* string;
        if (size > 1 && hydrofoil_only_string(spare) && PyUnicode_IS_ASCII(spare)
                && PyUnicode_GET_LENGTH(spare) == size) {
            memcpy(PyUnicode_1BYTE_DATA(spare), text, size);
            return spare;
        }
        Py_XDECREF(spare);
        if (size <= 1)
            return PyUnicode_DecodeASCII(text, size, NULL);
        string = PyUnicode_New(size, 127);
        if (string != NULL)
            memcpy(PyUnicode_1BYTE_DATA(string), text, size);
        return string;
    }

    /* A string of more than ASCII, of 1, 2 or 4 bytes a character, to be filled by the caller with
       text of which at least one character needs as many. */
    static inline PyObject* hydrofoil_recycle_text(
            PyObject* spare, Py_ssize_t length, int width) {
        if (length > 1 && hydrofoil_only_string(spare) && !PyUnicode_IS_ASCII(spare)
                && (int)PyUnicode_KIND(spare) == width && PyUnicode_GET_LENGTH(spare) == length)
            return spare;
        Py_XDECREF(spare);
        return PyUnicode_New(length, width == 1 ? 0xFF : width == 2 ? 0xFFFF : 0x10FFFF);
    }

    static inline PyObject* hydrofoil_take_over(PyObject* owned) { return owned; }
    """
    long long long_value "hydrofoil_long_value"(object value, int* overflow)
    PyObject* recycle_float "hydrofoil_recycle_float"(PyObject* spare, double value) except NULL
    PyObject* recycle_long "hydrofoil_recycle_long"(PyObject* spare, long long value) except NULL
    PyObject* recycle_ascii "hydrofoil_recycle_ascii"(
        PyObject* spare, const char* text, Py_ssize_t size
    ) except NULL
    PyObject* recycle_text "hydrofoil_recycle_text"(
        PyObject* spare, Py_ssize_t length, int width
    ) except NULL
    # A new reference as Cython's own; NULL is an error that is set.
    object take_over "hydrofoil_take_over"(PyObject* owned)
