/* The loops of utf8.h with vectors of AVX-512.

   As those of utf8_avx2.h, but the processor itself moves together what a mask names (VBMI2) and
   takes bytes from any places (VBMI), and loads and stores no more than a mask names: nothing but the
   text is read, and nothing is written beyond a string's end. Masks take time, so they are left to the
   end of a text; before it, vectors are whole.

   Characters of two and four bytes each are made of the places of their first bytes, and not at each
   byte's place, so that text of long characters costs no more than they are many. */

#ifndef HYDROFOIL_UTF8_AVX512_H
#define HYDROFOIL_UTF8_AVX512_H

#include <immintrin.h>

#define AVX512                                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt,bmi2")))

#define ALL (~(uint64_t)0)

/* A mask of the first `count` places, of up to 64. */
AVX512 static inline uint64_t places(Py_ssize_t count) {
    return count >= 64 ? ALL : _bzhi_u64(ALL, (uint32_t)count);
}

/* Which of these places have a character's first byte. */
AVX512 static inline uint64_t starts_of(uint64_t present, __m512i bytes) {
    return _mm512_mask_cmpgt_epi8_mask(present, bytes, _mm512_set1_epi8((char)0xBF));
}

/* Of text of which every byte is in it, or a greater one of the same text in its place. */
AVX512 static inline int width_of_all(__m512i bytes) {
    if (!_mm512_movepi8_mask(bytes))
        return 0;
    if (_mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xF0)))
        return 4;
    return _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xC4)) ? 2 : 1;
}

/* As `mistakes` of utf8_avx2.h. */
AVX512 static inline __m512i mistakes_64(
        __m512i bytes, __m512i one_back, __m512i two_back, __m512i three_back) {
    const __m512i half = _mm512_set1_epi8(0x0F);
    __m512i of_first = _mm512_and_si512(
        _mm512_shuffle_epi8(
            _mm512_broadcast_i32x4(UPPER_OF_FIRST),
            _mm512_and_si512(_mm512_srli_epi16(one_back, 4), half)),
        _mm512_shuffle_epi8(
            _mm512_broadcast_i32x4(LOWER_OF_FIRST), _mm512_and_si512(one_back, half)));
    __m512i wrong = _mm512_and_si512(
        of_first,
        _mm512_shuffle_epi8(
            _mm512_broadcast_i32x4(UPPER_OF_SECOND),
            _mm512_and_si512(_mm512_srli_epi16(bytes, 4), half)));
    __m512i later = _mm512_or_si512(
        _mm512_subs_epu8(two_back, _mm512_set1_epi8(0xE0 - 0x80)),
        _mm512_subs_epu8(three_back, _mm512_set1_epi8(0xF0 - 0x80)));
    /* (later & 0x80) ^ wrong */
    return _mm512_ternarylogic_epi32(later, _mm512_set1_epi8((char)0x80), wrong, 0x6A);
}

AVX512 static inline __m512i mistakes_at(const uint8_t* at) {
    return mistakes_64(
        _mm512_loadu_si512(at), _mm512_loadu_si512(at - 1), _mm512_loadu_si512(at - 2),
        _mm512_loadu_si512(at - 3));
}

AVX512 static int widest_valid(const uint8_t* text, Py_ssize_t size) {
    /* Zeros before the text, and after it, where it is short. */
    uint8_t first[128] = {0};
    const uint8_t *at = text + 64, *end = text + size;
    __m512i wrong;
    memcpy(first + 64, text, (size_t)(size < 64 ? size : 64));
    wrong = mistakes_at(first + 64);
    if (size >= 64) {
        for (; end - at >= 64; at += 64)
            wrong = _mm512_or_si512(wrong, mistakes_at(at));
        /* With a zero at least, so that a character that is cut off at the end is a mistake. */
        wrong = _mm512_or_si512(
            wrong, mistakes_64(
                       _mm512_maskz_loadu_epi8(places(end - at), at),
                       _mm512_maskz_loadu_epi8(places(end - at + 1), at - 1),
                       _mm512_maskz_loadu_epi8(places(end - at + 2), at - 2),
                       _mm512_maskz_loadu_epi8(places(end - at + 3), at - 3)));
    }
    return !_mm512_test_epi8_mask(wrong, wrong);
}

AVX512 static Shape widest_shape(const uint8_t* text, Py_ssize_t size) {
    Shape shape = {0, 0};
    __m512i greatest = _mm512_setzero_si512(), bytes;
    for (; size > 64; size -= 64, text += 64) {
        bytes = _mm512_loadu_si512(text);
        shape.length += (Py_ssize_t)_mm_popcnt_u64(starts_of(ALL, bytes));
        greatest = _mm512_max_epu8(greatest, bytes);
    }
    bytes = _mm512_maskz_loadu_epi8(places(size), text);
    shape.length += (Py_ssize_t)_mm_popcnt_u64(starts_of(places(size), bytes));
    shape.width = width_of_all(_mm512_max_epu8(greatest, bytes));
    return shape;
}

