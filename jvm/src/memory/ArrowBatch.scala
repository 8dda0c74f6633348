package org.apache.spark.sql.hydrofoil.memory

import org.apache.spark.sql.vectorized.{ColumnarBatch, ColumnVector}

/**
 * Rows of columns that it owns one reference to. Whoever took it from its iterator may close it;
 * the iterator does so when it is asked for the next one. Closing again does nothing.
 */
final class ArrowBatch private (
    val parts: Array[Column],
    vectors: Array[ColumnVector],
    rows: Int,
    val cut: Boolean,
    owner: TaskBuffers)
  extends ColumnarBatch(vectors, rows) {

  private var open = true

  override def close(): Unit = if (open) {
    open = false
    owner.forget(this)
    parts.foreach(_.release())
  }

  override def closeIfFreeable(): Unit = close()

  /** Another batch of some of the columns, which are in both until either is closed. */
  def select(ordinals: Array[Int], owner: TaskBuffers): ArrowBatch =
    ArrowBatch(
      ordinals.map(parts(_).retain()),
      ordinals.map(column(_).asInstanceOf[RawVector].start),
      numRows,
      cut,
      owner)
}

object ArrowBatch {

  /** A batch of columns from their first row on, of the size that limits have cut it to. */
  def whole(columns: Array[Column], rows: Int, owner: TaskBuffers): ArrowBatch =
    ArrowBatch(columns, new Array[Int](columns.length), rows, cut = true, owner)

  /** Takes over one reference to each column. Each vector begins at a row of its column. */
  def apply(
      columns: Array[Column],
      starts: Array[Int],
      rows: Int,
      cut: Boolean,
      owner: TaskBuffers): ArrowBatch = {
    val vectors = Array.tabulate[ColumnVector](columns.length)(i => columns(i).vector(starts(i)))
    val batch = new ArrowBatch(columns, vectors, rows, cut, owner)
    owner.track(batch)
    batch
  }
}
