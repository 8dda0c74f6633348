# cython: cdivision=True
"""Dates, timestamps with and without a zone, and day-time intervals.

Spark's timestamp is an instant; Python sees it as a naive `datetime` in the worker's local time
zone, and a naive result is taken to be in that zone too, with `fold` deciding between two instants
and gaps resolved as PEP 495 has it. Both directions ask libc's localtime, as CPython's
`astimezone()` does.

A column with a value that `datetime` cannot hold is `UndecodableColumn`. Encoding takes exactly
`date`, `datetime` and `timedelta`; a `datetime` with a zone is converted by its own `astimezone`.

PySpark's types convert pickled values by `fromtimestamp`, which sets `fold`, and by `mktime` and a
multiplication of floats, which do not read `fold` and may be off by a microsecond. `FoldDecoder`
reads as the first does; with `exact`, encoding takes only what the others cannot tell apart: no
wall clock time that is ambiguous or skipped, no offset from UTC that is unknown or has a part of a
second, and intervals of whole seconds.
"""

from cpython.datetime cimport (
    PyDate_CheckExact,
    PyDateTime_CheckExact,
    PyDelta_CheckExact,
    date_day,
    date_month,
    date_new,
    date_year,
    datetime_day,
    datetime_fold,
    datetime_hour,
    datetime_microsecond,
    datetime_minute,
    datetime_month,
    datetime_new,
    datetime_second,
    datetime_tzinfo,
    datetime_year,
    import_datetime,
    timedelta_days,
    timedelta_microseconds,
    timedelta_new,
    timedelta_seconds,
)
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memset
from posix.types cimport time_t

from datetime import timezone as _timezone

from hydrofoil._cext.abi cimport bit_is_set
from hydrofoil._cext.civil cimport Civil, civil_of_days, days_of_civil, floor_div
from hydrofoil._cext.columns cimport Buffer, ColumnView, buffer_emit, buffer_ensure, buffer_free
from hydrofoil._cext.frames cimport FrameWriter
from hydrofoil._cext.objects.base cimport LEFT, TAKEN, Decoder, Encoder
from hydrofoil._cext.objects.base import UndecodableColumn

import_datetime()

cdef extern from "time.h" nogil:
    cdef struct tm:
        int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year
        long tm_gmtoff
    tm* localtime_r(const time_t* instant, tm* result)
    long timezone
    int daylight
    char** tzname

cdef object UTC = _timezone.utc

cdef enum:
    MICROS = 1000000
    DAY_SECONDS = 86400
    # No time zone has ever changed its offset and changed it back within a quarter of an hour.
    BLOCK_SECONDS = 900
    CACHE_SLOTS = 4096

# 0001-01-01 and 9999-12-31 in days, and their first and last microsecond.
cdef int32_t MIN_DAYS = -719162
cdef int32_t MAX_DAYS = 2932896
cdef int64_t MIN_MICROS = -62135596800000000
cdef int64_t MAX_MICROS = 253402300799999999
cdef int64_t DAY_MICROS = 86400000000


cdef inline object datetime_of_micros(int64_t micros):
    cdef int64_t seconds = floor_div(micros, MICROS)
    cdef int64_t days = floor_div(seconds, DAY_SECONDS)
    cdef int of_day = <int>(seconds - days * DAY_SECONDS)
    cdef Civil civil = civil_of_days(days)
    return datetime_new(
        civil.year, civil.month, civil.day,
        of_day // 3600, of_day // 60 % 60, of_day % 60, <int>(micros - seconds * MICROS),
        None,
    )


cdef inline object date_of_days(int64_t days):
    cdef Civil civil = civil_of_days(days)
    return date_new(civil.year, civil.month, civil.day)


cdef inline object timedelta_of_micros(int64_t micros):
    cdef int64_t days = floor_div(micros, DAY_MICROS)
    cdef int64_t rest = micros - days * DAY_MICROS
    cdef int64_t seconds = rest // MICROS
    return timedelta_new(<int>days, <int>seconds, <int>(rest - seconds * MICROS))


