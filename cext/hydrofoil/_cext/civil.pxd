# Days since 1970-01-01 to the proleptic Gregorian calendar and back: eras of 400 years that begin
# in March (Howard Hinnant, "chrono-compatible low-level date algorithms").

cimport cython
from libc.stdint cimport int64_t


cdef struct Civil:
    int year, month, day


@cython.cdivision(True)
cdef inline int64_t floor_div(int64_t a, int64_t b) noexcept nogil:
    cdef int64_t quotient = a // b
    return quotient - 1 if a % b < 0 else quotient


@cython.cdivision(True)
cdef inline Civil civil_of_days(int64_t days) noexcept nogil:
    cdef Civil civil
    cdef int64_t era, day_of_era, year_of_era, day_of_year, shifted
    days += 719468
    era = floor_div(days, 146097)
    day_of_era = days - era * 146097
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    civil.day = <int>(day_of_year - (153 * shifted + 2) // 5 + 1)
    civil.month = <int>(shifted + 3 if shifted < 10 else shifted - 9)
    civil.year = <int>(year_of_era + era * 400 + (civil.month <= 2))
    return civil


@cython.cdivision(True)
cdef inline int64_t days_of_civil(int64_t year, int month, int day) noexcept nogil:
    cdef int64_t era, year_of_era, day_of_year, day_of_era
    year -= month <= 2
    era = floor_div(year, 400)
    year_of_era = year - era * 400
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146097 + day_of_era - 719468
