package org.apache.spark.sql.hydrofoil.exchange

import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.hydrofoil.shim.BatchSource
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * Results from a worker, and the time that is spent on nothing but waiting for them: Spark's runner
 * feeds the worker from `source` meanwhile.
 */
final class TimedResults(
    results: Iterator[ColumnarBatch],
    source: BatchSource,
    metrics: Map[String, SQLMetric])
  extends Iterator[ColumnarBatch] {

  private val waited = metrics("waitTime")
  private val received = metrics("batchesReceived")

  override def hasNext: Boolean = {
    val begin = System.nanoTime()
    val fed = source.nanoseconds
    val more = results.hasNext
    waited += (System.nanoTime() - begin) - (source.nanoseconds - fed)
    more
  }

  override def next(): ColumnarBatch = {
    received += 1
    results.next()
  }

  /** The next batch; null at the end. */
  def nextOrNull(): ColumnarBatch = if (hasNext) next() else null
}
