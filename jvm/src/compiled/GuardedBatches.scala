package org.apache.spark.sql.hydrofoil.compiled

import java.util.NoSuchElementException

import org.apache.spark.sql.hydrofoil.memory.ArrowBatch
import org.apache.spark.sql.vectorized.{ColumnarBatch, ColumnVector}

/**
 * Batches with a compiled function's results. While no row trips a guard, a batch is the child's,
 * with one more column. From a row on that does, batches wait for Python's answers, and are copied
 * for that; a while after the last such row they do not any more.
 */
private[compiled] final class GuardedBatches(
    input: Iterator[ColumnarBatch],
    setting: GuardedTask.Setting)
  extends Iterator[ColumnarBatch] {

  private val guarded = new GuardedLoop(setting)
  private var waiting: Waiting = _
  private var last: ArrowBatch = _
  private var ahead: ColumnarBatch = _

  override def hasNext: Boolean = {
    if (ahead == null) {
      if (last != null) last.close()
      last = null
      ahead = advance()
    }
    ahead != null
  }

  override def next(): ColumnarBatch = {
    if (!hasNext) throw new NoSuchElementException("no more batches")
    val batch = ahead
    ahead = null
    batch match {
      case ours: ArrowBatch => last = ours
      case _ =>
    }
    batch
  }

  private def advance(): ColumnarBatch = {
    while (true) {
      if (waiting != null) {
        val batch = waiting.answered()
        if (batch != null) return batch
        waiting = null
      }
      if (!input.hasNext) return null
      val batch = input.next()
      if (batch.numRows == 0) batch.closeIfFreeable()
      else if (guarded.run(batch) == 0) return joined(batch)
      else waiting = new Waiting(input, batch, guarded, setting)
    }
    null
  }

  private def joined(batch: ColumnarBatch): ColumnarBatch = {
    val vectors = new Array[ColumnVector](setting.passThrough.length + 1)
    var i = 0
    while (i < setting.passThrough.length) {
      vectors(i) = batch.column(setting.passThrough(i))
      i += 1
    }
    vectors(i) = guarded.results
    new ColumnarBatch(vectors, batch.numRows) {
      override def close(): Unit = batch.close()
      override def closeIfFreeable(): Unit = batch.closeIfFreeable()
    }
  }
}
