/* Short text into a string, with vectors of AVX-512: one read of the text does for all.

   As a loop's two steps (utf8_avx512.h), but what the first learns of the text is there for the
   second. For a string of ten characters this is half of the time. */

#ifndef HYDROFOIL_UTF8_SHORT_H
#define HYDROFOIL_UTF8_SHORT_H

#include "utf8.h"

/* Whether `remake_short` takes text of this size. */
static inline int is_short(Py_ssize_t size) { return loops == AVX512_LOOPS && size <= 64; }

#if HYDROFOIL_WIDE

/* The 64 bytes one place further: what follows each of them. */
AVX512 static inline __m512i following(__m512i bytes) {
    return _mm512_permutexvar_epi8(_mm512_add_epi8(all_places(), _mm512_set1_epi8(1)), bytes);
}

/* As `fill_62`, for up to 32 bytes: the characters that would begin at each byte, moved together,
   are there sooner than those of the places. */
AVX512 static inline void fill_32(
        __m512i bytes, __mmask32 starts, uint16_t* target, __mmask32 used) {
    const __m512i twice = _mm512_set_epi16(
        0x1F1F, 0x1E1E, 0x1D1D, 0x1C1C, 0x1B1B, 0x1A1A, 0x1919, 0x1818, 0x1717, 0x1616, 0x1515,
        0x1414, 0x1313, 0x1212, 0x1111, 0x1010, 0x0F0F, 0x0E0E, 0x0D0D, 0x0C0C, 0x0B0B, 0x0A0A,
        0x0909, 0x0808, 0x0707, 0x0606, 0x0505, 0x0404, 0x0303, 0x0202, 0x0101, 0x0000);
    __m512i characters = characters_2(
        _mm512_permutexvar_epi8(_mm512_add_epi8(twice, _mm512_set1_epi16(0x0001)), bytes),
        _mm512_permutexvar_epi8(_mm512_add_epi8(twice, _mm512_set1_epi16(0x0002)), bytes));
    _mm512_mask_storeu_epi16(target, used, _mm512_maskz_compress_epi16(starts, characters));
}

/* A string of valid UTF-8, as a new reference; takes over `spare`, which may be NULL. */
AVX512 static PyObject* remake_short(
        Spares* spares, PyObject* spare, const uint8_t* text, Py_ssize_t size) {
    uint64_t present = places(size);
    __m512i bytes = _mm512_maskz_loadu_epi8(present, text);
    uint64_t starts = starts_of(present, bytes);
    Py_ssize_t length = (Py_ssize_t)_mm_popcnt_u64(starts);
    int width = width_of_all(bytes);
    PyObject* made;
    if (width == 0)
        return hydrofoil_recycle_ascii(spares, spare, (const char*)text, size);
    if (width == 1 && length == 1) {
        /* CPython has one of each. */
        Py_XDECREF(spare);
        return PyUnicode_DecodeUTF8((const char*)text, size, NULL);
    }
    made = hydrofoil_recycle_text(spares, spare, length, width);
    if (made == NULL)
        return NULL;
    if (width == 1)
        fill_64(bytes, following(bytes), present, 0, PyUnicode_1BYTE_DATA(made));
    else if (width == 4)
        fill_61(bytes, starts, 0, PyUnicode_4BYTE_DATA(made));
    else if (size > 32)
        fill_62(bytes, starts, 0, PyUnicode_2BYTE_DATA(made));
    else
        fill_32(
            bytes, (__mmask32)starts, PyUnicode_2BYTE_DATA(made), (__mmask32)places(length));
    return made;
}

#else

static PyObject* remake_short(
        Spares* spares, PyObject* spare, const uint8_t* text, Py_ssize_t size) {
    (void)spares;
    Py_XDECREF(spare);
    return PyUnicode_DecodeUTF8((const char*)text, size, NULL);
}

#endif
#endif
