package org.apache.spark.sql.hydrofoil.compiled

/** Numbers in text, and text of floats; what it does not know it says so of. */
abstract class PyParsed

object PyParsed {

  private def isDigit(byte: Byte): Boolean = byte >= '0' && byte <= '9'

  private def isSpace(byte: Byte): Boolean =
    byte == ' ' || (byte >= 9 && byte <= 13) || (byte >= 0x1c && byte <= 0x1f)

  private def start(text: PyStr): Int = {
    var i = 0
    while (i < text.numBytes && isSpace(text.getByte(i))) i += 1
    i
  }

  private def end(text: PyStr, from: Int): Int = {
    var i = text.numBytes
    while (i > from && isSpace(text.getByte(i - 1))) i -= 1
    i
  }

  /** Whether it is a sign, if any, and up to 18 digits, between spaces. */
  def isInt(text: PyStr): Boolean = {
    var i = start(text)
    val until = end(text, i)
    if (i < until && (text.getByte(i) == '-' || text.getByte(i) == '+')) i += 1
    val digits = until - i
    while (i < until && isDigit(text.getByte(i))) i += 1
    digits > 0 && digits <= 18 && i == until
  }

  /** The value of what `isInt` takes. */
  def toInt(text: PyStr): Long = {
    var i = start(text)
    val until = end(text, i)
    val negative = text.getByte(i) == '-'
    if (negative || text.getByte(i) == '+') i += 1
    var value = 0L
    while (i < until) {
      value = value * 10 + (text.getByte(i) - '0')
      i += 1
    }
    if (negative) -value else value
  }

  /** Whether it is digits, with a point or an exponent, between spaces: neither inf nor nan. */
  def isFloat(text: PyStr): Boolean = {
    var i = start(text)
    val until = end(text, i)
    if (until - i > 300) return false
    if (i < until && (text.getByte(i) == '-' || text.getByte(i) == '+')) i += 1
    var digits = 0
    while (i < until && isDigit(text.getByte(i))) { i += 1; digits += 1 }
    if (i < until && text.getByte(i) == '.') {
      i += 1
      while (i < until && isDigit(text.getByte(i))) { i += 1; digits += 1 }
    }
    if (digits == 0) return false
    if (i < until && (text.getByte(i) | 32) == 'e') {
      i += 1
      if (i < until && (text.getByte(i) == '-' || text.getByte(i) == '+')) i += 1
      val from = i
      while (i < until && isDigit(text.getByte(i))) i += 1
      if (i == from) return false
    }
    i == until
  }

  /** The value of what `isFloat` takes: the nearest float. */
  def toFloat(text: PyStr): Double = {
    val from = start(text)
    val quick = short(text, from, end(text, from))
    if (!quick.isNaN) quick
    else java.lang.Double.parseDouble(
      PyText.part(text, from, end(text, from)).toString)
  }

  private val POWERS = Array.iterate(1.0, 16)(_ * 10.0)

  /** Of up to 15 digits without an exponent; otherwise NaN. */
  private def short(text: PyStr, from: Int, until: Int): Double = {
    if (until - from > 15) return Double.NaN
    var value = 0L
    var point = -1
    var i = from
    while (i < until) {
      val byte = text.getByte(i)
      if (isDigit(byte)) value = value * 10 + (byte - '0')
      else if (byte == '.') point = i
      else if (i > from || (byte != '-' && byte != '+')) return Double.NaN
      i += 1
    }
    val size = if (point < 0) value.toDouble else value.toDouble / POWERS(until - point - 1)
    if (text.getByte(from) == '-') -size else size
  }

  /** Python's `str` of a float; null where that is not known here. */
  def ofFloat(value: Double): PyStr = {
    val size = Math.abs(value)
    val negative = value < 0 || (value == 0.0 && 1.0 / value < 0)
    if (size == 0.0) return PyMade.ascii(if (negative) "-0.0" else "0.0")
    if (!(size >= 1e-4 && size < 1e15)) return null
    val digits = decimals(size)
    if (digits < 0) return null
    val scaled = Math.rint(size * POWERS(digits)).toLong
    val whole = scaled / POWERS(digits).toLong
    val rest = (scaled % POWERS(digits).toLong).toString
    val fraction = if (digits == 0) "0" else "0" * (digits - rest.length) + rest
    PyMade.ascii(s"${if (negative) "-" else ""}$whole.$fraction")
  }

  /**
   * The fewest decimals that are all of a float's: no two decimals of up to 15 digits are one
   * float, so that the float's shortest text is what is found. Negative where there is none.
   */
  private def decimals(size: Double): Int = {
    var digits = 0
    while (digits < POWERS.length) {
      val scaled = Math.rint(size * POWERS(digits))
      if (scaled >= 1e15) return -1
      if (scaled / POWERS(digits) == size) return digits
      digits += 1
    }
    -1
  }
}