AVX512 static inline uint8_t* fill_64(
        __m512i bytes, __m512i next, uint64_t present, int whole, uint8_t* target) {
    uint64_t starts = starts_of(present, bytes);
    uint64_t count = _mm_popcnt_u64(starts);
    __m512i pairs = _mm512_or_si512(
        _mm512_and_si512(_mm512_slli_epi16(bytes, 6), _mm512_set1_epi8((char)0xC0)),
        _mm512_and_si512(next, _mm512_set1_epi8(0x3F)));
    bytes = _mm512_mask_mov_epi8(bytes, _mm512_movepi8_mask(bytes), pairs);
    bytes = _mm512_maskz_compress_epi8(starts, bytes);
    if (whole)
        _mm512_storeu_si512(target, bytes);
    else
        _mm512_mask_storeu_epi8(target, places((Py_ssize_t)count), bytes);
    return target + count;
}

AVX512 static void widest_fill_1(const uint8_t* at, const uint8_t* end, uint8_t* target) {
    /* What is left has at least half as many characters as bytes. */
    for (; end - at >= 128; at += 64)
        target = fill_64(
            _mm512_loadu_si512(at), _mm512_loadu_si512(at + 1), ALL, 1, target);
    for (; at < end; at += 64) {
        uint64_t present = places(end - at);
        target = fill_64(
            _mm512_maskz_loadu_epi8(present, at),
            _mm512_maskz_loadu_epi8(places(end - at - 1), at + 1), present, 0, target);
    }
}

AVX512 static inline __m512i all_places(void) {
    return _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

/* The places of the first bytes that a mask names, one after the other. */
AVX512 static inline __m512i places_of(uint64_t starts) {
    return _mm512_maskz_compress_epi8(starts, all_places());
}

/* Characters of up to three bytes, of pairs of their first two bytes, the first of which is the
   upper one, and of their third bytes, in the lower halves. */
AVX512 static inline __m512i characters_2(__m512i pairs, __m512i thirds) {
    /* (pairs >> 2 & 0x07C0) | (pairs & 0x3F) */
    __m512i characters = _mm512_and_si512(
        _mm512_ternarylogic_epi32(
            _mm512_set1_epi16(0x07C0), _mm512_srli_epi16(pairs, 2), pairs, 0xCA),
        _mm512_set1_epi16(0x07FF));
    /* Of three bytes: with the other six bits below. */
    characters = _mm512_mask_mov_epi16(
        characters, _mm512_cmpge_epu16_mask(pairs, _mm512_set1_epi16((short)0xE000)),
        _mm512_ternarylogic_epi32(
            _mm512_set1_epi16(0x3F), thirds, _mm512_slli_epi16(characters, 6), 0xCA));
    /* Of one byte. */
    return _mm512_mask_srli_epi16(characters, ~_mm512_movepi16_mask(pairs), pairs, 8);
}

/* Those that begin at the first 32 of these places. */
AVX512 static inline __m512i characters_2_at(__m512i bytes, __m512i at) {
    __m512i twice = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(at));
    twice = _mm512_or_si512(twice, _mm512_slli_epi16(twice, 8));
    return characters_2(
        _mm512_permutexvar_epi8(_mm512_add_epi8(twice, _mm512_set1_epi16(0x0001)), bytes),
        _mm512_permutexvar_epi8(_mm512_add_epi8(twice, _mm512_set1_epi16(0x0002)), bytes));
}

AVX512 static inline uint16_t* fill_62(
        __m512i bytes, uint64_t starts, int whole, uint16_t* target) {
    Py_ssize_t count = (Py_ssize_t)_mm_popcnt_u64(starts);
    __m512i at = places_of(starts);
    if (whole)
        _mm512_storeu_si512(target, characters_2_at(bytes, at));
    else
        _mm512_mask_storeu_epi16(target, (__mmask32)places(count), characters_2_at(bytes, at));
    if (count > 32) {
        at = _mm512_shuffle_i64x2(at, at, 0x4E);
        if (whole)
            _mm512_storeu_si512(target + 32, characters_2_at(bytes, at));
        else
            _mm512_mask_storeu_epi16(
                target + 32, (__mmask32)places(count - 32), characters_2_at(bytes, at));
    }
    return target + count;
}

