package org.apache.spark.sql.hydrofoil.exchange

import java.io.DataOutputStream

import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.hydrofoil.memory.TaskBuffers
import org.apache.spark.sql.hydrofoil.shim.BatchSource

/**
 * Sends a feed's batches to a worker, and counts them.
 *
 * @param sent    those of the feed's columns that go there
 * @param wrapped whether they go within one struct column
 * @param keep    takes what else is to be kept of a batch that was sent
 */
final class FeedSource(
    feed: Feed,
    sent: Array[Int],
    wrapped: Boolean,
    keep: Part => Unit,
    metrics: Map[String, SQLMetric],
    buffers: TaskBuffers)
  extends BatchSource {

  private val wire = new Wire(buffers.allocator)
  private val bytesSent = metrics("pythonDataSent")
  private val rowsSent = metrics("rowsSent")
  private val batchesSent = metrics("batchesSent")

  override protected def write(out: DataOutputStream): Boolean = {
    val part = feed.next()
    if (part != null) {
      try {
        bytesSent += wire.write(sent.map(part.columns(_)), part.rows, wrapped, out)
        keep(part)
      } finally {
        part.release()
      }
      rowsSent += part.rows
      batchesSent += 1
    }
    part != null
  }
}
