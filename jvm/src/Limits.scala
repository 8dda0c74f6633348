package org.apache.spark.sql.hydrofoil

import org.apache.spark.api.python.PythonEvalType
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types._

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
    adaptive: Boolean,
    wrapped: Boolean,
    asInput: Boolean) {
  def boundedBytes: Boolean = bytes < Int.MaxValue

  override def toString: String = {
    val bound = if (boundedBytes) s", $bytes bytes" else ""
    s"$rows rows$bound a batch${if (adaptive) ", adaptive" else ""}"
  }
}

object Limits {

  /** One batch for each of the input's: what Spark sends of input that has batches. */
  val ofInput: Limits =
    Limits(Int.MaxValue, Int.MaxValue, adaptive = false, wrapped = false, asInput = true)

  /** For mapInArrow and mapInPandas. */
  def ofMap(conf: SQLConf): Limits = ofSpark(conf).copy(wrapped = true)

  /** For scalar functions with results of such types. */
  def ofScalar(conf: SQLConf, evalType: Int, results: Seq[DataType]): Limits =
    if (seesBatches(evalType, results)) {
      ofSpark(conf)
    } else {
      val limits = ofSpark(conf)
      limits.copy(
        bytes = math.min(limits.bytes, conf.getConf(HydrofoilConf.BATCH_BYTES)),
        adaptive = conf.getConf(HydrofoilConf.ADAPTIVE))
    }

  /**
   * Whether it makes a difference to a function where its batches end. To a function of single rows
   * it does by what it returns: results are converted when the batch ends, so that one object which
   * was returned for several rows has by then what the last of them put into it. Strings are made
   * of any object, and so belong to these results.
   */
  def seesBatches(evalType: Int, results: Seq[DataType]): Boolean =
    evalType != PythonEvalType.SQL_ARROW_BATCHED_UDF || !results.forall(isOfUnchanging)

  private def isOfUnchanging(dataType: DataType): Boolean = dataType match {
    case _: NumericType | BooleanType | NullType => true
    case DateType | TimestampType | TimestampNTZType | CalendarIntervalType => true
    case _: DayTimeIntervalType | _: YearMonthIntervalType => true
    case other => Layout.isTime(other)
  }

  private def ofSpark(conf: SQLConf): Limits = {
    val rows = conf.arrowMaxRecordsPerBatch
    Limits(
      if (rows > 0) rows else Int.MaxValue,
      conf.arrowMaxBytesPerBatch,
      adaptive = false,
      wrapped = false,
      asInput = false)
  }
}
