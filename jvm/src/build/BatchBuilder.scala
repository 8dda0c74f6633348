package org.apache.spark.sql.hydrofoil.build

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.hydrofoil.memory.{Column, Layout, TaskBuffers}
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnVector

/**
 * Builds batches of columns up to the limits, from rows or from column vectors.
 *
 * @param sent the columns whose size Spark bounds: those that go to the worker
 */
final class BatchBuilder(
    types: Array[DataType],
    sent: Array[Int],
    limits: Limits,
    buffers: TaskBuffers) {

  private val builders = types.map(ColumnBuilder.of(_, buffers.allocator))
  // Only these need to be asked for their size; what the others take follows from the rows.
  private val (rigid, flexible) = sent.map(builders(_)).partition(_.isInstanceOf[DataBuilder])
  private val rigidBytes =
    rigid.map(_.layout).filterNot(_ eq Layout.Bits).map(_.dataBytes(1)).sum
  private val rigidBitmaps = (rigid.length + rigid.count(_.layout eq Layout.Bits) +
    (if (limits.wrapped) 1 else 0)).toLong
  private val most = if (limits.boundedBytes) rowsWithin(limits.bytes) else limits.rows
  private val asksSize = limits.boundedBytes && flexible.nonEmpty
  private var count = 0
  private var limit = most

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

  def isFull: Boolean = count >= limit || (asksSize && sizeAt(count) >= limits.bytes)

  /** Rows of a batch at most, from now on; never more than the limits say. */
  def limitRows(rows: Int): Unit = limit = math.min(rows, most)

  def append(row: InternalRow): Boolean = {
    var i = 0
    while (i < builders.length) {
      builders(i).append(row, i)
      i += 1
    }
    rowDone()
  }

  /**
   * Appends as many rows of the vectors as the batch takes; the answer is how many. Where bytes are
   * bounded it asks for their size each time that the rows have doubled: a dictionary's few values
   * may be those of many rows, and take more together than any batch can.
   */
  def append(vectors: Array[ColumnVector], from: Int, until: Int): Int = {
    var taken = 0
    var more = true
    while (more) {
      val step = if (asksSize) math.max(count, BatchBuilder.FEWEST) else Int.MaxValue
      val n = math.min(math.min(until - from - taken, limit - count), step)
      var i = 0
      while (i < builders.length) {
        builders(i).appendRange(vectors(i), from + taken, n)
        i += 1
      }
      taken += cut(n)
      more = n == step && taken < until - from && !isFull
    }
    taken
  }

  /** Appends as many rows of the block from `from` on as the batch takes; returns how many. */
  def append(block: UnsafeRows, from: Int): Int = {
    val n = math.min(block.rows - from, limit - count)
    var i = 0
    while (i < builders.length) {
      builders(i).appendRows(block, i, from, n)
      i += 1
    }
    cut(n)
  }

  /** Forgets what is beyond the bound of bytes of `n` more rows; the answer is what is left. */
  private def cut(n: Int): Int = {
    val before = count
    count += n
    if (asksSize && sizeAt(count) >= limits.bytes) {
      count = firstWithin(before + 1, count, limits.bytes)
      builders.foreach(_.truncate(count))
    }
    count - before
  }

  /** The least number of rows, from `low` to `high`, that take so many bytes. */
  private def firstWithin(low: Int, high: Int, bytes: Long): Int = {
    var least = low
    var enough = high
    while (least < enough) {
      val middle = least + (enough - least) / 2
      if (sizeAt(middle) >= bytes) enough = middle else least = middle + 1
    }
    enough
  }

  /** Rows of a batch at most by what columns of fixed width alone take. */
  private def rowsWithin(bytes: Long): Int = {
    var least = 1
    var enough = limits.rows
    while (least < enough) {
      val middle = least + (enough - least) / 2
      if (rigidSize(middle) >= bytes) enough = middle else least = middle + 1
    }
    enough
  }

  private def rigidSize(rows: Int): Long =
    rows * rigidBytes + Layout.bitmapBytes(rows) * rigidBitmaps

  private def sizeAt(rows: Int): Long = {
    var bytes = rigidSize(rows)
    var i = 0
    while (i < flexible.length) {
      bytes += flexible(i).sizeAt(rows)
      i += 1
    }
    bytes
  }

  /** The columns of the batch, which the caller owns. The next one begins. */
  def finish(): Array[Column] = {
    // First, because Spark may end the task here: what is in the builders is freed with them.
    buffers.settle()
    count = 0
    builders.map(_.finish())
  }
}

object BatchBuilder {
  // Rows that are taken before anything is known of their size; a bitmap's bytes end there.
  private val FEWEST = 64
}