AVX512 static void widest_fill_2(const uint8_t* at, const uint8_t* end, uint16_t* target) {
    const uint64_t complete = places(62);
    __m512i bytes;
    /* Beyond the first 62 bytes are 98, and so room for another 32 characters. */
    for (; end - at >= 160; at += 62) {
        bytes = _mm512_loadu_si512(at);
        target = fill_62(bytes, starts_of(complete, bytes), 1, target);
    }
    for (; end - at > 64; at += 62) {
        bytes = _mm512_loadu_si512(at);
        target = fill_62(bytes, starts_of(complete, bytes), 0, target);
    }
    bytes = _mm512_maskz_loadu_epi8(places(end - at), at);
    fill_62(bytes, starts_of(places(end - at), bytes), 0, target);
}

/* The characters that begin at 16 of these places, of which `which` has each four times. */
AVX512 static inline __m512i characters_4(__m512i bytes, __m512i at, __m512i which) {
    /* By the first byte's upper half: which bits of four bytes are the character's, and how many
       bits too many the four have. */
    const __m512i parts = _mm512_setr_epi32(
        0x7F000000, 0x7F000000, 0x7F000000, 0x7F000000, 0x7F000000, 0x7F000000, 0x7F000000,
        0x7F000000, 0, 0, 0, 0, 0x1F3F0000, 0x1F3F0000, 0x0F3F3F00, 0x073F3F3F);
    const __m512i beyond =
        _mm512_setr_epi32(18, 18, 18, 18, 18, 18, 18, 18, 0, 0, 0, 0, 12, 12, 6, 0);
    __m512i four, upper;
    /* The first byte is the uppermost. */
    at = _mm512_add_epi8(
        _mm512_permutexvar_epi8(which, at), _mm512_set1_epi32(0x00010203));
    four = _mm512_permutexvar_epi8(at, bytes);
    upper = _mm512_srli_epi32(four, 28);
    four = _mm512_and_si512(four, _mm512_permutexvar_epi32(upper, parts));
    four = _mm512_maddubs_epi16(four, _mm512_set1_epi16(0x4001));
    four = _mm512_madd_epi16(four, _mm512_set1_epi32(0x10000001));
    return _mm512_srlv_epi32(four, _mm512_permutexvar_epi32(upper, beyond));
}

AVX512 static inline uint32_t* fill_61(
        __m512i bytes, uint64_t starts, int whole, uint32_t* target) {
    Py_ssize_t count = (Py_ssize_t)_mm_popcnt_u64(starts), done;
    __m512i at = places_of(starts);
    __m512i which = _mm512_set_epi32(
        0x0F0F0F0F, 0x0E0E0E0E, 0x0D0D0D0D, 0x0C0C0C0C, 0x0B0B0B0B, 0x0A0A0A0A, 0x09090909,
        0x08080808, 0x07070707, 0x06060606, 0x05050505, 0x04040404, 0x03030303, 0x02020202,
        0x01010101, 0);
    for (done = 0;; done += 16) {
        if (whole)
            _mm512_storeu_si512(target + done, characters_4(bytes, at, which));
        else
            _mm512_mask_storeu_epi32(
                target + done, (__mmask16)places(count - done), characters_4(bytes, at, which));
        if (done + 16 >= count)
            return target + count;
        which = _mm512_add_epi8(which, _mm512_set1_epi8(16));
    }
}

AVX512 static void widest_fill_4(const uint8_t* at, const uint8_t* end, uint32_t* target) {
    const uint64_t complete = places(61);
    __m512i bytes;
    /* Beyond the first 61 bytes are 67, and so room for another 16 characters. */
    for (; end - at >= 128; at += 61) {
        bytes = _mm512_loadu_si512(at);
        target = fill_61(bytes, starts_of(complete, bytes), 1, target);
    }
    for (; end - at > 64; at += 61) {
        bytes = _mm512_loadu_si512(at);
        target = fill_61(bytes, starts_of(complete, bytes), 0, target);
    }
    bytes = _mm512_maskz_loadu_epi8(places(end - at), at);
    fill_61(bytes, starts_of(places(end - at), bytes), 0, target);
}

/* Up to 32 characters, of which the unused are zero; what is written beyond them is no text. */
AVX512 static inline uint8_t* write_32(__m512i characters, uint64_t present, uint8_t* target) {
    __m512i pairs = _mm512_or_si512(
        _mm512_or_si512(
            _mm512_srli_epi16(characters, 6),
            _mm512_slli_epi16(_mm512_and_si512(characters, _mm512_set1_epi16(0x3F)), 8)),
        _mm512_set1_epi16((short)0x80C0));
    __m512i bytes = _mm512_mask_mov_epi16(
        characters, _mm512_cmpge_epu16_mask(characters, _mm512_set1_epi16(0x80)), pairs);
    /* A character's first byte, whatever it is, and others that are not zero. */
    uint64_t used = (_mm512_test_epi8_mask(bytes, bytes) | 0x5555555555555555ull) & present;
    _mm512_storeu_si512(target, _mm512_maskz_compress_epi8(used, bytes));
    return target + _mm_popcnt_u64(used);
}

