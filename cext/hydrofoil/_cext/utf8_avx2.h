/* The loops of utf8.h with vectors of AVX2.

   Decoding and encoding work the same way for all text, without a branch on what is in it: each
   place of a vector is given the character that would begin there (or, encoding, the character's
   bytes), and a shuffle from a table moves those that are real together. `limit` is the end of what
   may be read; nothing is written beyond what a `str` has, but HYDROFOIL_SLACK bytes beyond the
   end of UTF-8.

   GCC leaves the vectors' upper halves as they are where such a function ends by calling one without
   vectors, which makes whatever runs next many times slower; so they are cleared before. */

#ifndef HYDROFOIL_UTF8_AVX2_H
#define HYDROFOIL_UTF8_AVX2_H

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,popcnt")))

/* For each set of eight places the shuffle that moves what is there together: of places of one
   byte, of two, and of four (as places for vpermd). */
static uint8_t together_1[256][8];
static uint8_t together_2[256][16];
static uint8_t together_4[256][8];
/* Of eight characters, those that are two bytes, the others one. */
static uint8_t one_or_two[256][16];
/* Of four characters in four bytes each, as many bytes as they have: the set in the low half adds
   one, that in the upper half two. */
static uint8_t one_to_four[256][16];

static void wide_tables(void) {
    int set, place, byte, at, count;
    for (set = 0; set < 256; set++) {
        memset(together_1[set], 0x80, 8);
        memset(together_2[set], 0x80, 16);
        memset(together_4[set], 0, 8);
        memset(one_or_two[set], 0x80, 16);
        memset(one_to_four[set], 0x80, 16);
        for (place = at = count = 0; place < 8; place++) {
            if (set >> place & 1) {
                together_1[set][count] = (uint8_t)place;
                together_2[set][2 * count] = (uint8_t)(2 * place);
                together_2[set][2 * count + 1] = (uint8_t)(2 * place + 1);
                together_4[set][count++] = (uint8_t)place;
            }
            one_or_two[set][at++] = (uint8_t)(2 * place);
            if (set >> place & 1)
                one_or_two[set][at++] = (uint8_t)(2 * place + 1);
        }
        for (place = at = 0; place < 4; place++) {
            count = 1 + (set >> place & 1) + 2 * (set >> (place + 4) & 1);
            for (byte = 0; byte < count; byte++)
                one_to_four[set][at++] = (uint8_t)(4 * place + byte);
        }
    }
}

/* What can be wrong with a byte and the one before it: a bit for each mistake, in three tables by
   the halves of both bytes; a mistake is where all three have its bit. (The method of Keiser and
   Lemire, "Validating UTF-8 in less than one instruction per byte".) */
enum {
    LEAD_ALONE = 1,       /* a first byte, and then no continuation */
    CONTINUED_ASCII = 2,  /* a continuation after ASCII */
    LONG_3 = 4,           /* E0 80..9F */
    BEYOND = 8,           /* F4 90..BF, and F5.. before 90..BF */
    SURROGATE = 16,       /* ED A0..BF */
    LONG_2 = 32,          /* C0 and C1 */
    LONG_4_OR_BEYOND = 64, /* F0 80..8F, and F5.. before 80..8F */
    TWO_CONTINUE = 128    /* no mistake where a longer character needs it */
};
#define ANY_LOW (LEAD_ALONE | CONTINUED_ASCII | TWO_CONTINUE)
#define LOW_5 (ANY_LOW | BEYOND | LONG_4_OR_BEYOND)
#define SECOND (CONTINUED_ASCII | LONG_2 | TWO_CONTINUE)

/* By the upper half of the first byte, its lower half, and the upper half of the second one. */
#define UPPER_OF_FIRST                                                                             \
    _mm_setr_epi8(                                                                                 \
        CONTINUED_ASCII, CONTINUED_ASCII, CONTINUED_ASCII, CONTINUED_ASCII, CONTINUED_ASCII,       \
        CONTINUED_ASCII, CONTINUED_ASCII, CONTINUED_ASCII, (char)TWO_CONTINUE,                     \
        (char)TWO_CONTINUE, (char)TWO_CONTINUE, (char)TWO_CONTINUE, LEAD_ALONE | LONG_2,           \
        LEAD_ALONE, LEAD_ALONE | LONG_3 | SURROGATE, LEAD_ALONE | BEYOND | LONG_4_OR_BEYOND)