cdef inline int64_t seconds_of_datetime(object value) noexcept:
    cdef int64_t days = days_of_civil(
        datetime_year(value), datetime_month(value), datetime_day(value)
    )
    return (
        days * DAY_SECONDS
        + datetime_hour(value) * 3600 + datetime_minute(value) * 60 + datetime_second(value)
    )


# --- The local time zone -------------------------------------------------------------------------

cdef inline int64_t utc_offset(int64_t utc) noexcept nogil:
    cdef time_t instant = utc
    cdef tm local
    localtime_r(&instant, &local)
    return local.tm_gmtoff


cdef int64_t wall_offset(int64_t wall, bint fold) noexcept nogil:
    # The UTC offset of a local wall clock time: PEP 495's rule, as CPython applies it. `wall`
    # counts seconds as if the wall clock were UTC's. A time in a gap takes the offset before it
    # (fold 0) or after it (fold 1); an ambiguous one is the earlier (fold 0) or the later (fold 1).
    cdef int64_t first_offset = utc_offset(wall)
    cdef int64_t first = wall - first_offset
    cdef int64_t at_first = utc_offset(first)
    cdef bint first_solves = first + at_first == wall
    cdef int64_t second, second_offset, other
    if first_solves:
        other = first + DAY_SECONDS if fold else first - DAY_SECONDS
        second_offset = utc_offset(other)
        if second_offset == first_offset:
            return at_first
    else:
        second_offset = at_first
    second = wall - second_offset
    if second + utc_offset(second) == wall:
        return utc_offset(second)
    if first_solves:
        return at_first
    if fold:
        return utc_offset(min(first, second))
    return utc_offset(max(first, second))


cdef struct Slot:
    int64_t block
    int32_t offset
    int32_t used


cdef class _OffsetCache:
    # Offsets by quarter of an hour. Both ends of a block must agree, else each value asks for
    # itself.
    cdef Slot slots[CACHE_SLOTS]

    cdef void clear(self) noexcept:
        memset(self.slots, 0, sizeof(self.slots))

    cdef inline int64_t of_utc(self, int64_t seconds) noexcept:
        cdef int64_t block = floor_div(seconds, BLOCK_SECONDS)
        cdef Slot* slot = &self.slots[block & (CACHE_SLOTS - 1)]
        cdef int64_t start
        if slot.used and slot.block == block:
            return slot.offset
        start = utc_offset(block * BLOCK_SECONDS)
        if start != utc_offset(block * BLOCK_SECONDS + BLOCK_SECONDS - 1):
            return utc_offset(seconds)
        slot.block, slot.offset, slot.used = block, <int32_t>start, True
        return start

    cdef inline int64_t of_wall(self, int64_t seconds, bint fold) noexcept:
        # Blocks of fold 1 are kept apart by the key's lowest bit.
        cdef int64_t block = floor_div(seconds, BLOCK_SECONDS)
        cdef int64_t key = 2 * block + fold
        cdef Slot* slot = &self.slots[key & (CACHE_SLOTS - 1)]
        cdef int64_t start
        if slot.used and slot.block == key:
            return slot.offset
        start = wall_offset(block * BLOCK_SECONDS, fold)
        if start != wall_offset(block * BLOCK_SECONDS + BLOCK_SECONDS - 1, fold):
            return wall_offset(seconds, fold)
        slot.block, slot.offset, slot.used = key, <int32_t>start, True
        return start


# --- Decoders ------------------------------------------------------------------------------------

cdef class DateDecoder(Decoder):
    cdef const int32_t* days

    cdef int attach(self, ColumnView view) except -1:
        cdef Py_ssize_t i
        self.days = <const int32_t*>view.data
        for i in range(view.offset, view.offset + view.length):
            if not MIN_DAYS <= self.days[i] <= MAX_DAYS:
                if self.validity == NULL or bit_is_set(self.validity, i):
                    raise UndecodableColumn("a date outside the years 1 to 9999")
        return 0

    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return date_of_days(self.days[i])


