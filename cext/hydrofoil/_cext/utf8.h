/* UTF-8 into the memory of `str`, and back: the portable loops, and which loops are used.

   CPython keeps a string as an array of 1, 2 or 4 bytes a character, as its greatest character
   asks. All text here is known to be valid UTF-8 but for what `valid` looks at, so no loop checks
   anything. `wide_*` (utf8_avx2.h) and `widest_*` (utf8_avx512.h) do the same with vectors, where
   the processor has them. */

#ifndef HYDROFOIL_UTF8_H
#define HYDROFOIL_UTF8_H

#include <stdint.h>
#include <string.h>
#include "Python.h"

#if defined(__x86_64__) && (__GNUC__ >= 9 || defined(__clang__))
#define HYDROFOIL_WIDE 1
#else
#define HYDROFOIL_WIDE 0
#endif

enum { PORTABLE_LOOPS, AVX2_LOOPS, AVX512_LOOPS };

/* Vector loops write whole vectors: bytes of UTF-8 beyond the end, and characters that a target has
   room for beyond the string's, if `fill` is to write straight to its end. */
#define HYDROFOIL_SLACK 64
#define HYDROFOIL_ROOM 16

/* Strings of up to so many bytes are decoded aside, and copied. */
#define HYDROFOIL_SHORT 96

#define HIGH_BITS 0x8080808080808080ull

/* What one string is: its characters, and a byte that no byte of it is greater than but that says
   which kind of memory it needs. */
typedef struct {
    Py_ssize_t length;
    int width; /* 0: ASCII; 1, 2, 4: bytes a character */
} Shape;

static inline uint64_t eight(const uint8_t* at) {
    uint64_t bytes;
    memcpy(&bytes, at, 8);
    return bytes;
}

static inline int continues(uint8_t byte) { return (byte & 0xC0) == 0x80; }

/* How many bytes at the beginning are ASCII; all, or any number before the first that is not. */
static Py_ssize_t ascii_prefix(const uint8_t* text, Py_ssize_t size) {
    Py_ssize_t i = 0;
    while (size - i >= 32
           && !((eight(text + i) | eight(text + i + 8) | eight(text + i + 16)
                 | eight(text + i + 24)) & HIGH_BITS))
        i += 32;
    while (size - i >= 8 && !(eight(text + i) & HIGH_BITS))
        i += 8;
    while (i < size && text[i] < 0x80)
        i++;
    return i;
}

static int valid(const uint8_t* at, Py_ssize_t size) {
    const uint8_t* end = at + size;
    for (;;) {
        at += ascii_prefix(at, end - at);
        if (at == end)
            return 1;
        if (*at < 0xE0) {
            if (*at < 0xC2 || end - at < 2 || !continues(at[1]))
                return 0;
            at += 2;
        } else if (*at < 0xF0) {
            if (end - at < 3 || !continues(at[1]) || !continues(at[2])
                    || (*at == 0xE0 && at[1] < 0xA0) || (*at == 0xED && at[1] >= 0xA0))
                return 0;
            at += 3;
        } else {
            if (*at > 0xF4 || end - at < 4 || !continues(at[1]) || !continues(at[2])
                    || !continues(at[3]) || (*at == 0xF0 && at[1] < 0x90)
                    || (*at == 0xF4 && at[1] >= 0x90))
                return 0;
            at += 4;
        }
    }
}

/* The first bytes of characters up to U+FF are at most 0xC3, up to U+FFFF 0xEF. */
static inline int width_of(uint8_t greatest) {
    return greatest < 0x80 ? 0 : greatest < 0xC4 ? 1 : greatest < 0xF0 ? 2 : 4;
}

static Shape shape_of(const uint8_t* text, Py_ssize_t size) {
    Shape shape = {0, 0};
    uint8_t greatest = 0;
    Py_ssize_t i;
    for (i = 0; i < size; i++) {
        shape.length += !continues(text[i]);
        greatest = text[i] > greatest ? text[i] : greatest;
    }
    shape.width = width_of(greatest);
    return shape;
}

/* Fills `target` from text that may begin inside of a character, which is then skipped. */
#define FILL(name, type)                                                                          \
    static type* name(const uint8_t* at, const uint8_t* end, type* target) {                      \
        while (at < end && continues(*at))                                                        \
            at++;                                                                                 \
        while (at < end) {                                                                        \
            if (*at < 0x80) {                                                                     \
                *target++ = *at++;                                                                \
            } else if (*at < 0xE0) {                                                              \
                *target++ = (type)((at[0] & 0x1F) << 6 | (at[1] & 0x3F));                         \
                at += 2;                                                                          \
            } else if (*at < 0xF0) {                                                              \
                *target++ = (type)((at[0] & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F));  \
                at += 3;                                                                          \
            } else {                                                                              \
                *target++ = (type)((at[0] & 0x07) << 18 | (at[1] & 0x3F) << 12                    \
                                   | (at[2] & 0x3F) << 6 | (at[3] & 0x3F));                       \
                at += 4;                                                                          \
            }                                                                                     \
        }                                                                                         \
        return target;                                                                            \
    }

FILL(fill_1, uint8_t)
FILL(fill_2, uint16_t)
FILL(fill_4, uint32_t)

