package org.apache.spark.sql.hydrofoil.compiled

import java.math.{BigDecimal => JavaDecimal, RoundingMode}
import java.nio.charset.StandardCharsets.US_ASCII

import org.apache.spark.unsafe.Platform

/** What generated code calls to make new text; texts that it gets are ASCII where it says so. */
abstract class PyMade

object PyMade {

  private val LOWER = 1
  private val UPPER = 2
  private val DIGIT = 4
  private val SPACE = 8

  private val kinds = Array.tabulate[Int](128) { c =>
    if (c >= 'a' && c <= 'z') LOWER
    else if (c >= 'A' && c <= 'Z') UPPER
    else if (c >= '0' && c <= '9') DIGIT
    else if (c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f)) SPACE
    else 0
  }
  private val up = Array.tabulate(128)(c => (if (kinds(c) == LOWER) c - 32 else c).toByte)
  private val down = Array.tabulate(128)(c => (if (kinds(c) == UPPER) c + 32 else c).toByte)
  private val other = Array.tabulate(128)(c => if (kinds(c) == LOWER) up(c) else down(c))

  /** Of ASCII: upper, lower, swapcase, capitalize or title. */
  def upper(text: PyStr): PyStr = changed(text, 'a')
  def lower(text: PyStr): PyStr = changed(text, 'A')

  private val ONES = 0x0101010101010101L
  private val HIGHS = 0x8080808080808080L

  /** The text with all letters of the case of `first` in the other one, eight at a time. */
  private def changed(text: PyStr, first: Int): PyStr = {
    val bytes = text.getBytes
    val least = (0x80 - first) * ONES
    val beyond = (0x80 - first - 26) * ONES
    var i = 0
    while (i + 8 <= bytes.length) {
      val at = Platform.BYTE_ARRAY_OFFSET + i
      val eight = Platform.getLong(bytes, at)
      val letters = (eight + least) & ~(eight + beyond) & HIGHS
      Platform.putLong(bytes, at, eight ^ (letters >>> 2))
      i += 8
    }
    while (i < bytes.length) {
      val byte = bytes(i)
      if (byte >= first && byte < first + 26) bytes(i) = (byte ^ 32).toByte
      i += 1
    }
    PyStr.of(bytes)
  }

  def swapcase(text: PyStr): PyStr = {
    val bytes = text.getBytes
    var i = 0
    while (i < bytes.length) {
      bytes(i) = other(bytes(i))
      i += 1
    }
    PyStr.of(bytes)
  }

  def capitalize(text: PyStr): PyStr = {
    val bytes = new Array[Byte](text.numBytes)
    var i = 0
    while (i < bytes.length) {
      bytes(i) = if (i == 0) up(text.getByte(i)) else down(text.getByte(i))
      i += 1
    }
    PyStr.of(bytes)
  }

  def title(text: PyStr): PyStr = {
    val bytes = new Array[Byte](text.numBytes)
    var inside = false
    var i = 0
    while (i < bytes.length) {
      val byte = text.getByte(i)
      bytes(i) = if (inside) down(byte) else up(byte)
      inside = (kinds(byte) & (LOWER | UPPER)) != 0
      i += 1
    }
    PyStr.of(bytes)
  }

  /** Python's isdigit, isalpha and others of ASCII: some characters, and all of the kind. */
  def isDigit(text: PyStr): Boolean = all(text, DIGIT)
  def isAlpha(text: PyStr): Boolean = all(text, LOWER | UPPER)
  def isAlnum(text: PyStr): Boolean = all(text, LOWER | UPPER | DIGIT)
  def isSpace(text: PyStr): Boolean = all(text, SPACE)

  private def all(text: PyStr, wanted: Int): Boolean = {
    val n = text.numBytes
    var i = 0
    while (i < n && (kinds(text.getByte(i)) & wanted) != 0) i += 1
    n > 0 && i == n
  }

  def isUpper(text: PyStr): Boolean = cased(text, UPPER, LOWER)
  def isLower(text: PyStr): Boolean = cased(text, LOWER, UPPER)

  private def cased(text: PyStr, wanted: Int, not: Int): Boolean = {
    val n = text.numBytes
    var seen = 0
    var i = 0
    while (i < n) {
      seen |= kinds(text.getByte(i))
      i += 1
    }
    (seen & wanted) != 0 && (seen & not) == 0
  }

  def concat(a: PyStr, b: PyStr): PyStr = PyStr.concat(a, b)
  def concat(all: Array[PyStr]): PyStr = PyStr.concat(all)

  private val LONGEST = 1L << 20

  /** `text * times`; null where it is very long. */
  def repeat(text: PyStr, times: Long): PyStr =
    if (times <= 0) PyStr.EMPTY
    else if (times > LONGEST || times * text.numBytes > LONGEST) null
    else {
      val made = new Array[Byte](text.numBytes * times.toInt)
      var i = 0
      while (i < times) {
        PyStr.put(text, made, text.numBytes * i)
        i += 1
      }
      PyStr.of(made)
    }

  /** `text.replace(old, by)`, of which `old` is not empty. */
  def replace(text: PyStr, old: PyStr, by: PyStr): PyStr = {
    val first = PyText.find(text, old, 0)
    if (first < 0) return text
    if (old.numBytes == 1 && by.numBytes == 1) {
      return replaceByte(text.getBytes, first, old.getByte(0), by.getByte(0))
    }
    val (from, to) = (old.numBytes, by.numBytes)
    val times = PyText.count(text, old)
    val size = text.numBytes + times * (to - from)
    if (size > Int.MaxValue - 64) return null
    val made = new Array[Byte](size.toInt)
    var (read, written, at) = (0, 0, first)
    while (at >= 0) {
      PyStr.put(PyText.part(text, read, at), made, written)
      written += at - read
      PyStr.put(by, made, written)
      written += to
      read = at + from
      at = PyText.find(text, old, read)
    }
    PyStr.put(PyText.part(text, read, text.numBytes), made, written)
    PyStr.of(made)
  }

  private def replaceByte(bytes: Array[Byte], from: Int, old: Byte, by: Byte): PyStr = {
    var i = from
    while (i < bytes.length) {
      if (bytes(i) == old) bytes(i) = by
      i += 1
    }
    PyStr.of(bytes)
  }

  /** Parts that `text.split(by)` has; `by` is not empty. */
  def parts(text: PyStr, by: PyStr): Long = PyText.count(text, by) + 1

  /** `text.split(by)[index]`; null where there are not so many. */
  def splitPart(text: PyStr, by: PyStr, index: Long): PyStr = {
    val wanted = if (index < 0) parts(text, by) + index else index
    if (wanted < 0) return null
    var from = 0
    var left = wanted
    while (true) {
      val at = PyText.find(text, by, from)
      if (left == 0) return PyText.part(text, from, if (at < 0) text.numBytes else at)
      if (at < 0) return null
      from = at + by.numBytes
      left -= 1
    }
    null
  }

  /** Where the next word of ASCII begins, or the end. */
  private def wordFrom(text: PyStr, from: Int): Int = {
    var i = from
    while (i < text.numBytes && (kinds(text.getByte(i)) & SPACE) != 0) i += 1
    i
  }

  private def wordUntil(text: PyStr, from: Int): Int = {
    var i = from
    while (i < text.numBytes && (kinds(text.getByte(i)) & SPACE) == 0) i += 1
    i
  }

  /** Parts that `text.split()` has, of ASCII. */
  def words(text: PyStr): Long = {
    var n = 0L
    var i = wordFrom(text, 0)
    while (i < text.numBytes) {
      n += 1
      i = wordFrom(text, wordUntil(text, i))
    }
    n
  }

  /** `text.split()[index]`; null where there are not so many. */
  def word(text: PyStr, index: Long): PyStr = {
    var left = if (index < 0) words(text) + index else index
    if (left < 0) return null
    var i = wordFrom(text, 0)
    while (i < text.numBytes) {
      val end = wordUntil(text, i)
      if (left == 0) return PyText.part(text, i, end)
      left -= 1
      i = wordFrom(text, end)
    }
    null
  }

  /** `by.join(text.split())`. */
  def joinWords(text: PyStr, by: PyStr): PyStr = {
    val made = new PyChars
    var i = wordFrom(text, 0)
    while (i < text.numBytes) {
      val end = wordUntil(text, i)
      made.add(PyText.part(text, i, end), by)
      i = wordFrom(text, end)
    }
    made.text()
  }

  /** The text with characters before or after it until it is so many long; it is ASCII. */
  def padded(text: PyStr, width: Long, by: Byte, left: Boolean, right: Boolean): PyStr = {
    val n = text.numBytes
    if (width > LONGEST) return null
    if (width <= n) return text
    val pad = (width - n).toInt
    // As Python's center does, which has the odd one at the left where the width is odd.
    val before =
      if (left && right) pad / 2 + (pad & width.toInt & 1) else if (left) pad else 0
    val made = new Array[Byte](width.toInt)
    java.util.Arrays.fill(made, by)
    System.arraycopy(text.getBytes, 0, made, before, n)
    PyStr.of(made)
  }

  def zfill(text: PyStr, width: Long): PyStr = {
    val made = padded(text, width, '0', left = true, right = false)
    if (made != null && made.numBytes > text.numBytes && text.numBytes > 0) {
      val sign = text.getByte(0)
      if (sign == '-' || sign == '+') {
        val bytes = made.getBytes
        bytes(made.numBytes - text.numBytes) = '0'
        bytes(0) = sign
        return PyStr.of(bytes)
      }
    }
    made
  }

  def ofLong(value: Long): PyStr =
    if (value == Long.MinValue) ascii(value.toString)
    else decimal(Math.abs(value), 0, value < 0)

  def ofBool(value: Boolean): PyStr = ascii(if (value) "True" else "False")

  private[compiled] def ascii(text: String): PyStr = PyStr.of(
    text.getBytes(US_ASCII))

  private val POWERS = Array.iterate(1L, 10)(_ * 10L)

  /** `format(value, ".{digits}f")`, with commas if `grouped`. */
  def fixed(value: Double, digits: Int, grouped: Boolean): PyStr = {
    if (!(Math.abs(value) < 1e15)) return null
    val negative = value < 0 || (value == 0.0 && 1.0 / value < 0)
    if (digits < POWERS.length && !grouped) {
      val scaled = PyNumbers.scaled(Math.abs(value), digits)
      if (scaled >= 0) return decimal(scaled, digits, negative)
    }
    val exact = new JavaDecimal(Math.abs(value)).setScale(digits, RoundingMode.HALF_EVEN)
    val plain = exact.toPlainString
    ascii((if (negative) "-" else "") + (if (grouped) withCommas(plain) else plain))
  }

  /** The digits of an integer, of which so many follow a point. */
  private def decimal(scaled: Long, digits: Int, negative: Boolean): PyStr = {
    val bytes = new Array[Byte](24)
    var at = 24
    var left = scaled
    var n = 0
    while (left > 0 || n <= digits) {
      if (n == digits && n > 0) {
        at -= 1
        bytes(at) = '.'
      }
      at -= 1
      bytes(at) = ('0' + left % 10).toByte
      left /= 10
      n += 1
    }
    if (negative) {
      at -= 1
      bytes(at) = '-'
    }
    new PyStr(bytes, Platform.BYTE_ARRAY_OFFSET + at, 24 - at)
  }

  def grouped(value: Long): PyStr =
    if (value == Long.MinValue) null
    else ascii((if (value < 0) "-" else "") + withCommas(Math.abs(value).toString))

  private def withCommas(plain: String): String = {
    val whole = plain.takeWhile(_ != '.')
    val first = (whole.length - 1) % 3 + 1
    val groups = whole.take(first) +: whole.drop(first).grouped(3).toSeq
    groups.mkString(",") + plain.drop(whole.length)
  }
}
