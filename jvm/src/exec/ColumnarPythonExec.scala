package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}

/** What the operators have in common that send record batches to Python and yield some. */
trait ColumnarPythonExec extends PythonExec with ArrowBatchesExec {

  override protected def ownMetrics: Map[String, SQLMetric] =
    Map("bytesSpilled" -> SQLMetrics.createSizeMetric(sparkContext, "pass-through columns spilled"))
}
