package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.TaskContext
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, UnsafeProjection, UnsafeRow}
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.hydrofoil.build.{BatchBuilder, UnsafeRows}
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, BatchIterator, TaskBuffers}
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnarBatch

/** Cuts rows into batches by way of blocks of them. */
private final class UnsafeRowBatches(
    input: Iterator[InternalRow],
    types: Array[DataType],
    sent: Array[Int],
    limits: Limits,
    buffers: TaskBuffers)
  extends BatchIterator {

  private[this] val builder = new BatchBuilder(types, sent, limits, buffers)
  private[this] val block = new UnsafeRows(types.length)
  private[this] lazy val toUnsafe = UnsafeProjection.create(types)
  private[this] var position = 0

  private def isLeft: Boolean = position < block.rows || input.hasNext

  override protected def advance(): ArrowBatch =
    if (!isLeft) null
    else {
      while (!builder.isFull && isLeft) {
        if (position == block.rows) fill()
        position += builder.append(block, position)
      }
      val rows = builder.rows
      val columns = builder.finish()
      ArrowBatch.whole(columns, rows, buffers)
    }

  private def fill(): Unit = {
    block.clear()
    position = 0
    var more = true
    while (more && input.hasNext) {
      more = block.add(input.next() match {
        case unsafe: UnsafeRow => unsafe
        case other => toUnsafe(other)
      })
    }
  }
}

/** The rows of a shuffle, which are Spark's own, as record batches in Arrow's layout. */
case class UnsafeRowsToArrowExec(child: SparkPlan, sent: Seq[Attribute], limits: Limits)
  extends SameRowsExec with ArrowBatchesExec {

  override def simpleString(maxFields: Int): String = s"$nodeName $limits"

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] = {
    val types = Columns.storedTypes(child.output)
    val ordinals = Columns.ordinals(sent, child.output)
    val cut = limits
    child.execute().mapPartitionsInternal { rows =>
      new UnsafeRowBatches(rows, types, ordinals, cut, TaskBuffers.of(TaskContext.get()))
    }
  }

  override protected def withNewChildInternal(newChild: SparkPlan): UnsafeRowsToArrowExec =
    copy(child = newChild)
}
