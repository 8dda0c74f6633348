package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.sql.hydrofoil.memory.BatchIterator
import org.apache.spark.sql.vectorized.{ColumnarBatch, ColumnVector}

/**
 * Batches with a compiled function's results. While no row trips a guard, a batch is the child's,
 * with one more column. From a row on that does, batches wait for Python's answers, and are copied
 * for that; a while after the last such row they do not any more.
 */
private[compiled] final class GuardedBatches(
    input: Iterator[ColumnarBatch],
    setting: GuardedTask.Setting)
  extends BatchIterator {

  private val guarded = new GuardedLoop(setting)
  private var waiting: Waiting = _

  override protected def advance(): ColumnarBatch = {
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
