package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow
import org.apache.spark.sql.hydrofoil.build.{BatchBuilder, ColumnBuilder}
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, TaskBuffers}
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.DataType

/** A batch on its way through an iterator of rows. */
final class BatchRow(val batch: ArrowBatch) extends GenericInternalRow(0)

/** Opens the builder of a task; what the generated code refers to. */
final class SinkFactory(types: Array[DataType], sent: Array[Int], limits: Limits)
  extends Serializable {

  def open(): BatchSink = new BatchSink(types, sent, limits, TaskBuffers.of(TaskContext.get()))
}

/** Collects the rows of a task into batches. */
final class BatchSink(
    types: Array[DataType],
    sent: Array[Int],
    limits: Limits,
    buffers: TaskBuffers) {

  private val builder = new BatchBuilder(types, sent, limits, buffers)

  def column(i: Int): ColumnBuilder = builder.column(i)

  def rowDone(): Boolean = builder.rowDone()

  def append(row: InternalRow): Boolean = builder.append(row)

  def isEmpty: Boolean = builder.isEmpty

  def finish(): BatchRow = {
    val rows = builder.rows
    val columns = builder.finish()
    new BatchRow(ArrowBatch.whole(columns, rows, buffers))
  }
}
