package org.apache.spark.sql.hydrofoil.grouped

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{
  Ascending, Attribute, Expression, PythonUDF, SortOrder}
import org.apache.spark.sql.catalyst.plans.physical.{
  AllTuples, ClusteredDistribution, Distribution, Partitioning}
import org.apache.spark.sql.catalyst.types.DataTypeUtils
import org.apache.spark.sql.execution.{BinaryExecNode, CoGroupedIterator, SparkPlan}
import org.apache.spark.sql.hydrofoil.exec.Arguments

/** Cogrouped applyInPandas and applyInArrow on groups that are sent many in a record batch. */
case class CogroupedMapExec(
    leftGroup: Seq[Attribute],
    rightGroup: Seq[Attribute],
    function: Expression,
    output: Seq[Attribute],
    left: SparkPlan,
    right: SparkPlan) extends BinaryExecNode with GroupedExec {

  override def nodeName: String = "HydrofoilCogroupedMap"

  override def outputPartitioning: Partitioning = left.outputPartitioning

  override def requiredChildDistribution: Seq[Distribution] =
    Seq(leftGroup, rightGroup).map { grouping =>
      if (grouping.isEmpty) AllTuples else ClusteredDistribution(grouping)
    }

  override def requiredChildOrdering: Seq[Seq[SortOrder]] =
    Seq(leftGroup, rightGroup).map(_.map(SortOrder(_, Ascending)))

  override protected def doExecute(): RDD[InternalRow] = {
    val leftColumns = GroupColumns.of(left.output, leftGroup)
    val rightColumns = GroupColumns.of(right.output, rightGroup)
    val udf = function.asInstanceOf[PythonUDF]
    val task = groupedTask(
      Seq(Arguments.alone(udf)),
      udf.evalType,
      Left(Array(leftColumns.offsets ++ rightColumns.offsets)),
      Seq(leftColumns, rightColumns).map(each => DataTypeUtils.fromAttributes(each.sent)),
      inStruct = false)
    val (leftSent, leftKeys, leftInput) = (leftColumns.sent, leftGroup, left.output)
    val (rightSent, rightKeys, rightInput) = (rightColumns.sent, rightGroup, right.output)
    val answer = output
    left.execute().zipPartitions(right.execute()) { (leftRows, rightRows) =>
      if (leftRows.isEmpty && rightRows.isEmpty) Iterator.empty
      else {
        val pairs = new CoGroupedIterator(
          Groups.of(leftRows, leftKeys, leftInput, leftSent),
          Groups.of(rightRows, rightKeys, rightInput, rightSent),
          leftKeys)
        val groups = pairs.map { case (_, leftGroup, rightGroup) => Array(leftGroup, rightGroup) }
        GroupedExec.structRows(task.run(groups), answer)
      }
    }
  }

  override protected def withNewChildrenInternal(
      newLeft: SparkPlan, newRight: SparkPlan): CogroupedMapExec =
    copy(left = newLeft, right = newRight)
}