/* Writes characters as UTF-8; NULL where one is a lone surrogate, which has none. */
#define WRITE(name, type)                                                                         \
    static uint8_t* name(const type* at, const type* end, uint8_t* target) {                      \
        for (; at < end; at++) {                                                                  \
            uint32_t c = *at;                                                                     \
            if (c < 0x80) {                                                                       \
                *target++ = (uint8_t)c;                                                           \
            } else if (c < 0x800) {                                                               \
                *target++ = (uint8_t)(0xC0 | c >> 6);                                             \
                *target++ = (uint8_t)(0x80 | (c & 0x3F));                                         \
            } else if (c < 0x10000) {                                                             \
                if ((c & 0xF800) == 0xD800)                                                       \
                    return NULL;                                                                  \
                *target++ = (uint8_t)(0xE0 | c >> 12);                                            \
                *target++ = (uint8_t)(0x80 | (c >> 6 & 0x3F));                                    \
                *target++ = (uint8_t)(0x80 | (c & 0x3F));                                         \
            } else {                                                                              \
                *target++ = (uint8_t)(0xF0 | c >> 18);                                            \
                *target++ = (uint8_t)(0x80 | (c >> 12 & 0x3F));                                   \
                *target++ = (uint8_t)(0x80 | (c >> 6 & 0x3F));                                    \
                *target++ = (uint8_t)(0x80 | (c & 0x3F));                                         \
            }                                                                                     \
        }                                                                                         \
        return target;                                                                            \
    }

WRITE(write_1, uint8_t)
WRITE(write_2, uint16_t)
WRITE(write_4, uint32_t)

#if HYDROFOIL_WIDE
#include "utf8_avx2.h"
#include "utf8_avx512.h"
#endif

/* Which loops are used; set by `choose_loops`. */
static int loops = PORTABLE_LOOPS;

static int best_loops(void) {
#if HYDROFOIL_WIDE
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("popcnt"))
        return PORTABLE_LOOPS;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi")
            && __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2"))
        return AVX512_LOOPS;
    return AVX2_LOOPS;
#else
    return PORTABLE_LOOPS;
#endif
}

/* The wanted ones, or the best that there are. */
static void choose_loops(int wanted) {
    int best = best_loops();
    loops = wanted < best ? wanted : best;
#if HYDROFOIL_WIDE
    if (loops != PORTABLE_LOOPS)
        wide_tables();
#endif
}

static int is_valid(const uint8_t* text, Py_ssize_t size) {
#if HYDROFOIL_WIDE
    if (loops == AVX512_LOOPS)
        return widest_valid(text, size);
    if (loops == AVX2_LOOPS)
        return wide_valid(text, size);
#endif
    return valid(text, size);
}

/* `limit` is the end of the memory that may be read, at least that of the text. */
static inline Shape find_shape(const uint8_t* text, Py_ssize_t size, const uint8_t* limit) {
#if HYDROFOIL_WIDE
    if (loops == AVX512_LOOPS)
        return widest_shape(text, size);
    if (loops == AVX2_LOOPS)
        return wide_shape(text, size, limit);
#endif
    (void)limit;
    return shape_of(text, size);
}

/* Whether a target should have HYDROFOIL_ROOM, for these loops and so much text. */
static inline int wants_room(Py_ssize_t size) {
    return loops == AVX2_LOOPS && size <= HYDROFOIL_SHORT;
}

/* Writes the characters of a shape's width; the target has room for so many or more. */
static inline void fill(
        const uint8_t* text, Py_ssize_t size, const uint8_t* limit, int width, void* target,
        Py_ssize_t room) {
    const uint8_t* end = text + size;
#if HYDROFOIL_WIDE
    if (loops == AVX512_LOOPS) {
        if (width == 1)
            widest_fill_1(text, end, (uint8_t*)target);
        else if (width == 2)
            widest_fill_2(text, end, (uint16_t*)target);
        else
            widest_fill_4(text, end, (uint32_t*)target);
        return;
    }
    if (loops == AVX2_LOOPS) {
        if (width == 1)
            wide_fill_1(text, end, limit, (uint8_t*)target, room);
        else if (width == 2)
            wide_fill_2(text, end, limit, (uint16_t*)target, room);
        else
            wide_fill_4(text, end, limit, (uint32_t*)target, room);
        return;
    }
#endif
    (void)limit;
    (void)room;
    if (width == 1)
        fill_1(text, end, (uint8_t*)target);
    else if (width == 2)
        fill_2(text, end, (uint16_t*)target);
    else
        fill_4(text, end, (uint32_t*)target);
}

static inline uint8_t* write_utf8(const void* data, int kind, Py_ssize_t length, uint8_t* target) {
#if HYDROFOIL_WIDE
    if (loops == AVX512_LOOPS) {
        if (kind == 1)
            return widest_write_1((const uint8_t*)data, length, target);
        if (kind == 2)
            return widest_write_2((const uint16_t*)data, length, target);
        return widest_write_4((const uint32_t*)data, length, target);
    }
    if (loops == AVX2_LOOPS) {
        if (kind == 1)
            return wide_write_1((const uint8_t*)data, length, target);
        if (kind == 2)
            return wide_write_2((const uint16_t*)data, length, target);
        return wide_write_4((const uint32_t*)data, length, target);
    }
#endif
    if (kind == 1)
        return write_1((const uint8_t*)data, (const uint8_t*)data + length, target);
    if (kind == 2)
        return write_2((const uint16_t*)data, (const uint16_t*)data + length, target);
    return write_4((const uint32_t*)data, (const uint32_t*)data + length, target);
}

#endif
