package org.apache.spark.sql.hydrofoil.frames

import org.apache.spark.sql.catalyst.plans.logical.LocalRelation
import org.apache.spark.sql.catalyst.types.DataTypeUtils
import org.apache.spark.sql.classic.{DataFrame, Dataset, SparkSession}
import org.apache.spark.sql.execution.arrow.ArrowConverters
import org.apache.spark.sql.hydrofoil.exec.HydrofoilLocalScanExec
import org.apache.spark.sql.hydrofoil.local.LocalRows
import org.apache.spark.sql.hydrofoil.plan.Coverage
import org.apache.spark.sql.hydrofoil.settings.HydrofoilConf
import org.apache.spark.sql.types.{DataType, StructType}

/**
 * Data frames of record batches that Python has sent. Where Spark makes rows of them at once, for a
 * local relation, they stay here what they are until somebody needs the rows.
 */
object LocalFrames {

  /** In the place of Spark's `PythonSQLUtils.toDataFrame`. */
  def toDataFrame(
      batches: Iterator[Array[Byte]],
      schema: String,
      session: SparkSession): DataFrame = {
    val messages = batches.toArray
    val struct = DataType.fromJson(schema).asInstanceOf[StructType]
    rows(messages, struct, session) match {
      case Some(rows) =>
        Dataset.ofRows(session, LocalRelation(DataTypeUtils.toAttributes(struct), rows))
      case None => ArrowConverters.toDataFrame(messages.iterator, schema, session)
    }
  }

  /** Whether its record batches stay what they are until rows are needed. */
  def keeps(frame: DataFrame): Boolean = frame.queryExecution.logical match {
    case relation: LocalRelation => relation.data.isInstanceOf[LocalRows]
    case _ => false
  }

  private def rows(
      messages: Array[Array[Byte]],
      schema: StructType,
      session: SparkSession): Option[LocalRows] = {
    val conf = session.sessionState.conf
    val isLocal = messages.iterator.map(_.length.toLong).sum <= conf.arrowLocalRelationThreshold
    if (isLocal && conf.getConf(HydrofoilConf.ENABLED) && Coverage.frame(schema, conf).isEmpty) {
      LocalRows.of(messages, schema, conf.sessionLocalTimeZone)
        .filter(_.length >= HydrofoilLocalScanExec.MANY)
    } else {
      None
    }
  }
}
