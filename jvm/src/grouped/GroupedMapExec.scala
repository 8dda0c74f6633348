package org.apache.spark.sql.hydrofoil.grouped

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{
  Ascending, Attribute, Expression, PythonUDF, SortOrder}
import org.apache.spark.sql.catalyst.plans.physical.{
  AllTuples, ClusteredDistribution, Distribution, Partitioning}
import org.apache.spark.sql.catalyst.types.DataTypeUtils
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.sql.hydrofoil.exec.Arguments

/**
 * applyInPandas and applyInArrow on groups that are sent many in a record batch.
 *
 * @param inStruct the function takes Arrow's tables or record batches
 */
case class GroupedMapExec(
    groupingAttributes: Seq[Attribute],
    function: Expression,
    output: Seq[Attribute],
    child: SparkPlan,
    inStruct: Boolean) extends UnaryExecNode with GroupedExec {

  override def nodeName: String = "HydrofoilGroupedMap"

  override def outputPartitioning: Partitioning = child.outputPartitioning

  override def requiredChildDistribution: Seq[Distribution] =
    Seq(
      if (groupingAttributes.isEmpty) AllTuples else ClusteredDistribution(groupingAttributes))

  override def requiredChildOrdering: Seq[Seq[SortOrder]] =
    Seq(groupingAttributes.map(SortOrder(_, Ascending)))

  override protected def doExecute(): RDD[InternalRow] = {
    val columns = GroupColumns.of(child.output, groupingAttributes)
    val udf = function.asInstanceOf[PythonUDF]
    val task = groupedTask(
      Seq(Arguments.alone(udf)),
      udf.evalType,
      Left(Array(columns.offsets)),
      Seq(DataTypeUtils.fromAttributes(columns.sent)),
      inStruct)
    val (sent, grouping, input, answer) =
      (columns.sent, groupingAttributes, child.output, output)
    child.execute().mapPartitionsInternal { rows =>
      if (rows.isEmpty) Iterator.empty
      else {
        val groups = Groups.of(rows, grouping, input, sent)
        GroupedExec.structRows(task.run(groups.map { case (_, group) => Array(group) }), answer)
      }
    }
  }

  override protected def withNewChildInternal(newChild: SparkPlan): GroupedMapExec =
    copy(child = newChild)
}