#define LOWER_OF_FIRST                                                                             \
    _mm_setr_epi8(                                                                                 \
        (char)(ANY_LOW | LONG_3 | LONG_2 | LONG_4_OR_BEYOND), (char)(ANY_LOW | LONG_2),            \
        (char)ANY_LOW, (char)ANY_LOW, (char)(ANY_LOW | BEYOND), (char)LOW_5, (char)LOW_5,          \
        (char)LOW_5, (char)LOW_5, (char)LOW_5, (char)LOW_5, (char)LOW_5, (char)LOW_5,              \
        (char)(LOW_5 | SURROGATE), (char)LOW_5, (char)LOW_5)
#define UPPER_OF_SECOND                                                                            \
    _mm_setr_epi8(                                                                                 \
        LEAD_ALONE, LEAD_ALONE, LEAD_ALONE, LEAD_ALONE, LEAD_ALONE, LEAD_ALONE, LEAD_ALONE,        \
        LEAD_ALONE, (char)(SECOND | LONG_3 | LONG_4_OR_BEYOND), (char)(SECOND | LONG_3 | BEYOND),  \
        (char)(SECOND | SURROGATE | BEYOND), (char)(SECOND | SURROGATE | BEYOND), LEAD_ALONE,      \
        LEAD_ALONE, LEAD_ALONE, LEAD_ALONE)

AVX2 static inline __m256i both(__m128i half) { return _mm256_broadcastsi128_si256(half); }

AVX2 static inline __m256i mistakes(__m256i bytes, __m256i before) {
    const __m256i upper_of_first = both(UPPER_OF_FIRST);
    const __m256i lower_of_first = both(LOWER_OF_FIRST);
    const __m256i upper_of_second = both(UPPER_OF_SECOND);
    const __m256i half = _mm256_set1_epi8(0x0F);
    __m256i joined = _mm256_permute2x128_si256(before, bytes, 0x21);
    __m256i one_back = _mm256_alignr_epi8(bytes, joined, 15);
    __m256i two_back = _mm256_alignr_epi8(bytes, joined, 14);
    __m256i three_back = _mm256_alignr_epi8(bytes, joined, 13);
    __m256i wrong = _mm256_and_si256(
        _mm256_and_si256(
            _mm256_shuffle_epi8(
                upper_of_first, _mm256_and_si256(_mm256_srli_epi16(one_back, 4), half)),
            _mm256_shuffle_epi8(lower_of_first, _mm256_and_si256(one_back, half))),
        _mm256_shuffle_epi8(
            upper_of_second, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half)));
    /* A third or fourth byte has to be what TWO_CONTINUE says. */
    __m256i third = _mm256_subs_epu8(two_back, _mm256_set1_epi8(0xE0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(three_back, _mm256_set1_epi8(0xF0 - 0x80));
    __m256i later = _mm256_and_si256(
        _mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(later, wrong);
}

AVX2 static int wide_valid(const uint8_t* text, Py_ssize_t size) {
    __m256i before = _mm256_setzero_si256(), wrong = before, bytes;
    uint8_t rest[32] = {0};
    Py_ssize_t i;
    for (i = 0; size - i >= 32; i += 32) {
        bytes = _mm256_loadu_si256((const __m256i*)(text + i));
        wrong = _mm256_or_si256(wrong, mistakes(bytes, before));
        before = bytes;
    }
    /* With a zero at least, so that a character that is cut off at the end is a mistake. */
    if (size > i)
        memcpy(rest, text + i, (size_t)(size - i));
    bytes = _mm256_loadu_si256((const __m256i*)rest);
    wrong = _mm256_or_si256(wrong, mistakes(bytes, before));
    return _mm256_testz_si256(wrong, wrong);
}

AVX2 static Shape wide_shape(const uint8_t* text, Py_ssize_t size, const uint8_t* limit) {
    const __m256i last_continuation = _mm256_set1_epi8((char)0xBF);
    __m256i bytes, greatest = _mm256_setzero_si256();
    __m128i half;
    Shape shape = {0, 0};
    Py_ssize_t i = 0;
    uint32_t starts, in_text;
    for (; i < size && limit - text - i >= 32; i += 32) {
        bytes = _mm256_loadu_si256((const __m256i*)(text + i));
        if (size - i < 32) {
            /* Zeros in place of what is not the text's: neither characters nor great. */
            in_text = ((uint32_t)1 << (size - i)) - 1;
            starts = (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(bytes, last_continuation));
            shape.length += _mm_popcnt_u32(starts & in_text);
            in_text &= (uint32_t)_mm256_movemask_epi8(bytes);
            if (in_text) {
                uint32_t two, four;
                two = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(
                    _mm256_max_epu8(bytes, _mm256_set1_epi8((char)0xC4)), bytes));
                four = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(
                    _mm256_max_epu8(bytes, _mm256_set1_epi8((char)0xF0)), bytes));
                shape.width = four & in_text ? 4 : two & in_text ? 2 : 1;
            }
            i = size;
            break;
        }
        starts = (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(bytes, last_continuation));
        shape.length += _mm_popcnt_u32(starts);
        greatest = _mm256_max_epu8(greatest, bytes);
    }
    if (size > 31 && shape.width < 4) {
        int width;
        half = _mm_max_epu8(
            _mm256_castsi256_si128(greatest), _mm256_extracti128_si256(greatest, 1));
        half = _mm_max_epu8(half, _mm_srli_si128(half, 8));
        half = _mm_max_epu8(half, _mm_srli_si128(half, 4));
        half = _mm_max_epu8(half, _mm_srli_si128(half, 2));
        half = _mm_max_epu8(half, _mm_srli_si128(half, 1));
        width = width_of((uint8_t)_mm_cvtsi128_si32(half));
        shape.width = width > shape.width ? width : shape.width;
    }
    if (i < size) {
        Shape rest = shape_of(text + i, size - i);
        shape.length += rest.length;
        shape.width = rest.width > shape.width ? rest.width : shape.width;
    }
    return shape;
}

