/* The loops of utf8.h with vectors of AVX-512.

   As those of utf8_avx2.h, but the processor itself moves together what a mask names (VBMI2), and
   loads and stores no more than a mask names: nothing but the text is read, and nothing is written
   beyond a string's end. */

#ifndef HYDROFOIL_UTF8_AVX512_H
#define HYDROFOIL_UTF8_AVX512_H

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,popcnt,bmi2")))

/* A mask of the first `count` places, of up to 64. */
AVX512 static inline uint64_t places(Py_ssize_t count) {
    return count >= 64 ? ~(uint64_t)0 : count <= 0 ? 0 : ((uint64_t)1 << count) - 1;
}

AVX512 static Shape widest_shape(const uint8_t* text, Py_ssize_t size) {
    Shape shape = {0, 0};
    uint64_t beyond = 0, two = 0, four = 0, present;
    __m512i bytes;
    Py_ssize_t i;
    for (i = 0; i < size; i += 64) {
        present = places(size - i);
        bytes = _mm512_maskz_loadu_epi8(present, text + i);
        shape.length += (Py_ssize_t)_mm_popcnt_u64(
            _mm512_mask_cmpgt_epi8_mask(present, bytes, _mm512_set1_epi8((char)0xBF)));
        beyond |= _mm512_movepi8_mask(bytes);
        two |= _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xC4));
        four |= _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8((char)0xF0));
    }
    shape.width = four ? 4 : two ? 2 : beyond ? 1 : 0;
    return shape;
}

AVX512 static void widest_fill_1(const uint8_t* at, const uint8_t* end, uint8_t* target) {
    for (; at < end; at += 64) {
        uint64_t present = places(end - at), starts;
        __m512i bytes = _mm512_maskz_loadu_epi8(present, at);
        __m512i next = _mm512_maskz_loadu_epi8(places(end - at - 1), at + 1);
        __m512i pairs = _mm512_or_si512(
            _mm512_and_si512(_mm512_slli_epi16(bytes, 6), _mm512_set1_epi8((char)0xC0)),
            _mm512_and_si512(next, _mm512_set1_epi8(0x3F)));
        starts = _mm512_mask_cmpgt_epi8_mask(present, bytes, _mm512_set1_epi8((char)0xBF));
        bytes = _mm512_mask_mov_epi8(bytes, _mm512_movepi8_mask(bytes), pairs);
        present = _mm_popcnt_u64(starts);
        _mm512_mask_storeu_epi8(
            target, places((Py_ssize_t)present), _mm512_maskz_compress_epi8(starts, bytes));
        target += present;
    }
}

AVX512 static inline __m512i half_wide(const uint8_t* at, const uint8_t* end) {
    return _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8((uint32_t)places(end - at), at));
}

AVX512 static void widest_fill_2(const uint8_t* at, const uint8_t* end, uint16_t* target) {
    const __m512i six = _mm512_set1_epi16(0x3F);
    for (; at < end; at += 32) {
        __m512i lead = half_wide(at, end);
        __m512i second = _mm512_and_si512(half_wide(at + 1, end), six);
        __m512i third = _mm512_and_si512(half_wide(at + 2, end), six);
        __m512i of_two = _mm512_or_si512(
            _mm512_slli_epi16(_mm512_and_si512(lead, _mm512_set1_epi16(0x1F)), 6), second);
        __m512i of_three = _mm512_or_si512(
            _mm512_or_si512(_mm512_slli_epi16(lead, 12), _mm512_slli_epi16(second, 6)), third);
        /* All but 80..BF. */
        uint32_t starts = (uint32_t)places(end - at)
            & ~_mm512_cmplt_epu16_mask(
                _mm512_sub_epi16(lead, _mm512_set1_epi16(0x80)), _mm512_set1_epi16(0x40));
        int count = _mm_popcnt_u32(starts);
        __m512i characters = _mm512_mask_mov_epi16(
            lead, _mm512_cmpge_epu16_mask(lead, _mm512_set1_epi16(0x80)), of_two);
        characters = _mm512_mask_mov_epi16(
            characters, _mm512_cmpge_epu16_mask(lead, _mm512_set1_epi16(0xE0)), of_three);
        _mm512_mask_storeu_epi16(
            target, (uint32_t)places(count), _mm512_maskz_compress_epi16(starts, characters));
        target += count;
    }
}

AVX512 static inline __m512i quarter_wide(const uint8_t* at, const uint8_t* end) {
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8((__mmask16)places(end - at), at));
}

AVX512 static void widest_fill_4(const uint8_t* at, const uint8_t* end, uint32_t* target) {
    const __m512i six = _mm512_set1_epi32(0x3F);
    for (; at < end; at += 16) {
        __m512i lead = quarter_wide(at, end);
        __m512i second = _mm512_and_si512(quarter_wide(at + 1, end), six);
        __m512i third = _mm512_and_si512(quarter_wide(at + 2, end), six);
        __m512i fourth = _mm512_and_si512(quarter_wide(at + 3, end), six);
        __m512i of_two = _mm512_or_si512(
            _mm512_slli_epi32(_mm512_and_si512(lead, _mm512_set1_epi32(0x1F)), 6), second);
        __m512i of_three = _mm512_or_si512(
            _mm512_slli_epi32(_mm512_and_si512(lead, _mm512_set1_epi32(0x0F)), 12),
            _mm512_or_si512(_mm512_slli_epi32(second, 6), third));
        __m512i of_four = _mm512_or_si512(
            _mm512_or_si512(
                _mm512_slli_epi32(_mm512_and_si512(lead, _mm512_set1_epi32(0x07)), 18),
                _mm512_slli_epi32(second, 12)),
            _mm512_or_si512(_mm512_slli_epi32(third, 6), fourth));
        uint32_t starts = (uint32_t)places(end - at) & 0xFFFF
            & ~(uint32_t)_mm512_cmplt_epu32_mask(
                _mm512_sub_epi32(lead, _mm512_set1_epi32(0x80)), _mm512_set1_epi32(0x40));
        int count = _mm_popcnt_u32(starts);
        __m512i characters = _mm512_mask_mov_epi32(
            lead, _mm512_cmpge_epu32_mask(lead, _mm512_set1_epi32(0x80)), of_two);
        characters = _mm512_mask_mov_epi32(
            characters, _mm512_cmpge_epu32_mask(lead, _mm512_set1_epi32(0xE0)), of_three);
        characters = _mm512_mask_mov_epi32(
            characters, _mm512_cmpge_epu32_mask(lead, _mm512_set1_epi32(0xF0)), of_four);
        _mm512_mask_storeu_epi32(
            target, (__mmask16)places(count),
            _mm512_maskz_compress_epi32((__mmask16)starts, characters));
        target += count;
    }
}

