package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.TaskContext
import org.apache.spark.api.python.PythonEvalType
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, PythonUDF}
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.sql.hydrofoil.compiled.{
  ArrowHalf, CompiledFunction, GuardedTask, PickledHalf, PythonHalf}
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.hydrofoil.settings.{HydrofoilConf, Limits}
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * Evaluates a Python function by code that was made of it, over columns; the rows that trip one of
 * its guards go to Python.
 *
 * @param udf the function, whose arguments are columns of the child
 * @param passThrough the child's columns that the parents need, in the child's order
 */
case class CompiledUdfExec(
    udf: PythonUDF,
    resultAttr: Attribute,
    passThrough: Seq[Attribute],
    child: SparkPlan,
    function: CompiledFunction)
  extends UnaryExecNode with PythonExec {

  override def output: Seq[Attribute] = passThrough :+ resultAttr
  override def producedAttributes: AttributeSet = AttributeSet(resultAttr)
  override def supportsColumnar: Boolean = true
  override def supportsRowBased: Boolean = false

  override def simpleString(maxFields: Int): String = {
    val guards = if (function.reasons.isEmpty) "none" else function.reasons.mkString("; ")
    s"$nodeName $udf, guards: $guards"
  }

  override protected def ownMetrics: Map[String, SQLMetric] = Map(
    "bytesSpilled" -> SQLMetrics.createSizeMetric(sparkContext, "pass-through columns spilled"),
    "rowsTripped" -> SQLMetrics.createMetric(sparkContext, "rows that went to Python")
  ) ++ function.reasons.zipWithIndex.map { case (reason, i) =>
    s"tripped$i" -> SQLMetrics.createMetric(sparkContext, s"to Python: $reason")
  }

  override protected def doExecute(): RDD[InternalRow] = throw new UnsupportedOperationException(
    s"$nodeName yields columns, not rows")

  def limits: Limits = Limits.ofUnseen(conf)

  /** The columns that the function is called with, each once. */
  def arguments: Seq[Attribute] =
    Arguments.of(Seq(udf), child.output).ordinals.map(child.output(_)).toSeq

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] = {
    val arguments = Arguments.of(Seq(udf), child.output)
    val task = new GuardedTask(
      function,
      half(arguments),
      arguments.ordinals,
      Columns.ordinals(passThrough, child.output),
      Columns.storedTypes(child.output),
      Layout.stored(resultAttr.dataType),
      limits,
      conf.getConf(HydrofoilConf.PASS_THROUGH_MEMORY),
      metrics,
      function.reasons.indices.map(i => metrics(s"tripped$i")).toArray)
    child.executeColumnar().mapPartitionsInternal(task.run(_, TaskContext.get()))
  }

  private def half(arguments: Arguments): PythonHalf =
    if (udf.evalType == PythonEvalType.SQL_BATCHED_UDF) {
      new PickledHalf(PickledCalls.of(udf, resultAttr, child, arguments))
    } else {
      new ArrowHalf(
        runnerSpec(arguments.functions, udf.evalType, arguments.schema, largeVarTypes = false),
        arguments.metadata)
    }

  override protected def withNewChildInternal(newChild: SparkPlan): CompiledUdfExec =
    copy(child = newChild)
}