/* Which of the next 16 bytes are of the text and no continuation. */
AVX2 static inline uint32_t beginnings(__m128i bytes, const uint8_t* at, const uint8_t* end) {
    uint32_t starts =
        (uint32_t)_mm_movemask_epi8(_mm_cmpgt_epi8(bytes, _mm_set1_epi8((char)0xBF)));
    return end - at >= 16 ? starts : starts & (((uint32_t)1 << (end - at)) - 1);
}

/* Up to 16 characters; returns how many. `target` has room for 16. */
AVX2 static inline int step_1(const uint8_t* at, const uint8_t* end, uint8_t* target) {
    __m128i bytes = _mm_loadu_si128((const __m128i*)at);
    __m128i next = _mm_loadu_si128((const __m128i*)(at + 1));
    __m128i pairs = _mm_or_si128(
        _mm_and_si128(_mm_slli_epi16(bytes, 6), _mm_set1_epi8((char)0xC0)),
        _mm_and_si128(next, _mm_set1_epi8(0x3F)));
    /* The upper bit of a first byte chooses, and continuations are left out. */
    __m128i characters = _mm_blendv_epi8(bytes, pairs, bytes);
    uint32_t starts = beginnings(bytes, at, end);
    int first = _mm_popcnt_u32(starts & 0xFF);
    _mm_storel_epi64(
        (__m128i*)target,
        _mm_shuffle_epi8(
            characters, _mm_loadl_epi64((const __m128i*)together_1[starts & 0xFF])));
    _mm_storel_epi64(
        (__m128i*)(target + first),
        _mm_shuffle_epi8(
            _mm_srli_si128(characters, 8),
            _mm_loadl_epi64((const __m128i*)together_1[starts >> 8])));
    return first + _mm_popcnt_u32(starts >> 8);
}

