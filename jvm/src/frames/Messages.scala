package org.apache.spark.sql.hydrofoil.frames

import org.apache.spark.TaskContext
import org.apache.spark.sql.hydrofoil.exchange.{Feed, Part, Wire}
import org.apache.spark.sql.hydrofoil.memory.TaskBuffers
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnarBatch

/** The columns of a task as messages, each a record batch that is cut by the limits. */
private final class Messages(
    batches: Iterator[ColumnarBatch],
    types: Array[DataType],
    limits: Limits)
  extends Iterator[Array[Byte]] {

  private val buffers = TaskBuffers.of(TaskContext.get())
  private val wire = new Wire(buffers.allocator)
  private val feed = {
    val all = types.indices.toArray
    new Feed(batches, all, types, all, limits, buffers)
  }
  private var part: Part = _

  override def hasNext: Boolean = {
    if (part == null) part = feed.next()
    part != null
  }

  override def next(): Array[Byte] = {
    if (!hasNext) throw new NoSuchElementException
    val taken = part
    part = null
    try wire.message(taken.columns, taken.rows) finally taken.release()
  }
}
