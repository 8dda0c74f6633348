package org.apache.spark.sql.hydrofoil.v40

import org.apache.spark.sql.execution.python.ArrowPythonRunner
import org.apache.spark.sql.hydrofoil.{BatchSource, Exchange, RunnerSpec, Shim}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.DataType

/** Spark 4.0. */
final class Adapter extends Shim {

  override def namedRunner(spec: RunnerSpec, input: BatchSource): Exchange =
    new NamedRunner(spec, input)

  override def runner(spec: RunnerSpec, input: BatchSource): Exchange = new Runner(spec, input)

  override def runnerConf(conf: SQLConf): Map[String, String] =
    ArrowPythonRunner.getPythonRunnerConfMap(conf)

  override def sessionUUID(conf: SQLConf): Option[String] = None

  override def scalarMismatch(expected: Seq[DataType], actual: Seq[DataType]): Throwable =
    new AssertionError("assertion failed: Invalid schema from arrow-enabled " +
      s"Python UDTF: expected ${expected.mkString(", ")}, got ${actual.mkString(", ")}")

  override def mapMismatch(
      conf: SQLConf,
      evalType: Int,
      expected: DataType,
      actual: DataType): Option[Throwable] = None
}
