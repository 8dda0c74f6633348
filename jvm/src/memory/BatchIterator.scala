package org.apache.spark.sql.hydrofoil.memory

import java.util.NoSuchElementException

import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * Batches as an iterator that closes each of ours when the next one is asked for. Whose batches
 * Spark made closes them itself.
 */
abstract class BatchIterator extends Iterator[ColumnarBatch] {

  private var last: ArrowBatch = _
  private var ahead: ColumnarBatch = _

  /** The next batch; null at the end. */
  protected def advance(): ColumnarBatch

  override def hasNext: Boolean = {
    if (ahead == null) {
      if (last != null) last.close()
      last = null
      ahead = advance()
    }
    ahead != null
  }

  override def next(): ColumnarBatch = {
    if (!hasNext) throw new NoSuchElementException("no more record batches")
    val batch = ahead
    ahead = null
    batch match {
      case ours: ArrowBatch => last = ours
      case _ =>
    }
    batch
  }
}
