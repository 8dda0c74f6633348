package org.apache.spark.sql.hydrofoil.memory

import java.math.{BigDecimal => JavaDecimal, BigInteger}

import org.apache.spark.sql.types.{Decimal, DecimalType}
import org.apache.spark.sql.vectorized.{ColumnarArray, ColumnarMap, ColumnVector}
import org.apache.spark.unsafe.Platform
import org.apache.spark.unsafe.types.{CalendarInterval, UTF8String}

/**
 * Spark's view of a column, from row `start` on. It reads by address, without the bounds checks of
 * Arrow's vectors, and is final, so that the code that Spark generates calls it directly.
 * Rows that are null must not be read: as with all of Spark's vectors, `isNullAt` comes first.
 */
final class RawVector(val column: Column, val start: Int) extends ColumnVector(column.dataType) {

  private def address(buffer: Int): Long = {
    val buffers = column.buffers
    if (buffer < buffers.length && buffers(buffer) != null) buffers(buffer).memoryAddress else 0L
  }

  private[this] val validity = address(0)
  private[this] val second = address(1)
  private[this] val third = address(2)
  private[this] val allNull = column.layout eq Layout.Empty
  private[this] lazy val children = column.children.map { child =>
    new RawVector(child, if (column.layout eq Layout.Fields) start else 0)
  }

  /** The addresses of the validity bitmap (0: none is null), and of the buffers after it. */
  def validityAddress: Long = validity
  def secondAddress: Long = second
  def thirdAddress: Long = third
  def thirdCapacity: Long = if (third == 0L) 0L else column.buffers(2).capacity

  override def hasNull: Boolean = column.nullCount > 0
  override def numNulls: Int = column.nullCount

  override def isNullAt(row: Int): Boolean = {
    if (validity == 0L) {
      allNull
    } else {
      val i = start + row
      ((Platform.getByte(null, validity + (i >> 3)) >> (i & 7)) & 1) == 0
    }
  }

  override def getBoolean(row: Int): Boolean = {
    val i = start + row
    ((Platform.getByte(null, second + (i >> 3)) >> (i & 7)) & 1) == 1
  }

  override def getByte(row: Int): Byte = Platform.getByte(null, second + start + row)
  override def getShort(row: Int): Short =
    Platform.getShort(null, second + ((start + row).toLong << 1))
  override def getInt(row: Int): Int = Platform.getInt(null, second + ((start + row).toLong << 2))
  override def getLong(row: Int): Long =
    Platform.getLong(null, second + ((start + row).toLong << 3))
  override def getFloat(row: Int): Float =
    Platform.getFloat(null, second + ((start + row).toLong << 2))
  override def getDouble(row: Int): Double =
    Platform.getDouble(null, second + ((start + row).toLong << 3))

  def offset(row: Int): Int = Platform.getInt(null, second + ((start + row).toLong << 2))

  override def getUTF8String(row: Int): UTF8String = {
    if (isNullAt(row)) return null
    val from = offset(row)
    UTF8String.fromAddress(null, third + from, offset(row + 1) - from)
  }

  /** Where the bytes of a row's string are, and how many; it is not null. */
  def textAddress(row: Int): Long = third + offset(row)
  def textLength(row: Int): Int = offset(row + 1) - offset(row)

  /** The string of a row; the empty one where `isNull`, which says what `isNullAt` did. */
  def text(row: Int, isNull: Boolean): UTF8String = {
    var from = 0
    var length = 0
    if (!isNull) {
      from = offset(row)
      length = offset(row + 1) - from
    }
    UTF8String.fromAddress(null, third + from, length)
  }

  override def getBinary(row: Int): Array[Byte] = {
    if (isNullAt(row)) return null
    val from = offset(row)
    val bytes = new Array[Byte](offset(row + 1) - from)
    Platform.copyMemory(null, third + from, bytes, Platform.BYTE_ARRAY_OFFSET, bytes.length)
    bytes
  }

  override def getDecimal(row: Int, precision: Int, scale: Int): Decimal = {
    if (isNullAt(row)) return null
    val at = second + ((start + row).toLong << 4)
    val stored = column.dataType.asInstanceOf[DecimalType]
    if (stored.precision <= Decimal.MAX_LONG_DIGITS && stored.scale == scale &&
        precision <= Decimal.MAX_LONG_DIGITS) {
      Decimal.createUnsafe(Platform.getLong(null, at), precision, scale)
    } else {
      val bytes = new Array[Byte](16)
      var i = 0
      while (i < 16) {
        bytes(15 - i) = Platform.getByte(null, at + i)
        i += 1
      }
      Decimal.apply(new JavaDecimal(new BigInteger(bytes), stored.scale), precision, scale)
    }
  }

  override def getInterval(row: Int): CalendarInterval = {
    if (isNullAt(row)) return null
    val at = second + ((start + row).toLong << 4)
    new CalendarInterval(
      Platform.getInt(null, at),
      Platform.getInt(null, at + 4),
      Platform.getLong(null, at + 8) / 1000)
  }

  override def getArray(row: Int): ColumnarArray = {
    if (isNullAt(row)) return null
    val from = offset(row)
    new ColumnarArray(children(0), from, offset(row + 1) - from)
  }

  override def getMap(row: Int): ColumnarMap = {
    if (isNullAt(row)) return null
    val from = offset(row)
    new ColumnarMap(children(0), children(1), from, offset(row + 1) - from)
  }

  override def getChild(ordinal: Int): ColumnVector = children(ordinal)

  /** Nothing: the batch that the column belongs to is what is closed. */
  override def close(): Unit = ()
}
