package org.apache.spark.sql.hydrofoil

import org.apache.spark.JobArtifactSet
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.sql.execution.python.PythonSQLMetrics

/** What the operators have in common that send record batches to Python and yield record batches. */
trait ColumnarPythonExec extends ArrowBatchesExec {

  protected val jobArtifactUUID: Option[String] =
    JobArtifactSet.getCurrentJobArtifactState.map(_.uuid)
  protected val sessionUUID: Option[String] = Shim.get.sessionUUID(conf)

  /** Those that Spark's own operators have, by the same names. */
  protected val pythonMetrics: Map[String, SQLMetric] =
    PythonSQLMetrics.pythonSizeMetricsDesc.map { case (name, text) =>
      name -> SQLMetrics.createSizeMetric(sparkContext, text)
    } ++ PythonSQLMetrics.pythonTimingMetricsDesc.map { case (name, text) =>
      name -> SQLMetrics.createTimingMetric(sparkContext, text)
    } ++ PythonSQLMetrics.pythonOtherMetricsDesc.map { case (name, text) =>
      name -> SQLMetrics.createMetric(sparkContext, text)
    }

  override lazy val metrics: Map[String, SQLMetric] = pythonMetrics ++ Map(
    "rowsSent" -> SQLMetrics.createMetric(sparkContext, "number of input rows"),
    "batchesSent" -> SQLMetrics.createMetric(sparkContext, "record batches sent"),
    "batchesReceived" -> SQLMetrics.createMetric(sparkContext, "record batches received"),
    "waitTime" -> SQLMetrics.createNanoTimingMetric(sparkContext, "time waiting for Python"),
    "bytesSpilled" -> SQLMetrics.createSizeMetric(sparkContext, "pass-through columns spilled"))
}
