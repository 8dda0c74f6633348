# cython: cdivision=True
"""Decimals of 128 bits, any precision and scale that Spark has.

A decimal in a column is an integer times 10 to the power of minus the scale; in Python it has
exactly that exponent, trailing zeros included. Encoding takes exactly `decimal.Decimal`: NaN
becomes null, and one with more digits behind the point than the column's is quantized with stock's
context (half even, at most `precision` digits); what that refuses is left to stock, which raises.
With `exact`, only decimals are taken that need no rounding.

Where the JVM pickles a decimal, it writes small ones in engineering notation, whose exponents are
multiples of three: 1E-7 becomes 100E-9, which is equal but has more digits. `engineering` does so.
"""

from cpython.object cimport PyObject_Str
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from decimal import Context, Decimal, InvalidOperation

from hydrofoil._cext.abi cimport bit_is_set
from hydrofoil._cext.columns cimport Buffer, ColumnView, buffer_emit, buffer_ensure, buffer_free
from hydrofoil._cext.frames cimport FrameWriter
from hydrofoil._cext.objects.base cimport LEFT, TAKEN, Decoder, Encoder

cdef extern from *:
    """
    typedef __int128 hydrofoil_int128;
    typedef unsigned __int128 hydrofoil_uint128;
    """
    ctypedef long long int128 "hydrofoil_int128"
    ctypedef unsigned long long uint128 "hydrofoil_uint128"

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size)

cdef enum:
    MAX_DIGITS = 38
    EXPONENT_DIGITS = 4
    # Sign, digits, "E-" and the scale's two digits.
    TEXT_SIZE = 48

cdef object _Decimal = Decimal
cdef object _InvalidOperation = InvalidOperation


cdef class DecimalDecoder(Decoder):
    cdef const uint8_t* data
    cdef int scale
    cdef bint engineering

    def __cinit__(self, int scale, *, engineering=False):
        if not 0 <= scale <= MAX_DIGITS:
            raise ValueError(f"a decimal's scale is 0 to {MAX_DIGITS}, not {scale}")
        # With fewer digits behind the point no notation with an exponent is used.
        self.scale, self.engineering = scale, engineering and scale > 6

    cdef int attach(self, ColumnView view) except -1:
        self.data = view.data
        return 0

    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return decimal_at(self.data + 16 * i, self.scale, self.engineering)


cdef object decimal_at(const uint8_t* data, int scale, bint engineering):
    cdef char text[TEXT_SIZE]
    cdef char* at = text + TEXT_SIZE
    cdef int128 signed
    cdef uint128 rest
    cdef uint64_t part
    cdef bint negative
    memcpy(&signed, data, 16)
    negative = signed < 0
    rest = <uint128>0 - <uint128>signed if negative else <uint128>signed
    if engineering and 0 < rest < (10 if scale == 7 else 100):
        # One or two digits, which have up to three places before the point.
        if rest < 10 and scale % 3 == 1:
            rest, scale = rest * 100, scale + 2
        elif scale % 3 == 2:
            rest, scale = rest * 10, scale + 1
    if scale:
        at = prepend_digits(at, scale)
        at -= 2
        at[0], at[1] = c"E", c"-"
    while rest > <uint128>0xFFFFFFFFFFFFFFFFu:
        # Nineteen digits at a time fit 64 bits, and 64-bit division is fast.
        part = <uint64_t>(rest % <uint128>10000000000000000000u)
        rest = rest // <uint128>10000000000000000000u
        at = prepend_padded(at, part, 19)
    at = prepend_digits(at, <uint64_t>rest)
    if negative:
        at -= 1
        at[0] = c"-"
    return _Decimal(PyUnicode_DecodeASCII(at, text + TEXT_SIZE - at, NULL))


cdef inline char* prepend_digits(char* at, uint64_t number) noexcept nogil:
    while True:
        at -= 1
        at[0] = <char>(c"0" + number % 10)
        number //= 10
        if number == 0:
            return at


cdef inline char* prepend_padded(char* at, uint64_t number, int digits) noexcept nogil:
    cdef int _
    for _ in range(digits):
        at -= 1
        at[0] = <char>(c"0" + number % 10)
        number //= 10
    return at


cdef enum Parsed:
    PARSED_EXACT
    PARSED_OTHER_EXPONENT
    PARSED_NAN
    PARSED_REFUSED