cdef class _MicrosDecoder(Decoder):
    cdef const int64_t* micros

    cdef int attach(self, ColumnView view) except -1:
        self.micros = <const int64_t*>view.data
        return 0

    cdef int check_range(self, ColumnView view, int64_t margin) except -1:
        cdef Py_ssize_t i
        for i in range(view.offset, view.offset + view.length):
            if not MIN_MICROS + margin <= self.micros[i] <= MAX_MICROS - margin:
                if self.validity == NULL or bit_is_set(self.validity, i):
                    raise UndecodableColumn("a timestamp at the edge of the years 1 to 9999")
        return 0


cdef class TimestampDecoder(_MicrosDecoder):
    cdef _OffsetCache cache

    def __cinit__(self):
        self.eager = True
        self.cache = _OffsetCache.__new__(_OffsetCache)

    cdef int attach(self, ColumnView view) except -1:
        _MicrosDecoder.attach(self, view)
        self.cache.clear()
        # Any zone's offset is less than a day, so neither UTC nor local time can overflow.
        return self.check_range(view, DAY_MICROS)

    cdef object read(self, Py_ssize_t i):
        cdef int64_t micros
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        micros = self.micros[i]
        return datetime_of_micros(
            micros + MICROS * self.cache.of_utc(floor_div(micros, MICROS))
        )


cdef class FoldDecoder(TimestampDecoder):
    # A wall clock time that comes twice has fold 1 the second time, as CPython tells it: the clock
    # was put back within the last day, and showed the same time before that.
    cdef object read(self, Py_ssize_t i):
        cdef int64_t micros, seconds, offset, change
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        micros = self.micros[i]
        seconds = floor_div(micros, MICROS)
        offset = self.cache.of_utc(seconds)
        value = datetime_of_micros(micros + MICROS * offset)
        change = offset - self.cache.of_utc(seconds - DAY_SECONDS)
        if change < 0 and self.cache.of_utc(seconds + change) + change == offset:
            value = value.replace(fold=1)
        return value


cdef class TimestampNtzDecoder(_MicrosDecoder):
    cdef int attach(self, ColumnView view) except -1:
        _MicrosDecoder.attach(self, view)
        return self.check_range(view, 0)

    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return datetime_of_micros(self.micros[i])


cdef class DurationDecoder(_MicrosDecoder):
    cdef object read(self, Py_ssize_t i):
        i += self.offset
        if self.validity != NULL and not bit_is_set(self.validity, i):
            return None
        return timedelta_of_micros(self.micros[i])


# --- Encoders ------------------------------------------------------------------------------------

cdef class DateEncoder(Encoder):
    cdef Buffer values

    def __cinit__(self, *, nullable=True):
        self.nullable = nullable
        self.restores = True

    def __dealloc__(self):
        buffer_free(&self.values)

    cdef inline int put(self, int32_t days) except -1:
        buffer_ensure(&self.values, (self.length + 1) * 4)
        (<int32_t*>self.values.data)[self.length] = days
        self.length += 1
        return 0

    cdef int write(self, object value) except -1:
        if value is None:
            return self.write_null()
        if not PyDate_CheckExact(value):
            return LEFT
        self.put(<int32_t>days_of_civil(date_year(value), date_month(value), date_day(value)))
        return TAKEN

    cdef int append_null(self) except -1:
        self.mark_null()
        return self.put(0)

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else date_of_days((<int32_t*>self.values.data)[i])

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        self.values.size = self.length * 4
        return buffer_emit(&self.values, writer)


cdef class _MicrosEncoder(Encoder):
    cdef Buffer values

    def __cinit__(self, *, exact=False, nullable=True):
        self.nullable = nullable

    def __dealloc__(self):
        buffer_free(&self.values)

    cdef inline int put(self, int64_t micros) except -1:
        buffer_ensure(&self.values, (self.length + 1) * 8)
        (<int64_t*>self.values.data)[self.length] = micros
        self.length += 1
        return 0

    cdef int append_null(self) except -1:
        self.mark_null()
        return self.put(0)

    cdef int emit(self, FrameWriter writer) except -1:
        self.emit_validity(writer)
        self.values.size = self.length * 8
        return buffer_emit(&self.values, writer)


