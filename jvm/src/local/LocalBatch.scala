package org.apache.spark.sql.hydrofoil.local

import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, Column, TaskBuffers}
import org.apache.spark.sql.types.DataType

/**
 * A record batch as an array of bytes, of which it is a part, on its way to a task.
 *
 * @param begin where in the array the buffers begin; the array ends with them
 * @param start the row at which the batch begins: bits are cut at whole bytes
 * @param rows how many there are from that row on
 */
final class LocalBatch private[local] (
    private[local] val bytes: Array[Byte],
    private[local] val begin: Int,
    val start: Int,
    val rows: Int,
    private[local] val columns: Array[ColumnBytes])
  extends Serializable {

  /** The batch, of these stored types, in a task's memory. */
  def load(types: Array[DataType], buffers: TaskBuffers): ArrowBatch = {
    val loaded = columnsIn(buffers.allocator, types)
    ArrowBatch(loaded, Array.fill(loaded.length)(start), rows, cut = false, buffers)
  }

  /** The columns; their rows before `start` are none of the batch's. */
  def columnsIn(allocator: BufferAllocator, types: Array[DataType]): Array[Column] = {
    val size = (bytes.length - begin).toLong
    val body = allocator.buffer(size)
    try {
      body.setBytes(0, bytes, begin, size)
      Column.all(columns.length)(i => columns(i).column(types(i), body))
    } finally {
      body.close()
    }
  }

  /** Some of the rows; the bytes are shared where these are all. */
  private[local] def part(from: Int, until: Int, types: Array[DataType]): LocalBatch =
    if (from == 0 && until == rows) this else Cut.rows(this, from, until, types)
}
