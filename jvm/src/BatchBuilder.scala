package org.apache.spark.sql.hydrofoil

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.{ColumnarBatch, ColumnVector}

/** Builds batches of columns up to the limits, from rows or from column vectors. */
final class BatchBuilder(types: Array[DataType], limits: Limits, buffers: TaskBuffers) {

  private val builders = types.map(ColumnBuilder.of(_, buffers.allocator))
  private var count = 0
  private var limit = limits.rows

  buffers.atEnd(() => builders.foreach(_.release()))

  def rows: Int = count

  def isEmpty: Boolean = count == 0

  /** The builder of a column, for the code that Spark generates. */
  def column(i: Int): ColumnBuilder = builders(i)

  /** Counts a row that was put into every column; true where the batch ends with it. */
  def rowDone(): Boolean = {
    count += 1
    isFull
  }

  def isFull: Boolean = count >= limit || (limits.boundedBytes && sizeInBytes >= limits.bytes)

  /** Rows of a batch at most, from now on; never more than the limits say. */
  def limitRows(rows: Int): Unit = limit = math.min(rows, limits.rows)

  def append(row: InternalRow): Boolean = {
    var i = 0
    while (i < builders.length) {
      builders(i).append(row, i)
      i += 1
    }
    rowDone()
  }

  /** Appends as many rows of the vectors as the batch takes; the answer is how many. */
  def append(vectors: Array[ColumnVector], from: Int, until: Int): Int = {
    if (!limits.boundedBytes) {
      val n = math.min(until - from, limit - count)
      appendRange(vectors, from, n)
      n
    } else {
      var n = 0
      while (from + n < until && !isFull) {
        appendRange(vectors, from + n, 1)
        n += 1
      }
      n
    }
  }

  private def appendRange(vectors: Array[ColumnVector], from: Int, n: Int): Unit = {
    var i = 0
    while (i < builders.length) {
      builders(i).appendRange(vectors(i), from, n)
      i += 1
    }
    count += n
  }

  private def sizeInBytes: Long = {
    var bytes = 0L
    var i = 0
    while (i < builders.length) {
      bytes += builders(i).sizeInBytes
      i += 1
    }
    bytes
  }

  /** The columns of the batch, which the caller owns. The next one begins. */
  def finish(): Array[Column] = {
    count = 0
    val columns = builders.map(_.finish())
    buffers.settle()
    columns
  }
}
