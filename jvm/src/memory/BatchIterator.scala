package org.apache.spark.sql.hydrofoil.memory

import java.util.NoSuchElementException

import org.apache.spark.sql.vectorized.ColumnarBatch

/** Batches as an iterator that closes each when the next one is asked for. */
abstract class BatchIterator extends Iterator[ColumnarBatch] {

  private var last: ArrowBatch = _
  private var ahead: ArrowBatch = _

  /** The next batch; null at the end. */
  protected def advance(): ArrowBatch

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
    last = ahead
    ahead = null
    last
  }
}
