package org.apache.spark.sql.hydrofoil

import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.types.{DataType, Decimal, DecimalType}
import org.apache.spark.unsafe.Platform

/**
 * Spark's rows of some rows of a batch, written column by column: what a projection does for each
 * value, to ask for its place and its length, is done once a column. The rows lie in one array,
 * which the next block is written over.
 */
final class RowBlock(types: Array[DataType]) {

  private[this] val layouts = types.map(Layout.of)
  private[this] val bitmapBytes = (types.length + 63) / 64 * 8
  private[this] val fixedBytes = bitmapBytes + types.length * 8
  private[this] val most = math.max(16, math.min(512, RowBlock.BYTES / math.max(fixedBytes, 8)))
  private[this] val variable = layouts.indices.filter(layouts(_) eq Layout.Variable).toArray
  private[this] val starts = new Array[Int](most + 1)
  // Where the next value of variable length goes, from the row's start on.
  private[this] val ends = new Array[Int](most)
  private[this] var bytes = Array.emptyByteArray

  /** Writes the vectors' rows from `from` on, up to `until` but as many as fit; returns how many. */
  def fill(vectors: Array[RawVector], from: Int, until: Int): Int = {
    val n = place(vectors, from, math.min(until - from, most))
    var i = 0
    while (i < n) {
      var word = 0
      while (word < bitmapBytes) {
        Platform.putLong(bytes, at(i) + word, 0L)
        word += 8
      }
      i += 1
    }
    var column = 0
    while (column < vectors.length) {
      write(vectors(column), layouts(column), column, from, n)
      column += 1
    }
    n
  }

  /** Lets the row be the block's i-th. */
  def point(row: UnsafeRow, i: Int): Unit = row.pointTo(bytes, at(i), starts(i + 1) - starts(i))

  private def at(row: Int): Long = Platform.BYTE_ARRAY_OFFSET + starts(row)

  /** Finds where each row begins; at least one does. */
  private def place(vectors: Array[RawVector], from: Int, upTo: Int): Int = {
    var n = 0
    var end = 0L
    while (n < upTo && end <= RowBlock.BYTES) {
      var size = fixedBytes.toLong
      var k = 0
      while (k < variable.length) {
        val vector = vectors(variable(k))
        if (!vector.isNullAt(from + n)) size += RowBlock.padded(vector, from + n)
        k += 1
      }
      starts(n) = end.toInt
      ends(n) = fixedBytes
      end += size
      n += 1
    }
    if (end > RowBlock.LARGEST) {
      throw new UnsupportedOperationException(
        s"A row of $end bytes is larger than what Spark's rows hold, ${RowBlock.LARGEST}")
    }
    starts(n) = end.toInt
    if (end > bytes.length) bytes = new Array[Byte](math.min(end * 5 / 4, RowBlock.LARGEST).toInt)
    n
  }

  private def write(
      vector: RawVector, layout: Layout, column: Int, from: Int, n: Int): Unit = layout match {
    case Layout.Fixed(8) => longs(vector, column, from, n)
    case Layout.Fixed(4) => ints(vector, column, from, n)
    case Layout.Variable => variables(vector, column, from, n)
    case _ => others(vector, layout, column, from, n)
  }

  private def longs(vector: RawVector, column: Int, from: Int, n: Int): Unit = {
    val field = bitmapBytes + column * 8
    val first = vector.secondAddress + ((vector.start + from).toLong << 3)
    val nullable = vector.validityAddress != 0L
    var i = 0
    while (i < n) {
      if (nullable && vector.isNullAt(from + i)) setNull(column, i)
      else Platform.putLong(bytes, at(i) + field, Platform.getLong(null, first + (i.toLong << 3)))
      i += 1
    }
  }

