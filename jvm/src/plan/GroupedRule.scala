package org.apache.spark.sql.hydrofoil.plan

import org.apache.spark.SparkEnv
import org.apache.spark.internal.config.Python.{PYTHON_DAEMON_MODULE, PYTHON_USE_DAEMON}
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.{ColumnarRule, SparkPlan}
import org.apache.spark.sql.execution.python.{
  FlatMapCoGroupsInArrowExec, FlatMapCoGroupsInPandasExec, FlatMapGroupsInArrowExec,
  FlatMapGroupsInPandasExec}
import org.apache.spark.sql.hydrofoil.exec.LeftToSparkExec
import org.apache.spark.sql.hydrofoil.grouped.{
  CogroupedMapExec, GroupedAggregateExec, GroupedMapExec}
import org.apache.spark.sql.hydrofoil.settings.{HydrofoilConf, SparkSettings}
import org.apache.spark.sql.hydrofoil.shim.Shim
import org.apache.spark.sql.internal.SQLConf

/**
 * Puts Hydrofoil's operators where Spark has planned its own for grouped functions, if the workers
 * are Hydrofoil's: no other worker reads what these operators send.
 */
final class GroupedRule extends ColumnarRule {
  override def preColumnarTransitions: Rule[SparkPlan] = ReplaceGroupedOperators
}

object ReplaceGroupedOperators extends Rule[SparkPlan] {
  override def apply(plan: SparkPlan): SparkPlan =
    if (conf.getConf(HydrofoilConf.ENABLED) && conf.getConf(HydrofoilConf.GROUPED)) {
      replace(plan)
    } else {
      plan
    }

  private def replace(plan: SparkPlan): SparkPlan = plan match {
    case left: LeftToSparkExec => left.mapChildren(_.mapChildren(replace))
    case other =>
      val below = other.mapChildren(replace)
      ours(below) match {
        case None => below
        case Some(made) =>
          reason(made, conf).fold(made)(reason => LeftToSparkExec(reason, below))
      }
  }

  /** Why Spark's operator stays in the place of ours. */
  private def reason(made: SparkPlan, conf: SQLConf): Option[String] = {
    val codec = SparkSettings.codec(conf)
    if (codec != "none") Some(s"${SparkSettings.CODEC} is $codec")
    else aggregation(made).orElse(workers)
  }

  private def aggregation(made: SparkPlan): Option[String] = made match {
    case GroupedAggregateExec(grouping, _, _, _) if grouping.isEmpty => Some("there is one group")
    // Spark's own operator makes the sessions.
    case GroupedAggregateExec(grouping, _, _, _)
        if grouping.exists(_.metadata.contains("spark.sessionWindow")) =>
      Some("it is by session")
    case _ => None
  }

  private def workers: Option[String] =
    Option(SparkEnv.get).map(_.conf).flatMap { conf =>
      // A worker that no daemon forks may be stock's in spite of its settings.
      val daemon = conf.get(PYTHON_DAEMON_MODULE)
      if (!conf.get(PYTHON_USE_DAEMON)) Some(s"${PYTHON_USE_DAEMON.key} is false")
      else if (daemon.contains("hydrofoil.daemon")) None
      else Some(s"${PYTHON_DAEMON_MODULE.key} is ${daemon.getOrElse("pyspark.daemon")}")
    }

  private def ours(plan: SparkPlan): Option[SparkPlan] = plan match {
    case FlatMapGroupsInPandasExec(grouping, function, output, child) =>
      Some(GroupedMapExec(grouping, function, output, child, inStruct = false))
    case FlatMapGroupsInArrowExec(grouping, function, output, child) =>
      Some(GroupedMapExec(grouping, function, output, child, inStruct = true))
    case FlatMapCoGroupsInPandasExec(leftGroup, rightGroup, function, output, left, right) =>
      Some(CogroupedMapExec(leftGroup, rightGroup, function, output, left, right))
    case FlatMapCoGroupsInArrowExec(leftGroup, rightGroup, function, output, left, right) =>
      Some(CogroupedMapExec(leftGroup, rightGroup, function, output, left, right))
    case other =>
      Shim.get.aggregation(other).map { found =>
        GroupedAggregateExec(found.grouping, found.aggregates, found.results, found.child)
      }
  }
}
