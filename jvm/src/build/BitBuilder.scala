package org.apache.spark.sql.hydrofoil.build

import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnVector
import org.apache.spark.unsafe.Platform

final class BitBuilder(dataType: DataType, allocator: BufferAllocator)
  extends DataBuilder(dataType, Layout.Bits, allocator) {

  def putBoolean(value: Boolean): Unit = {
    reserve(count + 1)
    write(count, value)
    count += 1
  }

  private def write(row: Int, value: Boolean): Unit = {
    val at = data + (row >> 3)
    val bit = 1 << (row & 7)
    // The first bit of a byte is what clears whatever was there.
    val old = if ((row & 7) == 0) 0 else Platform.getByte(null, at)
    Platform.putByte(null, at, (if (value) old | bit else old & ~bit).toByte)
  }

  override protected def skip(): Unit = write(count, value = false)

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit =
    putBoolean(values.getBoolean(ordinal))

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    var i = 0
    while (i < n) {
      write(count + i, !vector.isNullAt(from + i) && vector.getBoolean(from + i))
      i += 1
    }
  }

  override def appendRows(block: UnsafeRows, column: Int, from: Int, n: Int): Unit = {
    reserve(count + n)
    clearNulls(block, column, from, n)
    val field = block.fieldOffset(column)
    var i = 0
    while (i < n) {
      // What is null is zero in Spark's rows.
      write(count + i, Platform.getBoolean(block.base, block.at(from + i) + field))
      i += 1
    }
    count += n
  }

  override protected def store(vector: ColumnVector, at: Int, row: Int): Unit =
    write(row, vector.getBoolean(at))
}
