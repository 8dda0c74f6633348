package org.apache.spark.sql.execution.python

import org.apache.spark.sql.catalyst.expressions.NamedExpression
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.execution.SparkPlan

// See ../common/Runners.scala: what the adapter calls, as Spark 4.0 has it.

abstract class AggregateInPandasExec extends SparkPlan {
  def groupingExpressions: Seq[NamedExpression]
  def aggExpressions: Seq[AggregateExpression]
  def resultExpressions: Seq[NamedExpression]
  def child: SparkPlan
}
