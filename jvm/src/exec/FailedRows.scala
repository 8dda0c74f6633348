package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.SparkContext
import org.apache.spark.sql.execution.ui.{SparkListenerDriverAccumUpdates, SQLAppStatusStore}

/** Rows that functions left out, on the page of a query: the driver's Python has counted them. */
object FailedRows {

  /** What the UI calls them; operators of Python functions have a metric of this name. */
  final val METRIC = "rows that failed"

  /**
   * Adds to the metric of the operator that runs a function; of the first one that has the metric,
   * if none has the function in its description. Returns whether there is one.
   */
  def add(context: SparkContext, execution: Long, function: String, rows: Long): Boolean = {
    val nodes = new SQLAppStatusStore(context.statusStore.store)
      .planGraph(execution).allNodes.filter(_.metrics.exists(_.name == METRIC))
    val metrics = nodes.find(_.desc.contains(function + "(")).orElse(nodes.headOption)
      .flatMap(_.metrics.find(_.name == METRIC))
    metrics.foreach { metric =>
      val update = Seq((metric.accumulatorId, rows))
      context.listenerBus.post(SparkListenerDriverAccumUpdates(execution, update))
    }
    metrics.isDefined
  }
}