AVX512 static uint8_t* widest_write_1(const uint8_t* at, Py_ssize_t length, uint8_t* target) {
    for (; length >= 32; length -= 32, at += 32)
        target = write_32(
            _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i*)at)), ALL, target);
    return write_32(
        _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8((__mmask32)places(length), at)),
        places(2 * length), target);
}

/* Up to 16 characters, of which the unused are zero; what is written beyond them is no text. Those
   of no more than three bytes are put into the upper three of four. */
AVX512 static inline uint8_t* write_16(
        __m512i characters, int of_four, uint64_t present, uint8_t* target) {
    /* Six bits each of a character in bytes, the uppermost first. */
    const __m512i sixes = _mm512_set1_epi64(0x20262C3200060C12ll);
    __m512i bytes = _mm512_multishift_epi64_epi8(sixes, characters);
    __m512i marks = _mm512_mask_mov_epi32(
        _mm512_set1_epi32((int)0x80C00000),
        _mm512_cmpgt_epi32_mask(characters, _mm512_set1_epi32(0x7FF)),
        _mm512_set1_epi32((int)0x8080E000));
    uint64_t used;
    if (of_four)
        marks = _mm512_mask_mov_epi32(
            marks, _mm512_cmpgt_epi32_mask(characters, _mm512_set1_epi32(0xFFFF)),
            _mm512_set1_epi32((int)0x808080F0));
    /* (bytes & 0x3F) | marks */
    bytes = _mm512_ternarylogic_epi32(bytes, _mm512_set1_epi8(0x3F), marks, 0xEA);
    bytes = _mm512_mask_slli_epi32(
        bytes, _mm512_cmplt_epi32_mask(characters, _mm512_set1_epi32(0x80)), characters, 24);
    /* A character's last byte, whatever it is, and others that are not zero. */
    used = (_mm512_test_epi8_mask(bytes, bytes) | 0x8888888888888888ull) & present;
    _mm512_storeu_si512(target, _mm512_maskz_compress_epi8(used, bytes));
    return target + _mm_popcnt_u64(used);
}

AVX512 static inline __m512i half_of(__m512i characters, int upper) {
    return _mm512_cvtepu16_epi32(
        upper ? _mm512_extracti64x4_epi64(characters, 1) : _mm512_castsi512_si256(characters));
}

AVX512 static uint8_t* widest_write_2(const uint16_t* at, Py_ssize_t length, uint8_t* target) {
    const __m512i first = _mm512_set1_epi16((short)0xD800);
    /* How far characters are beyond the first surrogate; the least. */
    __m512i least = _mm512_set1_epi16(-1), characters;
    for (; length > 32; length -= 32, at += 32) {
        characters = _mm512_loadu_si512(at);
        least = _mm512_min_epu16(least, _mm512_sub_epi16(characters, first));
        target = write_16(half_of(characters, 0), 0, ALL, target);
        target = write_16(half_of(characters, 1), 0, ALL, target);
    }
    characters = _mm512_maskz_loadu_epi16((__mmask32)places(length), at);
    least = _mm512_min_epu16(least, _mm512_sub_epi16(characters, first));
    target = write_16(half_of(characters, 0), 0, places(4 * length), target);
    if (length > 16)
        target = write_16(half_of(characters, 1), 0, places(4 * (length - 16)), target);
    return _mm512_cmplt_epu16_mask(least, _mm512_set1_epi16(0x800)) ? NULL : target;
}

AVX512 static uint8_t* widest_write_4(const uint32_t* at, Py_ssize_t length, uint8_t* target) {
    const __m512i first = _mm512_set1_epi32(0xD800);
    __m512i least = _mm512_set1_epi32(-1), characters;
    for (; length > 16; length -= 16, at += 16) {
        characters = _mm512_loadu_si512(at);
        least = _mm512_min_epu32(least, _mm512_sub_epi32(characters, first));
        target = write_16(characters, 1, ALL, target);
    }
    characters = _mm512_maskz_loadu_epi32((__mmask16)places(length), at);
    least = _mm512_min_epu32(least, _mm512_sub_epi32(characters, first));
    target = write_16(characters, 1, places(4 * length), target);
    return _mm512_cmplt_epu32_mask(least, _mm512_set1_epi32(0x800)) ? NULL : target;
}

#endif
