package org.apache.spark.sql.hydrofoil.build

import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.types.{DataType, Decimal, DecimalType}
import org.apache.spark.sql.vectorized.ColumnVector
import org.apache.spark.unsafe.Platform
import org.apache.spark.unsafe.types.CalendarInterval

/** A builder of values of 16 bytes, zeros where there is null: no other memory reaches a worker. */
abstract class WideBuilder(dataType: DataType, layout: Layout, allocator: BufferAllocator)
  extends DataBuilder(dataType, layout, allocator) {

  /** Where a row's value begins. */
  protected final def at(row: Int): Long = data + (row.toLong << 4)

  override protected def skip(): Unit = Platform.setMemory(null, at(count), 16, 0)

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    Platform.setMemory(null, at(count), n.toLong << 4, 0)
    super.putRange(vector, from, n)
  }
}

final class DecimalBuilder(decimal: DecimalType, allocator: BufferAllocator)
  extends WideBuilder(decimal, Layout.Decimal128, allocator) {

  private[this] val precision = decimal.precision
  private[this] val scale = decimal.scale

  def putDecimal(value: Decimal): Unit = {
    // As Spark's own writer: what does not fit the type is null.
    if (value.changePrecision(precision, scale)) {
      reserve(count + 1)
      write(at(count), value)
      count += 1
    } else {
      putNull()
    }
  }

  private def write(to: Long, value: Decimal): Unit = {
    if (precision <= Decimal.MAX_LONG_DIGITS) {
      val unscaled = value.toUnscaledLong
      Platform.putLong(null, to, unscaled)
      Platform.putLong(null, to + 8, unscaled >> 63)
    } else {
      val bytes = value.toJavaBigDecimal.unscaledValue.toByteArray
      val sign = (bytes(0) >> 7).toByte
      var i = 0
      while (i < 16) {
        val from = bytes.length - 1 - i
        Platform.putByte(null, to + i, if (from >= 0) bytes(from) else sign)
        i += 1
      }
    }
  }

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit =
    putDecimal(values.getDecimal(ordinal, precision, scale))

  override protected def store(vector: ColumnVector, at: Int, row: Int): Unit =
    write(this.at(row), vector.getDecimal(at, precision, scale))
}

final class IntervalBuilder(dataType: DataType, allocator: BufferAllocator)
  extends WideBuilder(dataType, Layout.MonthDayNano, allocator) {

  def putInterval(value: CalendarInterval): Unit = {
    reserve(count + 1)
    write(at(count), value)
    count += 1
  }

  private def write(to: Long, value: CalendarInterval): Unit = {
    Platform.putInt(null, to, value.months)
    Platform.putInt(null, to + 4, value.days)
    Platform.putLong(null, to + 8, Math.multiplyExact(value.microseconds, 1000L))
  }

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit =
    putInterval(values.getInterval(ordinal))

  override protected def store(vector: ColumnVector, at: Int, row: Int): Unit =
    write(this.at(row), vector.getInterval(at))
}
