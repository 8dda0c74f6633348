package org.apache.spark.sql.hydrofoil.build

import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.sql.catalyst.expressions.{SpecializedGetters, UnsafeArrayData}
import org.apache.spark.sql.catalyst.util.ArrayData
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.types.{DataType, DoubleType, FloatType}
import org.apache.spark.sql.vectorized.ColumnVector
import org.apache.spark.unsafe.Platform

final class FixedBuilder(dataType: DataType, layout: Layout.Fixed, allocator: BufferAllocator)
  extends DataBuilder(dataType, layout, allocator) {

  private[this] val width = layout.width

  def putByte(value: Byte): Unit = {
    reserve(count + 1)
    Platform.putByte(null, data + count, value)
    count += 1
  }

  def putShort(value: Short): Unit = {
    reserve(count + 1)
    Platform.putShort(null, data + (count.toLong << 1), value)
    count += 1
  }

  def putInt(value: Int): Unit = {
    reserve(count + 1)
    Platform.putInt(null, data + (count.toLong << 2), value)
    count += 1
  }

  def putLong(value: Long): Unit = {
    reserve(count + 1)
    Platform.putLong(null, data + (count.toLong << 3), value)
    count += 1
  }

  def putFloat(value: Float): Unit = {
    reserve(count + 1)
    Platform.putFloat(null, data + (count.toLong << 2), value)
    count += 1
  }

  def putDouble(value: Double): Unit = {
    reserve(count + 1)
    Platform.putDouble(null, data + (count.toLong << 3), value)
    count += 1
  }

  /** Zeros: uninitialized memory must not reach a worker. */
  override protected def skip(): Unit =
    Platform.setMemory(null, data + count.toLong * width, width, 0)

  // A float's bits and a double's are an integer's of the same width.
  override protected def put(values: SpecializedGetters, ordinal: Int): Unit = width match {
    case 1 => putByte(values.getByte(ordinal))
    case 2 => putShort(values.getShort(ordinal))
    case 4 if dataType == FloatType => putFloat(values.getFloat(ordinal))
    case 4 => putInt(values.getInt(ordinal))
    case 8 if dataType == DoubleType =>
      putDouble(values.getDouble(ordinal))
    case 8 => putLong(values.getLong(ordinal))
  }

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    val to = data + count.toLong * width
    if (!Vectors.copyFixed(vector, dataType, from, n, width, to)) {
      Platform.setMemory(null, to, n.toLong * width, 0)
      super.putRange(vector, from, n)
    }
  }

  override protected def store(vector: ColumnVector, at: Int, row: Int): Unit = width match {
    case 1 => Platform.putByte(null, data + row, vector.getByte(at))
    case 2 => Platform.putShort(null, data + (row.toLong << 1), vector.getShort(at))
    case 4 if dataType == FloatType =>
      Platform.putFloat(null, data + (row.toLong << 2), vector.getFloat(at))
    case 4 => Platform.putInt(null, data + (row.toLong << 2), vector.getInt(at))
    case 8 if dataType == DoubleType =>
      Platform.putDouble(null, data + (row.toLong << 3), vector.getDouble(at))
    case 8 => Platform.putLong(null, data + (row.toLong << 3), vector.getLong(at))
  }

  override def appendRows(block: UnsafeRows, column: Int, from: Int, n: Int): Unit = {
    reserve(count + n)
    clearNulls(block, column, from, n)
    // What is null is zero in Spark's rows, and so it is here.
    val base = block.base
    val field = block.fieldOffset(column)
    var to = data + count.toLong * width
    var row = from
    val until = from + n
    width match {
      case 8 =>
        while (row < until) {
          Platform.putLong(null, to, Platform.getLong(base, block.at(row) + field))
          to += 8
          row += 1
        }
      case 4 =>
        while (row < until) {
          Platform.putInt(null, to, Platform.getInt(base, block.at(row) + field))
          to += 4
          row += 1
        }
      case 2 =>
        while (row < until) {
          Platform.putShort(null, to, Platform.getShort(base, block.at(row) + field))
          to += 2
          row += 1
        }
      case 1 =>
        while (row < until) {
          Platform.putByte(null, to, Platform.getByte(base, block.at(row) + field))
          to += 1
          row += 1
        }
    }
    count += n
  }

  override def appendElements(values: ArrayData): Unit = values match {
    case unsafe: UnsafeArrayData if FixedBuilder.isDense(unsafe) =>
      val n = unsafe.numElements()
      reserve(count + n)
      val first = unsafe.getBaseOffset + UnsafeArrayData.calculateHeaderPortionInBytes(n)
      Platform.copyMemory(
        unsafe.getBaseObject, first, null, data + count.toLong * width, n.toLong * width)
      count += n
    case other => super.appendElements(other)
  }
}

object FixedBuilder {

  /** Whether an array has no nulls. */
  private def isDense(values: UnsafeArrayData): Boolean = {
    // After the number of elements, in the first word, there is a bit for each.
    val until = values.getBaseOffset + UnsafeArrayData.calculateHeaderPortionInBytes(
      values.numElements())
    var at = values.getBaseOffset + 8
    while (at < until && Platform.getLong(values.getBaseObject, at) == 0L) at += 8
    at >= until
  }
}
