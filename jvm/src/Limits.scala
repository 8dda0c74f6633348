package org.apache.spark.sql.hydrofoil

import org.apache.spark.api.python.PythonEvalType
import org.apache.spark.sql.internal.SQLConf

/**
 * Where a record batch ends.
 *
 * @param rows rows of a batch at most (spark.sql.execution.arrow.maxRecordsPerBatch)
 * @param bytes a batch ends with the row that brings it to so many bytes; Int.MaxValue: no bound
 * @param adaptive whether slow functions get smaller batches; only for functions of single rows,
 *                 which can't tell
 * @param wrapped whether the columns go within one struct column, whose validity counts
 */
final case class Limits(rows: Int, bytes: Long, adaptive: Boolean, wrapped: Boolean) {
  def boundedBytes: Boolean = bytes < Int.MaxValue

  override def toString: String = {
    val bound = if (boundedBytes) s", $bytes bytes" else ""
    s"$rows rows$bound a batch${if (adaptive) ", adaptive" else ""}"
  }
}

object Limits {

  def of(conf: SQLConf, evalType: Int): Limits = {
    val rows = conf.arrowMaxRecordsPerBatch
    val rowwise = evalType == PythonEvalType.SQL_ARROW_BATCHED_UDF
    val bytes = conf.arrowMaxBytesPerBatch
    Limits(
      if (rows > 0) rows else Int.MaxValue,
      if (rowwise) math.min(bytes, conf.getConf(HydrofoilConf.BATCH_BYTES)) else bytes,
      rowwise && conf.getConf(HydrofoilConf.ADAPTIVE),
      evalType == MapEvalTypes.ARROW || evalType == MapEvalTypes.PANDAS)
  }
}
