package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.unsafe.Platform

/** What generated code calls for Python's text. Where a method answers null, it can't say. */
abstract class PyText

object PyText {

  private val HIGH = 0x8080808080808080L

  def isAscii(text: PyStr): Boolean = {
    val base = text.base
    val from = text.offset
    val length = text.numBytes
    var i = 0
    while (i + 8 <= length) {
      if ((Platform.getLong(base, from + i) & HIGH) != 0L) return false
      i += 8
    }
    while (i < length) {
      if (Platform.getByte(base, from + i) < 0) return false
      i += 1
    }
    true
  }

  /** Whether Python's decoder takes them: no surrogates, nothing overlong or beyond Unicode. */
  def isUtf8(text: PyStr): Boolean = {
    val n = text.numBytes
    var i = 0
    while (i < n) {
      val first = text.getByte(i) & 0xff
      val more =
        if (first < 0x80) 0
        else if (first < 0xc2) return false
        else if (first < 0xe0) 1
        else if (first < 0xf0) 2
        else if (first < 0xf5) 3
        else return false
      if (i + more >= n) return false
      if (more > 0) {
        val second = text.getByte(i + 1) & 0xff
        val least = if (first == 0xe0) 0xa0 else if (first == 0xf0) 0x90 else 0x80
        val most = if (first == 0xed) 0x9f else if (first == 0xf4) 0x8f else 0xbf
        if (second < least || second > most) return false
        var k = 2
        while (k <= more) {
          if ((text.getByte(i + k) & 0xc0) != 0x80) return false
          k += 1
        }
      }
      i += more + 1
    }
    true
  }

  /** Bytes of the character that begins with this one. */
  private def width(first: Byte): Int =
    if (first >= 0) 1 else if ((first & 0xe0) == 0xc0) 2 else if ((first & 0xf0) == 0xe0) 3 else 4

  private def isSpace(byte: Byte): Boolean =
    byte == ' ' || (byte >= 9 && byte <= 13) || (byte >= 0x1c && byte <= 0x1f)

  /** Python's strip, lstrip and rstrip; null where what ends the text is beyond ASCII. */
  def strip(text: PyStr, left: Boolean, right: Boolean): PyStr = {
    var from = 0
    var until = text.numBytes
    if (left) while (from < until && isSpace(text.getByte(from))) from += 1
    if (right) while (until > from && isSpace(text.getByte(until - 1))) until -= 1
    if (from < until &&
        ((left && text.getByte(from) < 0) || (right && text.getByte(until - 1) < 0))) {
      null
    } else {
      part(text, from, until)
    }
  }

  /** The same for given characters, which are ASCII. */
  def stripOf(text: PyStr, of: PyStr, left: Boolean, right: Boolean): PyStr = {
    var from = 0
    var until = text.numBytes
    if (left) while (from < until && indexOfByte(of, text.getByte(from)) >= 0) from += 1
    if (right) while (until > from && indexOfByte(of, text.getByte(until - 1)) >= 0) until -= 1
    part(text, from, until)
  }

  private def indexOfByte(text: PyStr, byte: Byte): Int = {
    val n = text.numBytes
    var i = 0
    while (i < n) {
      if (text.getByte(i) == byte) return i
      i += 1
    }
    -1
  }

  /** Some of the bytes, which stay where they are. */
  def part(text: PyStr, from: Int, until: Int): PyStr =
    if (from == 0 && until == text.numBytes) text
    else new PyStr(text.base, text.offset + from, math.max(until - from, 0))

  /** Where a character begins, of whichever characters of how many bytes. */
  private def offset(text: PyStr, ascii: Boolean, character: Int): Int =
    if (ascii) math.min(character, text.numBytes)
    else {
      val n = text.numBytes
      var at = 0
      var left = character
      while (left > 0 && at < n) {
        at += width(text.getByte(at))
        left -= 1
      }
      at
    }

  def length(text: PyStr, ascii: Boolean): Int =
    if (ascii) text.numBytes else text.numChars

  /** `text[index]`; null where it is out of range. */
  def at(text: PyStr, ascii: Boolean, index: Long): PyStr = {
    val n = length(text, ascii)
    val place = if (index < 0) index + n else index
    if (place < 0 || place >= n) null
    else {
      val from = offset(text, ascii, place.toInt)
      val first = text.getByte(from)
      if (first >= 0) PyChars.of(first) else part(text, from, from + width(first))
    }
  }

  /** `text[low:high]`; what is left out is 0, or `Long.MAX_VALUE`. */
  def slice(text: PyStr, ascii: Boolean, low: Long, high: Long): PyStr = {
    val bounded = low >= 0 && high >= 0
    if (bounded && !ascii) {
      val from = offset(text, ascii, math.min(low, Int.MaxValue).toInt)
      val until = offset(text, ascii, math.min(high, Int.MaxValue).toInt)
      return part(text, from, math.max(from, until))
    }
    val n = length(text, ascii)
    val from = clip(low, n)
    val until = clip(high, n)
    if (from >= until) PyStr.EMPTY
    else part(text, offset(text, ascii, from), offset(text, ascii, until))
  }

  private def clip(index: Long, n: Int): Int =
    if (index >= n) n else if (index >= 0) index.toInt else math.max(index + n, 0L).toInt

  def reversed(text: PyStr): PyStr = {
    val bytes = text.getBytes
    val n = bytes.length
    val turned = new Array[Byte](n)
    var i = 0
    while (i < n) {
      turned(i) = bytes(n - 1 - i)
      i += 1
    }
    PyStr.of(turned)
  }

  /** Where a part begins, from a byte on; negative where it doesn't. */
  private[compiled] def find(text: PyStr, part: PyStr, start: Int): Int = {
    val n = text.numBytes
    val m = part.numBytes
    if (m == 0) return if (start <= n) start else -1
    val first = part.getByte(0)
    var i = start
    while (i <= n - m) {
      if (text.getByte(i) == first && matches(text, part, i)) return i
      i += 1
    }
    -1
  }

  private[compiled] def matches(text: PyStr, part: PyStr, at: Int): Boolean = {
    val m = part.numBytes
    if (at < 0 || at + m > text.numBytes) return false
    var i = 0
    while (i < m) {
      if (text.getByte(at + i) != part.getByte(i)) return false
      i += 1
    }
    true
  }

  /** Characters before a byte of the text. */
  private def characters(text: PyStr, ascii: Boolean, bytes: Int): Int =
    if (ascii || bytes <= 0) bytes else part(text, 0, bytes).numChars

  def indexOf(text: PyStr, ascii: Boolean, part: PyStr): Long =
    characters(text, ascii, find(text, part, 0)).toLong

  def lastIndexOf(text: PyStr, ascii: Boolean, part: PyStr): Long = {
    var at = text.numBytes - part.numBytes
    while (at >= 0 && !matches(text, part, at)) at -= 1
    characters(text, ascii, math.max(at, -1)).toLong
  }

  def contains(text: PyStr, part: PyStr): Boolean = find(text, part, 0) >= 0

  def startsWith(text: PyStr, part: PyStr): Boolean = matches(text, part, 0)

  def endsWith(text: PyStr, part: PyStr): Boolean =
    matches(text, part, text.numBytes - part.numBytes)

  /** How often a part, which is not empty, is in a text. */
  def count(text: PyStr, part: PyStr): Long = {
    var found = 0L
    var at = find(text, part, 0)
    while (at >= 0) {
      found += 1
      at = find(text, part, at + part.numBytes)
    }
    found
  }
}
