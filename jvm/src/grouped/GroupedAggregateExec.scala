package org.apache.spark.sql.hydrofoil.grouped

import scala.collection.mutable

import org.apache.spark.TaskContext
import org.apache.spark.api.python.ChainedPythonFunctions
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{
  Ascending, Attribute, AttributeSet, Expression, JoinedRow, NamedArgumentExpression,
  NamedExpression, PythonFuncExpression, PythonUDAF, SortOrder, UnsafeProjection, UnsafeRow}
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.physical.{
  ClusteredDistribution, Distribution, Partitioning}
import org.apache.spark.sql.execution.{GroupedIterator, SparkPlan, UnaryExecNode}
import org.apache.spark.sql.hydrofoil.Argument
import org.apache.spark.sql.types.{StructField, StructType}

/** Aggregates in Python, on groups that are sent many in a record batch, and answered so. */
case class GroupedAggregateExec(
    groupingExpressions: Seq[NamedExpression],
    aggregates: Seq[AggregateExpression],
    resultExpressions: Seq[NamedExpression],
    child: SparkPlan) extends UnaryExecNode with GroupedExec {

  override def nodeName: String = "HydrofoilGroupedAggregate"

  override val output: Seq[Attribute] = resultExpressions.map(_.toAttribute)

  override def producedAttributes: AttributeSet = AttributeSet(output)

  override def outputPartitioning: Partitioning = child.outputPartitioning

  override def requiredChildDistribution: Seq[Distribution] =
    Seq(ClusteredDistribution(groupingExpressions))

  override def requiredChildOrdering: Seq[Seq[SortOrder]] =
    Seq(groupingExpressions.map(SortOrder(_, Ascending)))

  override protected def doExecute(): RDD[InternalRow] = {
    val functions = aggregates.map(_.aggregateFunction.asInstanceOf[PythonUDAF])
    // Each column that some function takes is sent once.
    val inputs = mutable.ArrayBuffer.empty[Expression]
    def offsetOf(value: Expression): Int = {
      val known = inputs.indexWhere(_.semanticEquals(value))
      if (known >= 0) known
      else {
        inputs += value
        inputs.length - 1
      }
    }
    val chains = functions.map(GroupedAggregateExec.chain)
    val arguments = chains.map { case (_, _, children) =>
      children.map {
        case NamedArgumentExpression(name, value) => Argument(offsetOf(value), Some(name))
        case value => Argument(offsetOf(value), None)
      }.toArray
    }.toArray
    val columns = inputs.toSeq
    val task = GroupedTask(
      conf,
      chains.map { case (chained, id, _) => (chained, id) },
      functions.head.evalType,
      Right(arguments),
      Seq(StructType(columns.zipWithIndex.map { case (column, i) =>
        StructField(s"_$i", column.dataType)
      })),
      inStruct = false,
      metrics)
    val (grouping, input, results) = (groupingExpressions, child.output, resultExpressions)
    val answered = grouping.map(_.toAttribute) ++ aggregates.map(_.resultAttribute)
    child.execute().mapPartitionsInternal { rows =>
      if (rows.isEmpty) Iterator.empty
      else {
        val keys = GroupedShim.running.keys(TaskContext.get(), grouping.length)
        val arguments = UnsafeProjection.create(columns, input)
        val groups = GroupedIterator(rows, grouping, input).map { case (key, group) =>
          keys.add(key.asInstanceOf[UnsafeRow])
          Array(group.map(arguments))
        }
        val joined = new JoinedRow
        val result = UnsafeProjection.create(results, answered)
        // An answer may hold any number of groups, and has one row for each.
        task.run(groups).flatMap(new GroupedExec.Rows(_)).map { values =>
          result(joined(keys.remove(), values))
        }
      }
    }
  }

  override protected def withNewChildInternal(newChild: SparkPlan): GroupedAggregateExec =
    copy(child = newChild)
}

private object GroupedAggregateExec {
  /** A function and those that it is applied to, the result's id, and the innermost's arguments. */
  private def chain(
      function: PythonFuncExpression): (ChainedPythonFunctions, Long, Seq[Expression]) =
    function.children match {
      case Seq(inner: PythonFuncExpression) =>
        val (chained, _, children) = chain(inner)
        (ChainedPythonFunctions(chained.funcs :+ function.func), function.resultId.id, children)
      case children =>
        (ChainedPythonFunctions(Seq(function.func)), function.resultId.id, children)
    }
}
