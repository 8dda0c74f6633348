package org.apache.spark.sql.hydrofoil.exec

import java.util.NoSuchElementException

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{UnsafeProjection, UnsafeRow}
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.hydrofoil.codegen.{RawRow, RowWriter}
import org.apache.spark.sql.hydrofoil.memory.RawVector
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnarBatch

/** Rows of batches; the last one that was handed out is written over by the next. */
private abstract class Rows(batches: Iterator[ColumnarBatch], rows: SQLMetric, inputs: SQLMetric)
  extends Iterator[InternalRow] {

  protected[this] var vectors: Array[RawVector] = _
  protected[this] var position = 0
  protected[this] var end = 0

  /** The row at `position`. */
  protected def row(): InternalRow

  override def hasNext: Boolean = position < end || advance()

  override def next(): InternalRow = {
    if (!hasNext) throw new NoSuchElementException("no more rows")
    val current = row()
    position += 1
    current
  }

  private def advance(): Boolean = {
    while (batches.hasNext) {
      val batch = batches.next()
      vectors = Array.tabulate(batch.numCols)(batch.column(_).asInstanceOf[RawVector])
      position = 0
      end = batch.numRows
      restart()
      inputs += 1
      rows += end
      if (end > 0) return true
    }
    false
  }

  /** Another batch has begun. */
  protected def restart(): Unit
}

/** Rows of plain columns. */
private final class WrittenRows(
    batches: Iterator[ColumnarBatch],
    types: Array[DataType],
    rows: SQLMetric,
    inputs: SQLMetric)
  extends Rows(batches, rows, inputs) {

  private[this] val writer = RowWriter.of(types)
  private[this] val current = new UnsafeRow(types.length)

  override protected def restart(): Unit = writer.open(vectors)

  override protected def row(): InternalRow = {
    writer.write(current, position)
    current
  }
}

/** Rows of any columns. */
private final class BatchRows(
    batches: Iterator[ColumnarBatch],
    toUnsafe: UnsafeProjection,
    rows: SQLMetric,
    inputs: SQLMetric)
  extends Rows(batches, rows, inputs) {

  private[this] val view = new RawRow

  override protected def restart(): Unit = view.vectors = vectors

  override protected def row(): InternalRow = {
    view.row = position
    toUnsafe(view)
  }
}
