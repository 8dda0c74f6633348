package org.apache.spark.sql.hydrofoil.grouped

import scala.collection.mutable

import org.apache.spark.TaskContext
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{
  Ascending, Attribute, Expression, JoinedRow, NamedExpression, PythonUDAF, SortOrder,
  UnsafeProjection, UnsafeRow}
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.physical.{
  ClusteredDistribution, Distribution, Partitioning}
import org.apache.spark.sql.execution.{GroupedIterator, SparkPlan, UnaryExecNode}
import org.apache.spark.sql.hydrofoil.exec.Arguments
import org.apache.spark.sql.hydrofoil.shim.{Argument, Shim}
import org.apache.spark.sql.types.{StructField, StructType}

/** Aggregates in Python, on groups that are sent many in a record batch, and answered so. */
case class GroupedAggregateExec(
    groupingExpressions: Seq[NamedExpression],
    aggregates: Seq[AggregateExpression],
    resultExpressions: Seq[NamedExpression],
    child: SparkPlan) extends UnaryExecNode with GroupedExec {

  override def nodeName: String = "HydrofoilGroupedAggregate"

  override val output: Seq[Attribute] = resultExpressions.map(_.toAttribute)

  override def outputPartitioning: Partitioning = child.outputPartitioning

  override def requiredChildDistribution: Seq[Distribution] =
    Seq(ClusteredDistribution(groupingExpressions))

  override def requiredChildOrdering: Seq[Seq[SortOrder]] =
    Seq(groupingExpressions.map(SortOrder(_, Ascending)))

  override protected def doExecute(): RDD[InternalRow] = {
    val functions = aggregates.map(_.aggregateFunction.asInstanceOf[PythonUDAF])
    val (chains, taken) = functions.map(Arguments.chain).unzip
    val (columns, arguments) = sent(taken)
    val task = groupedTask(
      chains,
      functions.head.evalType,
      Right(arguments),
      Seq(StructType(columns.zipWithIndex.map { case (column, i) =>
        StructField(s"_$i", column.dataType)
      })),
      inStruct = false)
    val (grouping, input, results) = (groupingExpressions, child.output, resultExpressions)
    val answered = grouping.map(_.toAttribute) ++ aggregates.map(_.resultAttribute)
    child.execute().mapPartitionsInternal { rows =>
      if (rows.isEmpty) Iterator.empty
      else {
        val keys = Shim.get.keys(TaskContext.get(), grouping.length)
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

  /** What goes to Python, and where of it each function finds its arguments. */
  private def sent(taken: Seq[Seq[Expression]]): (Seq[Expression], Argument.Lists) = {
    // Each column that some function takes is sent once.
    val columns = mutable.ArrayBuffer.empty[Expression]
    def offsetOf(value: Expression): Int = {
      val known = columns.indexWhere(_.semanticEquals(value))
      if (known >= 0) known
      else {
        columns += value
        columns.length - 1
      }
    }
    val arguments = taken.map { values =>
      values.map { argument =>
        val (name, value) = Arguments.named(argument)
        Argument(offsetOf(value), name)
      }.toArray
    }.toArray
    (columns.toSeq, arguments)
  }

  override protected def withNewChildInternal(newChild: SparkPlan): GroupedAggregateExec =
    copy(child = newChild)
}