AVX2 static inline int step_2(const uint8_t* at, const uint8_t* end, uint16_t* target) {
    const __m256i six = _mm256_set1_epi16(0x3F);
    __m128i bytes = _mm_loadu_si128((const __m128i*)at);
    __m256i lead = _mm256_cvtepu8_epi16(bytes);
    __m256i second = _mm256_and_si256(
        _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i*)(at + 1))), six);
    __m256i third = _mm256_and_si256(
        _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i*)(at + 2))), six);
    __m256i of_two = _mm256_or_si256(
        _mm256_slli_epi16(_mm256_and_si256(lead, _mm256_set1_epi16(0x1F)), 6), second);
    __m256i of_three = _mm256_or_si256(
        _mm256_or_si256(_mm256_slli_epi16(lead, 12), _mm256_slli_epi16(second, 6)), third);
    __m256i characters = _mm256_blendv_epi8(
        _mm256_blendv_epi8(lead, of_two, _mm256_cmpgt_epi16(lead, _mm256_set1_epi16(0x7F))),
        of_three, _mm256_cmpgt_epi16(lead, _mm256_set1_epi16(0xDF)));
    uint32_t starts = beginnings(bytes, at, end);
    int first = _mm_popcnt_u32(starts & 0xFF);
    _mm_storeu_si128(
        (__m128i*)target,
        _mm_shuffle_epi8(
            _mm256_castsi256_si128(characters),
            _mm_loadu_si128((const __m128i*)together_2[starts & 0xFF])));
    _mm_storeu_si128(
        (__m128i*)(target + first),
        _mm_shuffle_epi8(
            _mm256_extracti128_si256(characters, 1),
            _mm_loadu_si128((const __m128i*)together_2[starts >> 8])));
    return first + _mm_popcnt_u32(starts >> 8);
}

AVX2 static inline __m256i eight_wide(const uint8_t* at) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)at));
}

/* The characters that would begin at each of eight bytes. */
AVX2 static inline __m256i eight_characters(const uint8_t* at) {
    const __m256i six = _mm256_set1_epi32(0x3F);
    __m256i lead = eight_wide(at);
    __m256i second = _mm256_and_si256(eight_wide(at + 1), six);
    __m256i third = _mm256_and_si256(eight_wide(at + 2), six);
    __m256i fourth = _mm256_and_si256(eight_wide(at + 3), six);
    __m256i of_two = _mm256_or_si256(
        _mm256_slli_epi32(_mm256_and_si256(lead, _mm256_set1_epi32(0x1F)), 6), second);
    __m256i of_three = _mm256_or_si256(
        _mm256_slli_epi32(_mm256_and_si256(lead, _mm256_set1_epi32(0x0F)), 12),
        _mm256_or_si256(_mm256_slli_epi32(second, 6), third));
    __m256i of_four = _mm256_or_si256(
        _mm256_or_si256(
            _mm256_slli_epi32(_mm256_and_si256(lead, _mm256_set1_epi32(0x07)), 18),
            _mm256_slli_epi32(second, 12)),
        _mm256_or_si256(_mm256_slli_epi32(third, 6), fourth));
    __m256i found = _mm256_blendv_epi8(
        lead, of_two, _mm256_cmpgt_epi32(lead, _mm256_set1_epi32(0x7F)));
    found = _mm256_blendv_epi8(
        found, of_three, _mm256_cmpgt_epi32(lead, _mm256_set1_epi32(0xDF)));
    return _mm256_blendv_epi8(
        found, of_four, _mm256_cmpgt_epi32(lead, _mm256_set1_epi32(0xEF)));
}

