package org.apache.spark.sql.hydrofoil.grouped

import org.apache.spark.{SparkConf, SparkEnv}
import org.apache.spark.sql.catalyst.expressions.NamedExpression
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.{ColumnarRule, SparkPlan}
import org.apache.spark.sql.execution.python.{
  FlatMapCoGroupsInArrowExec, FlatMapCoGroupsInPandasExec, FlatMapGroupsInArrowExec,
  FlatMapGroupsInPandasExec}
import org.apache.spark.sql.internal.SQLConf

/**
 * Puts Hydrofoil's operators where Spark has planned its own for grouped functions, if the workers
 * are Hydrofoil's: no other worker reads what these operators send.
 */
object GroupedRule extends ColumnarRule {
  val Enabled = "spark.hydrofoil.columnar.grouped.enabled"
  private val AllEnabled = "spark.hydrofoil.columnar.enabled"
  private val Codec = "spark.sql.execution.arrow.compression.codec"

  override def preColumnarTransitions: Rule[SparkPlan] = new Rule[SparkPlan] {
    override def apply(plan: SparkPlan): SparkPlan =
      if (isOn(conf)) plan.transformUp { case node => ours(node).getOrElse(node) } else plan
  }

  private def isOn(conf: SQLConf): Boolean =
    conf.getConfString(AllEnabled, "true").toBoolean &&
      conf.getConfString(Enabled, "true").toBoolean &&
      conf.getConfString(Codec, "none") == "none" &&
      GroupedSpark.installed.isDefined &&
      Option(SparkEnv.get).exists(env => workersAreOurs(env.conf))

  // A worker that is not forked by a daemon may be stock's in spite of its settings.
  private def workersAreOurs(conf: SparkConf): Boolean =
    conf.getBoolean("spark.python.use.daemon", defaultValue = true) &&
      conf.get("spark.python.daemon.module", "") == "hydrofoil.daemon"

  private def ours(plan: SparkPlan): Option[SparkPlan] = plan match {
    case FlatMapGroupsInPandasExec(grouping, function, output, child) =>
      Some(GroupedMapExec(grouping, function, output, child, inStruct = false))
    case FlatMapGroupsInArrowExec(grouping, function, output, child) =>
      Some(GroupedMapExec(grouping, function, output, child, inStruct = true))
    case FlatMapCoGroupsInPandasExec(leftGroup, rightGroup, function, output, left, right) =>
      Some(CogroupedMapExec(leftGroup, rightGroup, function, output, left, right))
    case FlatMapCoGroupsInArrowExec(leftGroup, rightGroup, function, output, left, right) =>
      Some(CogroupedMapExec(leftGroup, rightGroup, function, output, left, right))
    // Spark 4.0 has another class for it than later ones.
    case _ if Aggregates.contains(plan.getClass.getSimpleName) =>
      aggregate(
        plan.productElement(0).asInstanceOf[Seq[NamedExpression]],
        plan.productElement(1).asInstanceOf[Seq[AggregateExpression]],
        plan.productElement(2).asInstanceOf[Seq[NamedExpression]],
        plan.children.head)
    case _ => None
  }

  private val Aggregates = Set("AggregateInPandasExec", "ArrowAggregatePythonExec")

  private def aggregate(
      grouping: Seq[NamedExpression],
      aggregates: Seq[AggregateExpression],
      results: Seq[NamedExpression],
      child: SparkPlan): Option[SparkPlan] = {
    // One group has nothing to be sent with, and sessions are made by Spark's own operator.
    val inSessions = grouping.exists(_.metadata.contains("spark.sessionWindow"))
    if (grouping.isEmpty || inSessions) None
    else Some(GroupedAggregateExec(grouping, aggregates, results, child))
  }
}