  private def ints(vector: RawVector, column: Int, from: Int, n: Int): Unit = {
    val field = bitmapBytes + column * 8
    val first = vector.secondAddress + ((vector.start + from).toLong << 2)
    val nullable = vector.validityAddress != 0L
    var i = 0
    while (i < n) {
      if (nullable && vector.isNullAt(from + i)) setNull(column, i)
      else {
        val value = Platform.getInt(null, first + (i.toLong << 2)) & 0xffffffffL
        Platform.putLong(bytes, at(i) + field, value)
      }
      i += 1
    }
  }

  private def variables(vector: RawVector, column: Int, from: Int, n: Int): Unit = {
    val field = bitmapBytes + column * 8
    val data = vector.thirdAddress
    val limit = vector.thirdAddress + vector.thirdCapacity
    val nullable = vector.validityAddress != 0L
    var i = 0
    while (i < n) {
      if (nullable && vector.isNullAt(from + i)) setNull(column, i)
      else {
        val begin = vector.offset(from + i)
        val length = vector.offset(from + i + 1) - begin
        val end = ends(i)
        Platform.putLong(bytes, at(i) + field, end.toLong << 32 | length)
        copy(data + begin, length, at(i) + end, limit)
        ends(i) = end + (length + 7 & ~7)
      }
      i += 1
    }
  }

  /** Copies in words, the last one padded with zeros, and never reads beyond `limit`. */
  private def copy(from: Long, length: Int, to: Long, limit: Long): Unit = {
    val whole = length & ~7
    if (whole > RowBlock.SHORT) Platform.copyMemory(null, from, bytes, to, whole)
    else {
      var k = 0
      while (k < whole) {
        Platform.putLong(bytes, to + k, Platform.getLong(null, from + k))
        k += 8
      }
    }
    val rest = length - whole
    if (rest > 0) {
      var word = 0L
      if (from + whole + 8 <= limit) {
        word = Platform.getLong(null, from + whole) & (1L << (rest << 3)) - 1
      } else {
        var k = rest
        while (k > 0) {
          k -= 1
          word = word << 8 | Platform.getByte(null, from + whole + k) & 0xffL
        }
      }
      Platform.putLong(bytes, to + whole, word)
    }
  }

  private def others(
      vector: RawVector, layout: Layout, column: Int, from: Int, n: Int): Unit = {
    var i = 0
    while (i < n) {
      if (vector.isNullAt(from + i)) setNull(column, i)
      else {
        val value = layout match {
          case Layout.Bits => if (vector.getBoolean(from + i)) 1L else 0L
          case Layout.Fixed(1) => vector.getByte(from + i) & 0xffL
          case Layout.Fixed(_) => vector.getShort(from + i) & 0xffffL
          // As its column is no wider than a long, so is each value's.
          case _ => Platform.getLong(null, vector.secondAddress + ((vector.start + from + i).toLong << 4))
        }
        Platform.putLong(bytes, at(i) + bitmapBytes + column * 8, value)
      }
      i += 1
    }
  }

  private def setNull(column: Int, i: Int): Unit = {
    val word = at(i) + (column >> 6 << 3)
    Platform.putLong(bytes, word, Platform.getLong(bytes, word) | 1L << (column & 63))
    Platform.putLong(bytes, at(i) + bitmapBytes + column * 8, 0L)
  }
}

object RowBlock {

  private val BYTES = 64 * 1024
  // The JVM's largest arrays are a little smaller than the largest integer.
  private val LARGEST = Int.MaxValue - 64L
  // Bytes up to which copying word by word is faster than a call.
  private val SHORT = 64

  /** Whether rows of the stored types can be written as blocks. */
  def takes(types: Array[DataType]): Boolean = types.forall { dataType =>
    Layout.of(dataType) match {
      case Layout.Empty | Layout.Bits | Layout.Fixed(_) | Layout.Variable => true
      case Layout.Decimal128 =>
        dataType.asInstanceOf[DecimalType].precision <= Decimal.MAX_LONG_DIGITS
      case _ => false
    }
  }

  private def padded(vector: RawVector, row: Int): Long =
    vector.offset(row + 1).toLong - vector.offset(row) + 7 & ~7L
}