/* Four characters of four bytes each. */
AVX2 static inline __m128i four_of_four(const uint8_t* at) {
    __m128i four = _mm_shuffle_epi8(
        _mm_loadu_si128((const __m128i*)at),
        _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
    /* 64 times the first of two bytes and the second, then 4096 times the first of two pairs. */
    four = _mm_maddubs_epi16(
        _mm_and_si128(four, _mm_set1_epi32(0x073F3F3F)), _mm_set1_epi16(0x4001));
    return _mm_madd_epi16(four, _mm_set1_epi32(0x10000001));
}

AVX2 static inline int step_4(const uint8_t* at, const uint8_t* end, uint32_t* target) {
    __m128i bytes = _mm_loadu_si128((const __m128i*)at);
    uint32_t starts = beginnings(bytes, at, end);
    uint32_t of_four = (uint32_t)_mm_movemask_epi8(
        _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8((char)0xF0)), bytes));
    int first = _mm_popcnt_u32(starts & 0xFF);
    /* Text is often of one kind for long. */
    if (starts == 0xFFFF && !_mm_movemask_epi8(bytes)) {
        _mm256_storeu_si256((__m256i*)target, eight_wide(at));
        _mm256_storeu_si256((__m256i*)(target + 8), eight_wide(at + 8));
        return 16;
    }
    if (starts && starts == of_four && starts == (uint32_t)0x1111 << __builtin_ctz(starts)) {
        _mm_storeu_si128((__m128i*)target, four_of_four(at + __builtin_ctz(starts)));
        return 4;
    }
    _mm256_storeu_si256(
        (__m256i*)target,
        _mm256_permutevar8x32_epi32(
            eight_characters(at), eight_wide(together_4[starts & 0xFF])));
    _mm256_storeu_si256(
        (__m256i*)(target + first),
        _mm256_permutevar8x32_epi32(
            eight_characters(at + 8), eight_wide(together_4[starts >> 8])));
    return first + _mm_popcnt_u32(starts >> 8);
}

/* Straight into the string while there is room for whole vectors, its end by way of `rest`. A step
   reads 16 bytes and up to 3 more. */
#define WIDE_FILL(name, type, step, plain)                                                         \
    AVX2 static void name(                                                                         \
            const uint8_t* at, const uint8_t* end, const uint8_t* limit, type* target,             \
            Py_ssize_t room) {                                                                     \
        type rest[2 * 16 + 16], *to = rest;                                                        \
        type* stop = target + room;                                                                \
        for (; at < end && stop - target >= 16 && limit - at >= 20; at += 16)                      \
            target += step(at, end, target);                                                       \
        _mm256_zeroupper();                                                                        \
        if (stop - target >= 16) {                                                                 \
            plain(at, end, target);                                                                \
            return;                                                                                \
        }                                                                                          \
        for (; at < end && limit - at >= 20; at += 16)                                             \
            to += step(at, end, to);                                                               \
        _mm256_zeroupper();                                                                        \
        plain(at, end, to);                                                                        \
        memcpy(target, rest, (size_t)(stop - target) * sizeof(type));                              \
    }

WIDE_FILL(wide_fill_1, uint8_t, step_1, fill_1)
WIDE_FILL(wide_fill_2, uint16_t, step_2, fill_2)
WIDE_FILL(wide_fill_4, uint32_t, step_4, fill_4)

AVX2 static uint8_t* wide_write_1(const uint8_t* at, Py_ssize_t length, uint8_t* target) {
    const uint8_t* end = at + length;
    for (; end - at >= 8; at += 8) {
        __m128i bytes = _mm_loadl_epi64((const __m128i*)at);
        __m128i characters = _mm_cvtepu8_epi16(bytes);
        __m128i pairs = _mm_or_si128(
            _mm_or_si128(
                _mm_srli_epi16(characters, 6),
                _mm_slli_epi16(_mm_and_si128(characters, _mm_set1_epi16(0x3F)), 8)),
            _mm_set1_epi16((short)0x80C0));
        uint32_t beyond = (uint32_t)_mm_movemask_epi8(bytes);
        characters = _mm_blendv_epi8(
            characters, pairs, _mm_cmpgt_epi16(characters, _mm_set1_epi16(0x7F)));
        _mm_storeu_si128(
            (__m128i*)target,
            _mm_shuffle_epi8(
                characters, _mm_loadu_si128((const __m128i*)one_or_two[beyond & 0xFF])));
        target += 8 + _mm_popcnt_u32(beyond & 0xFF);
    }
    return write_1(at, end, target);
}

