package org.apache.spark.sql.hydrofoil.compiled

import java.math.{BigDecimal => JavaDecimal, RoundingMode}
import java.nio.charset.StandardCharsets.US_ASCII

import org.apache.spark.unsafe.types.UTF8String

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
  def upper(text: UTF8String): UTF8String = mapped(text, up)
  def lower(text: UTF8String): UTF8String = mapped(text, down)
  def swapcase(text: UTF8String): UTF8String = mapped(text, other)

  private def mapped(text: UTF8String, to: Array[Byte]): UTF8String = {
    val bytes = new Array[Byte](text.numBytes)
    var i = 0
    while (i < bytes.length) {
      bytes(i) = to(text.getByte(i))
      i += 1
    }
    UTF8String.fromBytes(bytes)
  }

  def capitalize(text: UTF8String): UTF8String = {
    val bytes = new Array[Byte](text.numBytes)
    var i = 0
    while (i < bytes.length) {
      bytes(i) = if (i == 0) up(text.getByte(i)) else down(text.getByte(i))
      i += 1
    }
    UTF8String.fromBytes(bytes)
  }

  def title(text: UTF8String): UTF8String = {
    val bytes = new Array[Byte](text.numBytes)
    var inside = false
    var i = 0
    while (i < bytes.length) {
      val byte = text.getByte(i)
      bytes(i) = if (inside) down(byte) else up(byte)
      inside = (kinds(byte) & (LOWER | UPPER)) != 0
      i += 1
    }
    UTF8String.fromBytes(bytes)
  }

  /** Python's isdigit, isalpha and others of ASCII: some characters, and all of the kind. */
  def isDigit(text: UTF8String): Boolean = all(text, DIGIT)
  def isAlpha(text: UTF8String): Boolean = all(text, LOWER | UPPER)
  def isAlnum(text: UTF8String): Boolean = all(text, LOWER | UPPER | DIGIT)
  def isSpace(text: UTF8String): Boolean = all(text, SPACE)

  private def all(text: UTF8String, wanted: Int): Boolean = {
    val n = text.numBytes
    var i = 0
    while (i < n && (kinds(text.getByte(i)) & wanted) != 0) i += 1
    n > 0 && i == n
  }

  def isUpper(text: UTF8String): Boolean = cased(text, UPPER, LOWER)
  def isLower(text: UTF8String): Boolean = cased(text, LOWER, UPPER)

  private def cased(text: UTF8String, wanted: Int, not: Int): Boolean = {
    val n = text.numBytes
    var seen = 0
    var i = 0
    while (i < n) {
      seen |= kinds(text.getByte(i))
      i += 1
    }
    (seen & wanted) != 0 && (seen & not) == 0
  }

  def concat(a: UTF8String, b: UTF8String): UTF8String = UTF8String.concat(a, b)
  def concat(a: UTF8String, b: UTF8String, c: UTF8String): UTF8String = UTF8String.concat(a, b, c)
  def concat(all: Array[UTF8String]): UTF8String = UTF8String.concat(all: _*)

  private val LONGEST = 1L << 20

  /** `text * times`; null where it is very long. */
  def repeat(text: UTF8String, times: Long): UTF8String =
    if (times <= 0) UTF8String.EMPTY_UTF8
    else if (times > LONGEST || times * text.numBytes > LONGEST) null
    else text.repeat(times.toInt)

  /** `text.replace(old, by)`, of which `old` is not empty. */
  def replace(text: UTF8String, old: UTF8String, by: UTF8String): UTF8String = {
    var at = PyText.find(text, old, 0)
    if (at < 0) return text
    val (from, to) = (old.numBytes, by.getBytes)
    val times = PyText.count(text, old)
    val size = text.numBytes + times * (to.length - from)
    if (size > Int.MaxValue - 64) return null
    val bytes = text.getBytes
    val made = new Array[Byte](size.toInt)
    var (read, written) = (0, 0)
    while (at >= 0) {
      System.arraycopy(bytes, read, made, written, at - read)
      written += at - read
      System.arraycopy(to, 0, made, written, to.length)
      written += to.length
      read = at + from
      at = PyText.find(text, old, read)
    }
    System.arraycopy(bytes, read, made, written, bytes.length - read)
    UTF8String.fromBytes(made)
  }

  /** Parts that `text.split(by)` has; `by` is not empty. */
  def parts(text: UTF8String, by: UTF8String): Long = PyText.count(text, by) + 1

  /** `text.split(by)[index]`; null where there are not so many. */
  def splitPart(text: UTF8String, by: UTF8String, index: Long): UTF8String = {
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
  private def wordFrom(text: UTF8String, from: Int): Int = {
    var i = from
    while (i < text.numBytes && (kinds(text.getByte(i)) & SPACE) != 0) i += 1
    i
  }

  private def wordUntil(text: UTF8String, from: Int): Int = {
    var i = from
    while (i < text.numBytes && (kinds(text.getByte(i)) & SPACE) == 0) i += 1
    i
  }

  /** Parts that `text.split()` has, of ASCII. */
  def words(text: UTF8String): Long = {
    var n = 0L
    var i = wordFrom(text, 0)
    while (i < text.numBytes) {
      n += 1
      i = wordFrom(text, wordUntil(text, i))
    }
    n
  }

  /** `text.split()[index]`; null where there are not so many. */
  def word(text: UTF8String, index: Long): UTF8String = {
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
  def joinWords(text: UTF8String, by: UTF8String): UTF8String = {
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
  def padded(text: UTF8String, width: Long, by: Byte, left: Boolean, right: Boolean): UTF8String = {
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
    UTF8String.fromBytes(made)
  }

  def zfill(text: UTF8String, width: Long): UTF8String = {
    val made = padded(text, width, '0', left = true, right = false)
    if (made != null && made.numBytes > text.numBytes && text.numBytes > 0) {
      val sign = text.getByte(0)
      if (sign == '-' || sign == '+') {
        val bytes = made.getBytes
        bytes(made.numBytes - text.numBytes) = '0'
        bytes(0) = sign
        return UTF8String.fromBytes(bytes)
      }
    }
    made
  }

  def ofLong(value: Long): UTF8String = ascii(java.lang.Long.toString(value))

  def ofBool(value: Boolean): UTF8String = ascii(if (value) "True" else "False")

  private[compiled] def ascii(text: String): UTF8String = UTF8String.fromBytes(
    text.getBytes(US_ASCII))

  /** `format(value, ".{digits}f")`, with commas if `grouped`. */
  def fixed(value: Double, digits: Int, grouped: Boolean): UTF8String = {
    if (!(Math.abs(value) < 1e15)) return null
    val exact = new JavaDecimal(Math.abs(value)).setScale(digits, RoundingMode.HALF_EVEN)
    val plain = exact.toPlainString
    val negative = value < 0 || (value == 0.0 && 1.0 / value < 0)
    ascii((if (negative) "-" else "") + (if (grouped) withCommas(plain) else plain))
  }

  def grouped(value: Long): UTF8String =
    if (value == Long.MinValue) null
    else ascii((if (value < 0) "-" else "") + withCommas(Math.abs(value).toString))

  private def withCommas(plain: String): String = {
    val whole = plain.takeWhile(_ != '.')
    val first = (whole.length - 1) % 3 + 1
    val groups = whole.take(first) +: whole.drop(first).grouped(3).toSeq
    groups.mkString(",") + plain.drop(whole.length)
  }
}
