package org.apache.spark.sql.hydrofoil.build

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.spark.sql.hydrofoil.memory.{Column, Layout}
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnVector

/** A builder whose values have one buffer of fixed width. */
abstract class DataBuilder(dataType: DataType, layout: Layout, allocator: BufferAllocator)
  extends ColumnBuilder(dataType, layout, allocator) {

  private[this] var buffer: ArrowBuf = _
  protected[this] var data = 0L

  override protected def resize(rows: Int): Unit = {
    buffer = ColumnBuilder.grown(allocator, buffer, layout.dataBytes(count), layout.dataBytes(rows))
    data = buffer.memoryAddress
  }

  override protected def take(): (Array[ArrowBuf], Array[Column]) = {
    if (buffer == null) resize(1)
    buffer.writerIndex(layout.dataBytes(count))
    val taken = buffer
    buffer = null
    (Array(taken), Array.empty)
  }

  override protected def free(): Unit = {
    if (buffer != null) buffer.close()
    buffer = null
  }

  override def sizeAt(rows: Int): Long = layout.dataBytes(rows) + Layout.bitmapBytes(rows)

  override protected def dropValues(rows: Int): Unit = ()

  /** Appends one by one what is not null. */
  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    var i = 0
    while (i < n) {
      if (!vector.isNullAt(from + i)) store(vector, from + i, count + i)
      i += 1
    }
  }

  /** Appends a value without asking whether it is null. */
  final def putValue(vector: ColumnVector, at: Int): Unit = {
    reserve(count + 1)
    store(vector, at, count)
    count += 1
  }

  /** Writes the value, which is not null, of a vector to a row. */
  protected def store(vector: ColumnVector, at: Int, row: Int): Unit
}