/* Eight characters; surrogates are added to `surrogates`. */
AVX2 static inline uint8_t* write_eight(
        __m256i characters, uint8_t* target, __m256i* surrogates) {
    const __m256i six = _mm256_set1_epi32(0x3F);
    __m256i last = _mm256_and_si256(characters, six);
    __m256i middle = _mm256_and_si256(_mm256_srli_epi32(characters, 6), six);
    __m256i upper = _mm256_srli_epi32(characters, 12);
    __m256i of_two = _mm256_or_si256(
        _mm256_or_si256(_mm256_srli_epi32(characters, 6), _mm256_slli_epi32(last, 8)),
        _mm256_set1_epi32(0x80C0));
    __m256i of_three = _mm256_or_si256(
        _mm256_or_si256(upper, _mm256_slli_epi32(middle, 8)),
        _mm256_or_si256(_mm256_slli_epi32(last, 16), _mm256_set1_epi32(0x8080E0)));
    __m256i over_1 = _mm256_cmpgt_epi32(characters, _mm256_set1_epi32(0x7F));
    __m256i over_2 = _mm256_cmpgt_epi32(characters, _mm256_set1_epi32(0x7FF));
    __m256i over_3 = _mm256_cmpgt_epi32(characters, _mm256_set1_epi32(0xFFFF));
    __m256i bytes = _mm256_blendv_epi8(
        _mm256_blendv_epi8(characters, of_two, over_1), of_three, over_2);
    uint32_t one, two, four;
    int first, second;
    *surrogates = _mm256_or_si256(
        *surrogates,
        _mm256_cmpeq_epi32(
            _mm256_and_si256(characters, _mm256_set1_epi32(0x1FF800)),
            _mm256_set1_epi32(0xD800)));
    one = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(over_1));
    two = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(over_2));
    four = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(over_3));
    if (four) {
        __m256i of_four = _mm256_or_si256(
            _mm256_or_si256(
                _mm256_srli_epi32(characters, 18),
                _mm256_slli_epi32(_mm256_and_si256(upper, six), 8)),
            _mm256_or_si256(
                _mm256_or_si256(_mm256_slli_epi32(middle, 16), _mm256_slli_epi32(last, 24)),
                _mm256_set1_epi32((int)0x808080F0)));
        bytes = _mm256_blendv_epi8(bytes, of_four, over_3);
    }
    first = 4 + _mm_popcnt_u32((one & 15) | (two & 15) << 4 | (four & 15) << 8);
    second = 4 + _mm_popcnt_u32(one >> 4 | (two & 0xF0) | (four & 0xF0) << 4);
    /* One byte more than one: 1; two: 2; three: 1 and 2. */
    one ^= two ^ four;
    _mm_storeu_si128(
        (__m128i*)target,
        _mm_shuffle_epi8(
            _mm256_castsi256_si128(bytes),
            _mm_loadu_si128(
                (const __m128i*)one_to_four[(one & 15) | (two & 15) << 4])));
    _mm_storeu_si128(
        (__m128i*)(target + first),
        _mm_shuffle_epi8(
            _mm256_extracti128_si256(bytes, 1),
            _mm_loadu_si128((const __m128i*)one_to_four[one >> 4 | (two & 0xF0)])));
    return target + first + second;
}

AVX2 static uint8_t* wide_write_2(const uint16_t* at, Py_ssize_t length, uint8_t* target) {
    const uint16_t* end = at + length;
    __m256i surrogates = _mm256_setzero_si256();
    int whole;
    for (; end - at >= 8; at += 8)
        target = write_eight(
            _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i*)at)), target, &surrogates);
    whole = _mm256_testz_si256(surrogates, surrogates);
    _mm256_zeroupper();
    return whole ? write_2(at, end, target) : NULL;
}

AVX2 static uint8_t* wide_write_4(const uint32_t* at, Py_ssize_t length, uint8_t* target) {
    const uint32_t* end = at + length;
    __m256i surrogates = _mm256_setzero_si256();
    int whole;
    for (; end - at >= 8; at += 8)
        target = write_eight(_mm256_loadu_si256((const __m256i*)at), target, &surrogates);
    whole = _mm256_testz_si256(surrogates, surrogates);
    _mm256_zeroupper();
    return whole ? write_4(at, end, target) : NULL;
}

#endif
