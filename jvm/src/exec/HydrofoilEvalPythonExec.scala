package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.TaskContext
import org.apache.spark.api.python.PythonEvalType
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, PythonUDF}
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.sql.hydrofoil.exchange.EvalTask
import org.apache.spark.sql.hydrofoil.settings.{HydrofoilConf, Limits}
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * Evaluates scalar Python functions over record batches: only their arguments cross to the worker,
 * and the columns that pass through stay in the batch they came in.
 *
 * @param passThrough the child's columns that the parents need, in the child's order
 * @param ends where the batches end that go to the worker
 * @param notCompiled why functions were not compiled that might have been, for those who read plans
 */
case class HydrofoilEvalPythonExec(
    udfs: Seq[PythonUDF],
    resultAttrs: Seq[Attribute],
    passThrough: Seq[Attribute],
    child: SparkPlan,
    evalType: Int,
    ends: BatchEnds,
    notCompiled: Seq[String] = Nil)
  extends UnaryExecNode with ColumnarPythonExec {

  override def output: Seq[Attribute] = passThrough ++ resultAttrs

  override def producedAttributes: AttributeSet = AttributeSet(resultAttrs)

  override def simpleString(maxFields: Int): String =
    s"$nodeName ${udfs.mkString("[", ", ", "]")}, ${PythonEvalType.toString(evalType)}" +
      notCompiled.map(reason => s", not compiled: $reason").mkString

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] = {
    val arguments = Arguments.of(udfs, child.output)
    val task = new EvalTask(
      runnerSpec(arguments.functions, evalType, arguments.schema, largeVarTypes = false),
      arguments.metadata,
      arguments.ordinals,
      Columns.ordinals(passThrough, child.output),
      Columns.storedTypes(child.output),
      Columns.storedTypes(resultAttrs),
      limits,
      conf.getConf(HydrofoilConf.PASS_THROUGH_MEMORY),
      metrics)
    child.executeColumnar().mapPartitionsInternal(task.run(_, TaskContext.get()))
  }

  /** The limits of the batches that go to the worker. */
  def limits: Limits = ends match {
    case BatchEnds.Unseen => Limits.ofUnseen(conf)
    case BatchEnds.OfInput => Limits.ofInput
    case BatchEnds.ByRows => Limits.of(conf).copy(bytes = Int.MaxValue)
    case BatchEnds.BySettings => Limits.of(conf)
  }

  override protected def withNewChildInternal(newChild: SparkPlan): HydrofoilEvalPythonExec =
    copy(child = newChild)
}
