package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.TaskContext
import org.apache.spark.api.python.PythonEvalType
import org.apache.spark.rdd.RDD
import org.apache.spark.resource.ResourceProfile
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, PythonUDF}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.sql.hydrofoil.exchange.MapTask
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.{StructField, StructType}
import org.apache.spark.sql.vectorized.ColumnarBatch

/** mapInArrow and mapInPandas over record batches. */
case class HydrofoilMapInBatchExec(
    func: PythonUDF,
    output: Seq[Attribute],
    child: SparkPlan,
    isBarrier: Boolean,
    profile: Option[ResourceProfile],
    evalType: Int)
  extends UnaryExecNode with ColumnarPythonExec {

  override def producedAttributes: AttributeSet = AttributeSet(output)

  override def outputPartitioning: Partitioning = child.outputPartitioning

  override def simpleString(maxFields: Int): String =
    s"$nodeName $func, ${PythonEvalType.toString(evalType)}, barrier: $isBarrier"

  /** The limits of the batches that go to the worker. */
  def limits: Limits = Limits.of(conf).copy(wrapped = true)

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] = {
    val expected = func.dataType
    val task = new MapTask(
      runnerSpec(
        Seq(Arguments.alone(func)),
        evalType,
        StructType(Array(StructField("struct", child.schema))),
        largeVarTypes = false),
      Columns.storedTypes(child.output),
      StructType(output.map(a => StructField(a.name, a.dataType, a.nullable))),
      expected,
      limits,
      metrics)
    val input = child.executeColumnar()
    val rdd = if (isBarrier) {
      input.barrier().mapPartitions(task.run(_, TaskContext.get()))
    } else {
      input.mapPartitionsInternal(task.run(_, TaskContext.get()))
    }
    profile.map(rdd.withResources).getOrElse(rdd)
  }

  override protected def withNewChildInternal(newChild: SparkPlan): HydrofoilMapInBatchExec =
    copy(child = newChild)
}