AVX512 static uint8_t* widest_write_1(const uint8_t* at, Py_ssize_t length, uint8_t* target) {
    Py_ssize_t i;
    for (i = 0; i < length; i += 32) {
        __m512i characters = _mm512_cvtepu8_epi16(
            _mm256_maskz_loadu_epi8((uint32_t)places(length - i), at + i));
        __m512i pairs = _mm512_or_si512(
            _mm512_or_si512(
                _mm512_srli_epi16(characters, 6),
                _mm512_slli_epi16(_mm512_and_si512(characters, _mm512_set1_epi16(0x3F)), 8)),
            _mm512_set1_epi16((short)0x80C0));
        __m512i bytes = _mm512_mask_mov_epi16(
            characters, _mm512_cmpge_epu16_mask(characters, _mm512_set1_epi16(0x80)), pairs);
        /* A character's first byte, whatever it is, and others that are not zero. */
        uint64_t used = (_mm512_test_epi8_mask(bytes, bytes) | 0x5555555555555555ull)
            & places(2 * (length - i));
        _mm512_storeu_si512(target, _mm512_maskz_compress_epi8(used, bytes));
        target += _mm_popcnt_u64(used);
    }
    return target;
}

/* Up to 16 characters; surrogates are added to `surrogates`. */
AVX512 static inline uint8_t* write_sixteen(
        __m512i characters, Py_ssize_t count, uint8_t* target, uint32_t* surrogates) {
    const __m512i six = _mm512_set1_epi32(0x3F);
    __m512i last = _mm512_and_si512(characters, six);
    __m512i middle = _mm512_and_si512(_mm512_srli_epi32(characters, 6), six);
    __m512i upper = _mm512_srli_epi32(characters, 12);
    __m512i of_two = _mm512_or_si512(
        _mm512_or_si512(_mm512_srli_epi32(characters, 6), _mm512_slli_epi32(last, 8)),
        _mm512_set1_epi32(0x80C0));
    __m512i of_three = _mm512_or_si512(
        _mm512_or_si512(upper, _mm512_slli_epi32(middle, 8)),
        _mm512_or_si512(_mm512_slli_epi32(last, 16), _mm512_set1_epi32(0x8080E0)));
    __m512i of_four = _mm512_or_si512(
        _mm512_or_si512(
            _mm512_srli_epi32(characters, 18),
            _mm512_slli_epi32(_mm512_and_si512(upper, six), 8)),
        _mm512_or_si512(
            _mm512_or_si512(_mm512_slli_epi32(middle, 16), _mm512_slli_epi32(last, 24)),
            _mm512_set1_epi32((int)0x808080F0)));
    __m512i bytes = _mm512_mask_mov_epi32(
        characters, _mm512_cmpgt_epi32_mask(characters, _mm512_set1_epi32(0x7F)), of_two);
    uint64_t used;
    bytes = _mm512_mask_mov_epi32(
        bytes, _mm512_cmpgt_epi32_mask(characters, _mm512_set1_epi32(0x7FF)), of_three);
    bytes = _mm512_mask_mov_epi32(
        bytes, _mm512_cmpgt_epi32_mask(characters, _mm512_set1_epi32(0xFFFF)), of_four);
    *surrogates |= _mm512_cmpeq_epi32_mask(
        _mm512_and_si512(characters, _mm512_set1_epi32(0x1FF800)), _mm512_set1_epi32(0xD800));
    used = (_mm512_test_epi8_mask(bytes, bytes) | 0x1111111111111111ull) & places(4 * count);
    _mm512_storeu_si512(target, _mm512_maskz_compress_epi8(used, bytes));
    return target + _mm_popcnt_u64(used);
}

AVX512 static uint8_t* widest_write_2(const uint16_t* at, Py_ssize_t length, uint8_t* target) {
    uint32_t surrogates = 0;
    Py_ssize_t i;
    for (i = 0; i < length; i += 16)
        target = write_sixteen(
            _mm512_cvtepu16_epi32(
                _mm256_maskz_loadu_epi16((__mmask16)places(length - i), at + i)),
            length - i, target, &surrogates);
    return surrogates ? NULL : target;
}

AVX512 static uint8_t* widest_write_4(const uint32_t* at, Py_ssize_t length, uint8_t* target) {
    uint32_t surrogates = 0;
    Py_ssize_t i;
    for (i = 0; i < length; i += 16)
        target = write_sixteen(
            _mm512_maskz_loadu_epi32((__mmask16)places(length - i), at + i), length - i, target,
            &surrogates);
    return surrogates ? NULL : target;
}

#endif
