package org.apache.spark.sql.hydrofoil

import org.apache.spark.SPARK_VERSION
import org.apache.spark.TaskContext
import org.apache.spark.api.python.ChainedPythonFunctions
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{DataType, StructType}
import org.apache.spark.sql.vectorized.ColumnarBatch

/** An argument of a function: the column of the batch that it is in, and its name if it has one. */
final case class Argument(offset: Int, name: Option[String])

/** What every runner of Spark's needs to know of a Python function, whichever the minor. */
final case class RunnerSpec(
    funcs: Seq[(ChainedPythonFunctions, Long)],
    evalType: Int,
    arguments: Array[Array[Argument]],
    schema: StructType,
    timeZoneId: String,
    conf: Map[String, String],
    metrics: Map[String, SQLMetric],
    jobArtifactUUID: Option[String],
    sessionUUID: Option[String],
    profiler: Option[String]) {

  def argOffsets: Array[Array[Int]] = arguments.map(_.map(_.offset))
}

/** Results of a Python function as Spark's runner reads them from the worker, batch by batch. */
trait Exchange {
  def results(context: TaskContext): Iterator[ColumnarBatch]
}

/** The part of the extension that differs between Spark's minors. */
trait Shim {

  /** Runs scalar functions, whose arguments may be named. */
  def namedRunner(spec: RunnerSpec, input: BatchSource): Exchange

  /** Runs functions that take whole batches. */
  def runner(spec: RunnerSpec, input: BatchSource): Exchange

  /** The settings that Spark sends to the worker. */
  def runnerConf(conf: SQLConf): Map[String, String]

  /** The session's identifier, where workers log to their session; None where they don't. */
  def sessionUUID(conf: SQLConf): Option[String]

  /** The error that Spark raises where a scalar function's results have other types. */
  def scalarMismatch(expected: Seq[DataType], actual: Seq[DataType]): Throwable

  /** The error for the types that a mapIn function returned; None where Spark looks at no types. */
  def mapMismatch(
      conf: SQLConf,
      evalType: Int,
      expected: DataType,
      actual: DataType): Option[Throwable]
}

object Shim {

  private val packages = Map("4.0" -> "v40", "4.1" -> "v41", "4.2" -> "v42", "4.3" -> "v42")

  val minor: String = SPARK_VERSION.split('.').take(2).mkString(".")

  /** The adapter for the running Spark; None where this jar knows none. */
  lazy val running: Option[Shim] = packages.get(minor).map { name =>
    val cls = Class.forName(s"org.apache.spark.sql.hydrofoil.$name.Adapter")
    cls.getConstructor().newInstance().asInstanceOf[Shim]
  }

  def get: Shim = running.getOrElse(
    throw new IllegalStateException(s"Hydrofoil has no adapter for Spark $SPARK_VERSION"))
}
