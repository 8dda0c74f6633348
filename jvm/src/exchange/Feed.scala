package org.apache.spark.sql.hydrofoil.exchange

import org.apache.spark.sql.hydrofoil.build.BatchBuilder
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, Column, RawVector, TaskBuffers}
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.{ColumnarBatch, ColumnVector}

/** Rows of columns on their way to a worker. The holder owns one reference to each column. */
final case class Part(columns: Array[Column], rows: Int) {
  def release(): Unit = columns.foreach(_.release())
}

/**
 * Cuts what a child yields into the batches that Spark would have sent: by its row path of
 * `limits.rows` rows, wherever the child's own batches end, and by its columnar path the child's.
 * Foreign vectors are copied before the child is asked for its next batch, because it reuses them;
 * batches that are Arrow and already of the right size are taken as they are.
 *
 * @param ordinals the child's columns to take
 * @param sent those of the columns taken that go to the worker
 */
final class Feed(
    input: Iterator[ColumnarBatch],
    ordinals: Array[Int],
    types: Array[DataType],
    sent: Array[Int],
    limits: Limits,
    buffers: TaskBuffers) {

  private val builder = new BatchBuilder(types, sent, limits, buffers)
  private var current: ColumnarBatch = _
  private var vectors: Array[ColumnVector] = _
  private var position = 0
  private var limit = limits.rows

  /** Rows of a batch at most, from now on. */
  def limitRows(rows: Int): Unit = {
    limit = math.min(rows, limits.rows)
    builder.limitRows(limit)
  }

  /** The next batch; null when the child has no more rows. */
  def next(): Part = {
    while (true) {
      if (current == null && !advance()) {
        return if (builder.isEmpty) null else finish()
      }
      if (builder.isEmpty && position == 0) {
        val taken = takeWhole()
        if (taken != null) return taken
      }
      position += builder.append(vectors, position, current.numRows)
      val ended = position == current.numRows
      if (ended) drop()
      if (builder.isFull || (ended && limits.asInput)) return finish()
    }
    null
  }

  private def advance(): Boolean = {
    while (input.hasNext) {
      current = input.next()
      if (current.numRows > 0) {
        position = 0
        vectors = ordinals.map(current.column)
        return true
      }
      drop()
    }
    current = null
    false
  }

  private def drop(): Unit = {
    current.closeIfFreeable()
    current = null
    vectors = null
  }

  private def finish(): Part = {
    val rows = builder.rows
    Part(builder.finish(), rows)
  }

  /** The batch as it is, where it is one that `builder` would have made. */
  private def takeWhole(): Part = current match {
    case ours: ArrowBatch if fits(ours) =>
      val columns = ordinals.map(ours.parts(_).retain())
      val rows = ours.numRows
      drop()
      Part(columns, rows)
    case _ => null
  }

  private def fits(batch: ArrowBatch): Boolean = {
    val complete = limits.asInput ||
      (if (batch.cut) batch.numRows <= limit else batch.numRows == limit)
    complete && (batch.cut || !limits.boundedBytes) && ordinals.forall { i =>
      batch.parts(i).rows == batch.numRows && batch.column(i).asInstanceOf[RawVector].start == 0
    }
  }
}
