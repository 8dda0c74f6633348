package org.apache.spark.sql.hydrofoil.build

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.types.DataType
import org.apache.spark.unsafe.Platform

/** A builder that has an offset for each row. */
abstract class OffsetBuilder(dataType: DataType, layout: Layout, allocator: BufferAllocator)
  extends ColumnBuilder(dataType, layout, allocator) {

  private[this] var buffer: ArrowBuf = _
  protected[this] var offsets = 0L

  /** Where the next value begins. */
  protected def end: Int

  override protected def resize(rows: Int): Unit = {
    val first = buffer == null
    buffer = ColumnBuilder.grown(
      allocator, buffer, (count + 1).toLong << 2, (rows.toLong + 1) << 2)
    offsets = buffer.memoryAddress
    if (first) Platform.putInt(null, offsets, 0)
  }

  /** Ends row `row` where the values end by now. */
  protected final def endRow(row: Int): Unit =
    Platform.putInt(null, offsets + ((row + 1).toLong << 2), end)

  /** Where the values of row `row` begin, or of the row after the last. */
  protected final def offset(row: Int): Int =
    if (row == 0) 0 else Platform.getInt(null, offsets + (row.toLong << 2))

  /** Bytes of validity and offsets. */
  protected final def offsetsSize(rows: Int): Long =
    Layout.bitmapBytes(rows) + ((rows + 1).toLong << 2)

  override protected def skip(): Unit = endRow(count)

  protected final def takeOffsets(): ArrowBuf = {
    if (buffer == null) resize(1)
    buffer.writerIndex((count + 1).toLong << 2)
    val taken = buffer
    buffer = null
    taken
  }

  override protected def free(): Unit = {
    if (buffer != null) buffer.close()
    buffer = null
  }
}
