package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.SparkContext
import org.apache.spark.sql.execution.ui.{SparkListenerDriverAccumUpdates, SQLAppStatusStore}

/**
 * Rows that failed or were slow, and calls of services, on the page of a query: the driver's Python
 * has counted them.
 */
object RowCounts {

  /** What the UI calls them; operators of Python functions have metrics of these names. */
  final val FAILED = "rows that failed"
  final val SLOW = "rows that were slow"
  final val CALLS = "calls of services"
  final val CALLS_AGAIN = "calls made again"
  final val WAITED = "time waiting for limits"
  final val COST = "cost of calls"

  /**
   * Adds to a metric of the operator that runs a function; of the first one that has the metric, if
   * none has the function in its description. Returns whether there is one.
   */
  def add(
      context: SparkContext,
      execution: Long,
      name: String,
      function: String,
      rows: Long): Boolean = {
    val nodes = new SQLAppStatusStore(context.statusStore.store)
      .planGraph(execution).allNodes.filter(_.metrics.exists(_.name == name))
    val metric = nodes.find(_.desc.contains(function + "(")).orElse(nodes.headOption)
      .flatMap(_.metrics.find(_.name == name))
    metric.foreach { found =>
      val update = Seq((found.accumulatorId, rows))
      context.listenerBus.post(SparkListenerDriverAccumUpdates(execution, update))
    }
    metric.isDefined
  }
}