cdef class DecimalEncoder(Encoder):
    cdef Buffer values
    cdef int precision, scale
    cdef bint exact
    cdef object _quantum
    cdef object _context

    def __cinit__(self, int precision, int scale, *, exact=False, nullable=True):
        if not 0 <= scale <= precision <= MAX_DIGITS:
            raise ValueError(f"decimal({precision},{scale}) is out of range")
        self.nullable = nullable
        self.restores = True
        self.precision, self.scale, self.exact = precision, scale, exact
        self._quantum = Decimal(f"1E-{scale}")
        self._context = Context(prec=precision, rounding="ROUND_HALF_EVEN")

    def __dealloc__(self):
        buffer_free(&self.values)

    cdef Parsed parse(self, object text, uint128* magnitude, bint* negative) except *:
        # The text of Decimal.__str__: [-]digits[.digits][E(+|-)digits], or a special value.
        cdef Py_ssize_t size, i = 0
        cdef const char* chars = PyUnicode_AsUTF8AndSize(text, &size)
        cdef int significant = 0, fraction = 0, exponent = 0, missing, _
        cdef bint point = False, negative_exponent = False
        if chars == NULL:
            raise ValueError(text)
        negative[0] = chars[0] == c"-"
        if negative[0]:
            i = 1
        magnitude[0] = 0
        if not c"0" <= chars[i] <= c"9":
            return PARSED_NAN if chars[i] == c"N" or chars[i] == c"s" else PARSED_REFUSED
        while i < size:
            if c"0" <= chars[i] <= c"9":
                if significant or chars[i] != c"0":
                    significant += 1
                    if significant > MAX_DIGITS:
                        return PARSED_OTHER_EXPONENT
                magnitude[0] = magnitude[0] * <uint128>10 + <uint128>(chars[i] - c"0")
                fraction += point
            elif chars[i] == c".":
                point = True
            else:
                break
            i += 1
        if i < size:
            # An exponent of more digits is none of a column's, and need not fit a C integer: Python
            # has exponents of 18 digits.
            if chars[i] != c"E" or size - i > 2 + EXPONENT_DIGITS:
                return PARSED_OTHER_EXPONENT
            negative_exponent = chars[i + 1] == c"-"
            i += 2
            while i < size:
                exponent = exponent * 10 + (chars[i] - c"0")
                i += 1
            if negative_exponent:
                exponent = -exponent
        missing = exponent - fraction + self.scale
        if missing < 0:
            return PARSED_OTHER_EXPONENT
        # Fewer digits behind the point than the column has: zeros follow, and nothing is rounded.
        if significant and significant + missing > self.precision:
            return PARSED_REFUSED
        if significant:
            for _ in range(missing):
                magnitude[0] = magnitude[0] * <uint128>10
        return PARSED_EXACT

    cdef int write(self, object value) except -1:
        cdef uint128 magnitude
        cdef bint negative
        cdef Parsed parsed
        if value is None:
            return self.write_null()
        if type(value) is not _Decimal:
            return LEFT
        parsed = self.parse(PyObject_Str(value), &magnitude, &negative)
        if self.exact and parsed != PARSED_EXACT:
            return LEFT
        if parsed == PARSED_NAN:
            return self.write_null()
        if parsed == PARSED_OTHER_EXPONENT:
            try:
                value = value.quantize(self._quantum, None, self._context)
            except _InvalidOperation:
                return LEFT
            parsed = self.parse(PyObject_Str(value), &magnitude, &negative)
        if parsed != PARSED_EXACT:
            return LEFT
        if negative:
            magnitude = <uint128>0 - magnitude
        buffer_ensure(&self.values, (self.length + 1) * 16)
        memcpy(self.values.data + 16 * self.length, &magnitude, 16)
        self.length += 1
        return TAKEN

    cdef int append_null(self) except -1:
        cdef uint128 zero = 0
        self.mark_null()
        buffer_ensure(&self.values, (self.length + 1) * 16)
        memcpy(self.values.data + 16 * self.length, &zero, 16)
        self.length += 1
        return 0

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else decimal_at(
            self.values.data + 16 * i, self.scale, False
        )

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        self.values.size = self.length * 16
        return buffer_emit(&self.values, writer)
