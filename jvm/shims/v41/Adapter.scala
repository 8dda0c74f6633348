package org.apache.spark.sql.hydrofoil.v41

import org.apache.spark.api.python.PythonEvalType
import org.apache.spark.sql.classic.SparkSession
import org.apache.spark.sql.errors.QueryExecutionErrors
import org.apache.spark.sql.execution.python.ArrowPythonRunner
import org.apache.spark.sql.hydrofoil.{BatchSource, Exchange, RunnerSpec, Shim}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.DataType

/** Spark 4.1. */
final class Adapter extends Shim {

  override def namedRunner(spec: RunnerSpec, input: BatchSource): Exchange =
    new NamedRunner(spec, input)

  override def runner(spec: RunnerSpec, input: BatchSource): Exchange = new Runner(spec, input)

  override def runnerConf(conf: SQLConf): Map[String, String] =
    ArrowPythonRunner.getPythonRunnerConfMap(conf)

  override def sessionUUID(conf: SQLConf): Option[String] =
    if (conf.pythonWorkerLoggingEnabled) SparkSession.getActiveSession.map(_.sessionUUID) else None

  override def scalarMismatch(expected: Seq[DataType], actual: Seq[DataType]): Throwable =
    QueryExecutionErrors.arrowDataTypeMismatchError("pandas_udf()", expected, actual)

  override def mapMismatch(
      conf: SQLConf,
      evalType: Int,
      expected: DataType,
      actual: DataType): Option[Throwable] = {
    if (!conf.pysparkArrowValidateSchema ||
        DataType.equalsIgnoreCompatibleNullability(from = actual, to = expected)) {
      None
    } else {
      Some(QueryExecutionErrors.arrowDataTypeMismatchError(
        PythonEvalType.toString(evalType), Seq(expected), Seq(actual)))
    }
  }
}
