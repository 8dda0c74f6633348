package org.apache.spark.sql.hydrofoil

import org.apache.spark.TaskContext
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, SortOrder, UnsafeProjection, UnsafeRow}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnarBatch
import org.apache.spark.unsafe.Platform

/**
 * Copies of some of Spark's rows, one behind the other, of which each column is read by itself: what
 * would be done for each value, to ask for its place and for room where it goes, is done once a
 * column. The rows are few enough to stay in the processor's nearest cache meanwhile.
 */
final class UnsafeRows(fields: Int) {

  private[this] val bitmapBytes = UnsafeRow.calculateBitSetWidthInBytes(fields)
  private[this] val starts = new Array[Int](UnsafeRows.MOST + 1)
  private[this] val nullWords = new Array[Long](bitmapBytes >> 3)
  private[this] val cursor = new UnsafeRow(fields)
  private[this] var memory = new Array[Byte](UnsafeRows.BYTES)
  private[this] var count = 0

  def rows: Int = count

  def clear(): Unit = {
    count = 0
    java.util.Arrays.fill(nullWords, 0L)
  }

  /** Copies a row; false where it is the block's last. */
  def add(row: UnsafeRow): Boolean = {
    val start = starts(count)
    val end = start + row.getSizeInBytes
    if (end > memory.length) memory = java.util.Arrays.copyOf(memory, end)
    val at = Platform.BYTE_ARRAY_OFFSET + start
    Platform.copyMemory(row.getBaseObject, row.getBaseOffset, memory, at, row.getSizeInBytes)
    var word = 0
    while (word < nullWords.length) {
      nullWords(word) |= Platform.getLong(memory, at + (word << 3))
      word += 1
    }
    count += 1
    starts(count) = end
    count < UnsafeRows.MOST && end < UnsafeRows.BYTES
  }

  /** What the addresses of this class's answers are relative to. */
  def base: Array[Byte] = memory

  /** Where a row begins. */
  def at(row: Int): Long = Platform.BYTE_ARRAY_OFFSET + starts(row)

  /** From a row's begin to the word of a column. */
  def fieldOffset(column: Int): Int = bitmapBytes + (column << 3)

  /** Whether any row has a null in the column. */
  def hasNull(column: Int): Boolean = (nullWords(column >> 6) >> (column & 63) & 1L) != 0L

  def isNull(row: Int, column: Int): Boolean =
    (Platform.getLong(memory, at(row) + (column >> 6 << 3)) >> (column & 63) & 1L) != 0L

  /** The row itself, until the next call. */
  def row(i: Int): UnsafeRow = {
    cursor.pointTo(memory, at(i), starts(i + 1) - starts(i))
    cursor
  }
}

object UnsafeRows {
  private val MOST = 256
  private val BYTES = 32 * 1024
}

/** Cuts rows into batches by way of blocks of them. */
private final class UnsafeRowBatches(
    input: Iterator[InternalRow],
    types: Array[DataType],
    sent: Array[Int],
    limits: Limits,
    buffers: TaskBuffers)
  extends Iterator[ColumnarBatch] {

  private[this] val builder = new BatchBuilder(types, sent, limits, buffers)
  private[this] val block = new UnsafeRows(types.length)
  private[this] lazy val toUnsafe = UnsafeProjection.create(types)
  private[this] var position = 0

  override def hasNext: Boolean = position < block.rows || input.hasNext

  override def next(): ColumnarBatch = {
    while (!builder.isFull && hasNext) {
      if (position == block.rows) fill()
      position += builder.append(block, position)
    }
    val rows = builder.rows
    val columns = builder.finish()
    ArrowBatch(columns, new Array[Int](columns.length), rows, cut = true, buffers)
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
  extends UnaryExecNode with ArrowBatchesExec {

  override def simpleString(maxFields: Int): String = s"$nodeName $limits"

  override def output: Seq[Attribute] = child.output
  override def outputPartitioning: Partitioning = child.outputPartitioning
  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] = {
    val types = child.output.map(a => Layout.stored(a.dataType)).toArray
    val ordinals = sent.map(a => child.output.indexWhere(_.exprId == a.exprId)).toArray
    val cut = limits
    child.execute().mapPartitionsInternal { rows =>
      new UnsafeRowBatches(rows, types, ordinals, cut, TaskBuffers.of(TaskContext.get()))
    }
  }

  override protected def withNewChildInternal(newChild: SparkPlan): UnsafeRowsToArrowExec =
    copy(child = newChild)
}
