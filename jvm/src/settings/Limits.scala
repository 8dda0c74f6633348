package org.apache.spark.sql.hydrofoil.settings

import org.apache.spark.sql.internal.SQLConf

/**
 * Where a record batch ends.
 *
 * @param rows rows of a batch at most (spark.sql.execution.arrow.maxRecordsPerBatch)
 * @param bytes a batch ends with the row that brings it to so many bytes; Int.MaxValue: no bound
 * @param adaptive whether slow functions get smaller batches; only for functions that can't see it
 * @param wrapped whether the columns go within one struct column, whose validity counts
 * @param asInput whether a batch is one of the input's, whatever its size
 */
final case class Limits(
    rows: Int,
    bytes: Long,
    adaptive: Boolean = false,
    wrapped: Boolean = false,
    asInput: Boolean = false) {
  def boundedBytes: Boolean = bytes < Int.MaxValue

  override def toString: String = {
    val bound = if (boundedBytes) s", $bytes bytes" else ""
    s"$rows rows$bound a batch${if (adaptive) ", adaptive" else ""}"
  }
}

object Limits {

  /** One batch for each of the input's. */
  val ofInput: Limits = Limits(Int.MaxValue, Int.MaxValue, asInput = true)

  /** As Spark's settings say. */
  def of(conf: SQLConf): Limits = {
    val rows = conf.arrowMaxRecordsPerBatch
    Limits(if (rows > 0) rows else Int.MaxValue, conf.arrowMaxBytesPerBatch)
  }

  /** Within Spark's settings, as it is best. */
  def ofUnseen(conf: SQLConf): Limits = {
    val limits = of(conf)
    limits.copy(
      bytes = math.min(limits.bytes, conf.getConf(HydrofoilConf.BATCH_BYTES)),
      adaptive = conf.getConf(HydrofoilConf.ADAPTIVE))
  }
}
