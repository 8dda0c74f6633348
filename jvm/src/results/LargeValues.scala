package org.apache.spark.sql.hydrofoil.results

import org.apache.arrow.memory.BufferAllocator
import org.apache.arrow.vector.BaseLargeVariableWidthVector
import org.apache.spark.sql.hydrofoil.memory.{Column, Layout}
import org.apache.spark.sql.types.DataType
import org.apache.spark.unsafe.Platform

/**
 * Strings and binary values with offsets of 64 bits, which are all that some libraries make.
 * Columns have offsets of 32 bits, as Spark's own have; the values stay where they are.
 */
private[hydrofoil] object LargeValues {

  // Bitmaps are cut between their bytes.
  private val ROWS = 8

  /** The vector's rows from `from` until `until`, of which `from` divides by eight. */
  def column(
      vector: BaseLargeVariableWidthVector,
      dataType: DataType,
      from: Int,
      until: Int,
      allocator: BufferAllocator): Column = {
    val rows = until - from
    val first = offset(vector, from)
    val bytes = offset(vector, until) - first
    if (bytes > Int.MaxValue) {
      throw new IllegalStateException(
        s"The function returned $bytes bytes of ${dataType.simpleString} in a few rows, or " +
          "within one nested column of a record batch, which holds 2 GiB: return smaller record " +
          "batches")
    }
    var nulls = 0
    var row = from
    while (row < until) {
      if (vector.isNull(row)) nulls += 1
      row += 1
    }
    val validity = if (nulls == 0) null else {
      val size = Layout.bitmapBytes(rows)
      Adoption.take(vector.getValidityBuffer.slice(from >> 3, size), size, allocator)
    }
    val offsets = allocator.buffer((rows + 1).toLong << 2)
    row = 0
    while (row <= rows) {
      val at = offsets.memoryAddress + (row.toLong << 2)
      Platform.putInt(null, at, (offset(vector, from + row) - first).toInt)
      row += 1
    }
    offsets.writerIndex((rows + 1).toLong << 2)
    val data = Adoption.take(vector.getDataBuffer.slice(first, bytes), bytes, allocator)
    new Column(
      dataType, Layout.of(dataType), rows, nulls, Array(validity, offsets, data), Array.empty)
  }

  /** The row, from `from` on, at which a column of the vectors that begins there has to end. */
  def end(vectors: Seq[BaseLargeVariableWidthVector], from: Int, rows: Int): Int = {
    def fits(until: Int): Boolean = vectors.forall { vector =>
      offset(vector, until) - offset(vector, from) <= Int.MaxValue
    }
    var until = rows
    while (until - from > ROWS && !fits(until)) {
      until = from + math.max((until - from) / 2 & ~(ROWS - 1), ROWS)
    }
    until
  }

  private def offset(vector: BaseLargeVariableWidthVector, row: Int): Long =
    if (vector.getValueCount == 0) 0L
    else Platform.getLong(null, vector.getOffsetBufferAddress + (row.toLong << 3))
}
