package org.apache.spark.sql.hydrofoil.shims.v40

import org.apache.arrow.vector.types.pojo.Schema
import org.apache.spark.TaskContext
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.execution.python.{AggregateInPandasExec, HybridRowQueue}
import org.apache.spark.sql.execution.python.EvalPythonExec.ArgumentMetadata
import org.apache.spark.sql.hydrofoil.shim.{
  Aggregation, Argument, BatchSource, Exchange, KeyQueue, RunnerSpec}
import org.apache.spark.sql.hydrofoil.shims.common.LatestShim
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{DataType, StructType}
import org.apache.spark.sql.util.ArrowUtils

/** Spark 4.0. */
final class Adapter extends LatestShim {

  override def runner(spec: RunnerSpec, offsets: Array[Array[Int]], input: BatchSource): Exchange =
    new Runner(spec, offsets, input)

  override def namedRunner(spec: RunnerSpec, named: Argument.Lists, input: BatchSource): Exchange =
    new NamedRunner(spec, named, input)

  override def scalarRunner(spec: RunnerSpec, named: Argument.Lists, input: BatchSource): Exchange =
    new NamedRunner(spec, named, input)

  override def argument(argument: Argument): AnyRef =
    ArgumentMetadata(argument.offset, argument.name)

  override def sessionUUID(conf: SQLConf): Option[String] = None

  override def arrowSchema(
      schema: StructType,
      sides: Int,
      timeZone: String,
      largeVarTypes: Boolean): Schema =
    // Its runner for one side is about to refuse equal names in a struct, but sets that too late.
    ArrowUtils.toArrowSchema(schema, timeZone, sides > 1, largeVarTypes)

  override def scalarMismatch(expected: Seq[DataType], actual: Seq[DataType]): Throwable =
    new AssertionError(
      "assertion failed: Invalid schema from arrow-enabled " +
        s"Python UDTF: expected ${expected.mkString(", ")}, got ${actual.mkString(", ")}")

  override def mapMismatch(
      conf: SQLConf,
      evalType: Int,
      expected: DataType,
      actual: DataType): Option[Throwable] = None

  override def cutsGroups: Boolean = false

  override def aggregation(plan: SparkPlan): Option[Aggregation] = plan match {
    case exec: AggregateInPandasExec =>
      val (grouping, results) = (exec.groupingExpressions, exec.resultExpressions)
      Some(Aggregation(grouping, exec.aggExpressions, results, exec.child))
    case _ => None
  }

  override def keys(context: TaskContext, fields: Int): KeyQueue = {
    val queue = HybridRowQueue(context.taskMemoryManager(), fields)
    LatestShim.keys(context, queue.add(_), () => queue.remove(), () => queue.close())
  }
}
