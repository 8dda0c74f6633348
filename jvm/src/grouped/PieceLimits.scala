package org.apache.spark.sql.hydrofoil.grouped

import org.apache.spark.sql.internal.SQLConf

/**
 * Where stock ends a record batch within a group.
 *
 * @param rows  it has that many rows
 * @param bytes it has at least that many bytes
 */
private[grouped] final case class PieceLimits(rows: Int, bytes: Long)

private[grouped] object PieceLimits {
  /** A group is one batch, however large: Spark 4.0. */
  val none: PieceLimits = PieceLimits(Int.MaxValue, Long.MaxValue)

  def of(conf: SQLConf): PieceLimits = PieceLimits(
    if (conf.arrowMaxRecordsPerBatch > 0) conf.arrowMaxRecordsPerBatch else Int.MaxValue,
    if (conf.arrowMaxBytesPerBatch == Int.MaxValue) Long.MaxValue else conf.arrowMaxBytesPerBatch)
}
