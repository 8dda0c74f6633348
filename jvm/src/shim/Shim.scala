package org.apache.spark.sql.hydrofoil.shim

import org.apache.arrow.vector.types.pojo.Schema
import org.apache.spark.{SPARK_VERSION, TaskContext}
import org.apache.spark.sql.catalyst.expressions.{NamedExpression, UnsafeRow}
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{DataType, StructType}

/** The part of the extension that differs between Spark's versions. */
trait Shim {

  /** Spark's own runner for functions that take columns by offset; `input` writes all batches. */
  def runner(spec: RunnerSpec, offsets: Array[Array[Int]], input: BatchSource): Exchange

  /** The same for functions whose arguments may be named. */
  def namedRunner(spec: RunnerSpec, named: Argument.Lists, input: BatchSource): Exchange

  /** The same for scalar functions, which Spark tells how many results to look at together. */
  def scalarRunner(spec: RunnerSpec, named: Argument.Lists, input: BatchSource): Exchange

  /** Spark's own description of an argument, an `EvalPythonExec.ArgumentMetadata`. */
  def argument(argument: Argument): AnyRef

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

  /** Whether a large group is several record batches. */
  def cutsGroups: Boolean

  /** The schema that Spark sends for one of the `sides` of a group. */
  def arrowSchema(
      schema: StructType,
      sides: Int,
      timeZone: String,
      largeVarTypes: Boolean): Schema

  /** What Spark's operator aggregates in Python, where that is what it does. */
  def aggregation(plan: SparkPlan): Option[Aggregation]

  /** An empty queue for rows of so many fields, which is closed when the task ends. */
  def keys(context: TaskContext, fields: Int): KeyQueue
}

/** Groups and what is computed of each, as Spark plans it. */
final case class Aggregation(
    grouping: Seq[NamedExpression],
    aggregates: Seq[AggregateExpression],
    results: Seq[NamedExpression],
    child: SparkPlan)

/** Keys in the order of their groups; what the task has no memory for waits on disk. */
trait KeyQueue {
  def add(key: UnsafeRow): Unit

  /** The first that has not been removed; it lasts until the next is. */
  def remove(): UnsafeRow
}

object Shim {

  private val packages = Map("4.0" -> "v40", "4.1" -> "v41", "4.2" -> "v42", "4.3" -> "v42")

  val minor: String = SPARK_VERSION.split('.').take(2).mkString(".")

  /** The adapter for the running Spark; None where this jar knows none. */
  lazy val running: Option[Shim] = packages.get(minor).map { name =>
    val cls = Class.forName(s"org.apache.spark.sql.hydrofoil.shims.$name.Adapter")
    cls.getConstructor().newInstance().asInstanceOf[Shim]
  }

  def get: Shim = running.getOrElse(
    throw new IllegalStateException(s"Hydrofoil has no adapter for Spark $SPARK_VERSION"))
}
