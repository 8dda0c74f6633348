package org.apache.spark.sql.hydrofoil.codegen

import java.util.{Collections, LinkedHashMap}
import java.util.Map.Entry

import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.catalyst.expressions.codegen.{
  CodeAndComment, CodeFormatter, CodeGenerator}
import org.apache.spark.sql.hydrofoil.memory.{Layout, RawVector}
import org.apache.spark.sql.types.{DataType, Decimal, DecimalType}
import org.apache.spark.unsafe.Platform

/**
 * Spark's rows from vectors, one at a time, by code that is generated for the types of the columns.
 * All rows lie in the same array, where each is written over the one before.
 *
 * A projection of Spark's does the same by way of an object for each string.
 */
abstract class RowWriter(fixedBytes: Int) {

  private[this] var array = new Array[Byte](fixedBytes + RowWriter.ROOM)

  /** The next rows are those of these vectors. */
  def open(vectors: Array[RawVector]): Unit

  /** Lets `row` be the row of the vectors at `position`. */
  def write(row: UnsafeRow, position: Int): Unit

  protected final def bytes: Array[Byte] = array

  /** Copies a value to `end` of the row, zeros up to a whole word; returns its end. */
  protected final def append(from: Long, length: Int, end: Int, limit: Long): Int = {
    if (end.toLong + length + RowWriter.BEYOND > array.length) grow(end.toLong + length)
    val to = Platform.BYTE_ARRAY_OFFSET + end
    if (length <= 16 && from + 16 <= limit) {
      // Two words, needed or not, take less time than to decide which.
      Platform.putLong(array, to, Platform.getLong(null, from) & low(math.min(length, 8)))
      val rest = low(math.max(length - 8, 0))
      Platform.putLong(array, to + 8, Platform.getLong(null, from + 8) & rest)
    } else {
      appendLong(from, length, to, limit)
    }
    end + (length + 7 & ~7)
  }

  private def appendLong(from: Long, length: Int, to: Long, limit: Long): Unit = {
    val whole = length & ~7
    Platform.copyMemory(null, from, array, to, whole)
    if (length > whole) {
      var word = 0L
      if (from + whole + 8 <= limit) {
        word = Platform.getLong(null, from + whole) & low(length - whole)
      } else {
        var k = length
        while (k > whole) {
          k -= 1
          word = word << 8 | Platform.getByte(null, from + k) & 0xffL
        }
      }
      Platform.putLong(array, to + whole, word)
    }
  }

  /** The lowest bytes, from 0 to 8, of a word. */
  private def low(bytes: Int): Long = ~(-1L << (bytes << 2) << (bytes << 2))

  private def grow(size: Long): Unit = {
    val wanted = size + RowWriter.BEYOND
    if (wanted > RowWriter.LARGEST) {
      throw new UnsupportedOperationException(
        s"A row of $size bytes is larger than what Spark's rows hold, ${RowWriter.LARGEST}")
    }
    array = java.util.Arrays.copyOf(array, math.min(wanted * 5 / 4, RowWriter.LARGEST).toInt)
  }
}

object RowWriter {

  // The JVM's largest arrays are a little smaller than the largest integer.
  private val LARGEST = Int.MaxValue - 64L
  private val ROOM = 256
  // Bytes beyond a value's first that may be written to.
  private val BEYOND = 16
  // A class has no more than 65535 constants, some twenty of which each column takes.
  private val MOST_COLUMNS = 1000

  /** Whether rows of the stored types can be written. */
  def takes(types: Array[DataType]): Boolean =
    types.length <= MOST_COLUMNS && types.forall { dataType =>
      Layout.of(dataType) match {
        case Layout.Empty | Layout.Bits | Layout.Fixed(_) | Layout.Variable => true
        case Layout.Decimal128 =>
          dataType.asInstanceOf[DecimalType].precision <= Decimal.MAX_LONG_DIGITS
        case _ => false
      }
    }

  // Each task asks for a writer. Spark keeps the class, for which it wants the source again.
  private val MOST_SOURCES = 32
  private val sources = Collections.synchronizedMap(
    new LinkedHashMap[Seq[Layout], CodeAndComment](MOST_SOURCES, 0.75f, true) {
      override def removeEldestEntry(oldest: Entry[Seq[Layout], CodeAndComment]): Boolean =
        size > MOST_SOURCES
    })

  def of(types: Array[DataType]): RowWriter = {
    val source = sources.computeIfAbsent(types.map(Layout.of).toSeq, sourceOf(_))
    CodeGenerator.compile(source)._1.generate(Array.empty).asInstanceOf[RowWriter]
  }

  private def sourceOf(layouts: Seq[Layout]): CodeAndComment = {
    val body = new RowWriterCode(layouts.toArray).source
    CodeFormatter.stripOverlappingComments(new CodeAndComment(body, Map.empty))
  }
}
