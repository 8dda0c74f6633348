package org.apache.spark.sql.hydrofoil.shims.common

import org.apache.arrow.vector.types.pojo.Schema
import org.apache.spark.TaskContext
import org.apache.spark.api.python.PythonEvalType
import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.classic.SparkSession
import org.apache.spark.sql.errors.{ExecutionErrors, QueryExecutionErrors}
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.execution.python.{
  ArrowAggregatePythonExec, ArrowPythonRunner, HybridRowQueue}
import org.apache.spark.sql.execution.python.EvalPythonExec.ArgumentMetadata
import org.apache.spark.sql.hydrofoil.shim.{Aggregation, Argument, KeyQueue, Shim}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{ArrayType, DataType, MapType, StructType, UserDefinedType}
import org.apache.spark.sql.util.ArrowUtils

/** What the newest Spark does; an older one's adapter overrides what is different there. */
abstract class LatestShim extends Shim {

  override def argument(argument: Argument): AnyRef =
    ArgumentMetadata(argument.offset, argument.name)

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
      Some(
        QueryExecutionErrors.arrowDataTypeMismatchError(
          PythonEvalType.toString(evalType),
          Seq(expected),
          Seq(actual)))
    }
  }

  override def cutsGroups: Boolean = true

  override def arrowSchema(
      schema: StructType,
      sides: Int,
      timeZone: String,
      largeVarTypes: Boolean): Schema = {
    schema.foreach(field => refuseEqualNames(field.dataType))
    ArrowUtils.toArrowSchema(schema, timeZone, largeVarTypes)
  }

  /** As Spark does for groups, but for no other functions. */
  private def refuseEqualNames(dataType: DataType): Unit = dataType match {
    case struct: StructType =>
      if (struct.names.distinct.length < struct.length) {
        throw ExecutionErrors.duplicatedFieldNameInArrowStructError(struct.names.toSeq)
      }
      struct.foreach(field => refuseEqualNames(field.dataType))
    case array: ArrayType => refuseEqualNames(array.elementType)
    case map: MapType =>
      refuseEqualNames(map.keyType)
      refuseEqualNames(map.valueType)
    case udt: UserDefinedType[_] => refuseEqualNames(udt.sqlType)
    case _ =>
  }

  override def aggregation(plan: SparkPlan): Option[Aggregation] = plan match {
    case exec: ArrowAggregatePythonExec =>
      val (grouping, results) = (exec.groupingExpressions, exec.resultExpressions)
      Some(Aggregation(grouping, exec.aggExpressions, results, exec.child))
    case _ => None
  }

  override def keys(context: TaskContext, fields: Int): KeyQueue = {
    val queue = HybridRowQueue(context.taskMemoryManager(), fields)
    LatestShim.keys(context, queue.add(_), () => queue.remove(), () => queue.close())
  }
}

object LatestShim {

  /** A queue of Spark's, of which not all versions have the same class. */
  def keys(
      context: TaskContext,
      put: UnsafeRow => Unit,
      take: () => UnsafeRow,
      close: () => Unit): KeyQueue = {
    context.addTaskCompletionListener[Unit](_ => close())
    new KeyQueue {
      override def add(key: UnsafeRow): Unit = put(key)
      override def remove(): UnsafeRow = take()
    }
  }
}