cdef object in_utc_by_seconds(object value):
    # By `utctimetuple`, which drops an offset's microseconds, and takes a zone without an offset
    # for UTC; None where that is not what `astimezone` does.
    if not datetime_tzinfo(value):
        return None
    offset = value.utcoffset()
    if offset is None or timedelta_microseconds(offset):
        return None
    return value.replace(tzinfo=UTC) - offset


cdef class TimestampEncoder(_MicrosEncoder):
    # If the zone changes under the batch, stock must have what was returned: nothing is restored.
    # With `exact`, values are in the zone at the time of writing, and restored in UTC.
    cdef _OffsetCache cache
    cdef long zone
    cdef int has_dst
    cdef char* names[2]
    cdef bint exact

    def __cinit__(self, *, exact=False, nullable=True):
        self.exact = self.restores = exact
        self.cache = _OffsetCache.__new__(_OffsetCache)

    cdef int reset(self) except -1:
        _MicrosEncoder.reset(self)
        self.cache.clear()
        self.zone, self.has_dst = timezone, daylight
        self.names[0], self.names[1] = tzname[0], tzname[1]
        return 0

    cdef bint settled(self) noexcept:
        # The user's function may call time.tzset(); stock converts after it has been called.
        return (
            self.zone == timezone and self.has_dst == daylight
            and self.names[0] == tzname[0] and self.names[1] == tzname[1]
        )

    cdef int write(self, object value) except -1:
        cdef int64_t seconds, offset
        cdef object zone
        if value is None:
            return self.write_null()
        if not PyDateTime_CheckExact(value):
            return LEFT
        if self.exact and not self.settled():
            return LEFT
        zone = datetime_tzinfo(value)
        if zone is not None and zone is not UTC:
            try:
                value = in_utc_by_seconds(value) if self.exact else value.astimezone(UTC)
            except Exception:
                return LEFT
            if value is None:
                return LEFT
            zone = UTC
        if not 2 <= datetime_year(value) <= 9998:
            return LEFT
        seconds = seconds_of_datetime(value)
        if zone is None:
            offset = self.cache.of_wall(seconds, datetime_fold(value))
            if self.exact and offset != self.cache.of_wall(seconds, not datetime_fold(value)):
                return LEFT
            seconds -= offset
        self.put(seconds * MICROS + datetime_microsecond(value))
        return TAKEN

    cdef object restore(self, Py_ssize_t i):
        if self.is_null(i):
            return None
        return datetime_of_micros((<int64_t*>self.values.data)[i]).replace(tzinfo=UTC)


cdef class TimestampNtzEncoder(_MicrosEncoder):
    def __cinit__(self, *, nullable=True):
        self.restores = True

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else datetime_of_micros((<int64_t*>self.values.data)[i])

    cdef int write(self, object value) except -1:
        if value is None:
            return self.write_null()
        if not PyDateTime_CheckExact(value) or datetime_tzinfo(value) is not None:
            return LEFT
        self.put(seconds_of_datetime(value) * MICROS + datetime_microsecond(value))
        return TAKEN


cdef class DurationEncoder(_MicrosEncoder):
    cdef bint exact

    def __cinit__(self, *, exact=False, nullable=True):
        self.exact = exact
        self.restores = True

    cdef object restore(self, Py_ssize_t i):
        return None if self.is_null(i) else timedelta_of_micros((<int64_t*>self.values.data)[i])

    cdef int write(self, object value) except -1:
        cdef int64_t days
        if value is None:
            return self.write_null()
        if not PyDelta_CheckExact(value):
            return LEFT
        days = timedelta_days(value)
        # 106,751,991 days of microseconds are what 64 bits hold.
        if not -106751990 <= days <= 106751990:
            return LEFT
        # Up to here a double holds every microsecond.
        if self.exact and (timedelta_microseconds(value) or not -100000 <= days <= 100000):
            return LEFT
        self.put(
            (days * DAY_SECONDS + timedelta_seconds(value)) * MICROS + timedelta_microseconds(value)
        )
        return TAKEN
