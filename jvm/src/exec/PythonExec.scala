package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.JobArtifactSet
import org.apache.spark.api.python.ChainedPythonFunctions
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.sql.execution.python.PythonSQLMetrics
import org.apache.spark.sql.hydrofoil.shim.{RunnerSpec, Shim}
import org.apache.spark.sql.types.StructType

/** What all operators have in common that run Python functions. */
trait PythonExec extends SparkPlan {

  private val jobArtifact = JobArtifactSet.getCurrentJobArtifactState.map(_.uuid)
  private val sessionUUID = Shim.get.sessionUUID(conf)

  /** Those that Spark's own operators have, by the same names. */
  protected lazy val pythonMetrics: Map[String, SQLMetric] =
    PythonSQLMetrics.pythonSizeMetricsDesc.map { case (name, text) =>
      name -> SQLMetrics.createSizeMetric(sparkContext, text)
    } ++ PythonSQLMetrics.pythonTimingMetricsDesc.map { case (name, text) =>
      name -> SQLMetrics.createTimingMetric(sparkContext, text)
    } ++ PythonSQLMetrics.pythonOtherMetricsDesc.map { case (name, text) =>
      name -> SQLMetrics.createMetric(sparkContext, text)
    }

  /** Those that the kind of operator has beside the ones of all. */
  protected def ownMetrics: Map[String, SQLMetric]

  override lazy val metrics: Map[String, SQLMetric] = pythonMetrics ++ Map(
    "rowsSent" -> SQLMetrics.createMetric(sparkContext, "number of input rows"),
    "batchesSent" -> SQLMetrics.createMetric(sparkContext, "record batches sent"),
    "batchesReceived" -> SQLMetrics.createMetric(sparkContext, "record batches received"),
    "rowsFailed" -> SQLMetrics.createMetric(sparkContext, RowCounts.FAILED),
    "rowsSlow" -> SQLMetrics.createMetric(sparkContext, RowCounts.SLOW),
    "calls" -> SQLMetrics.createMetric(sparkContext, RowCounts.CALLS),
    "callsAgain" -> SQLMetrics.createMetric(sparkContext, RowCounts.CALLS_AGAIN),
    "waited" -> SQLMetrics.createTimingMetric(sparkContext, RowCounts.WAITED),
    "cost" -> SQLMetrics.createMetric(sparkContext, RowCounts.COST),
    "waitTime" -> SQLMetrics.createNanoTimingMetric(sparkContext, "time waiting for Python")
  ) ++ ownMetrics

  /** What Spark's runner is told of functions: of themselves, and of this operator's settings. */
  protected def runnerSpec(
      functions: Seq[(ChainedPythonFunctions, Long)],
      evalType: Int,
      schema: StructType,
      largeVarTypes: Boolean): RunnerSpec = RunnerSpec(
    functions,
    evalType,
    schema,
    conf.sessionLocalTimeZone,
    largeVarTypes,
    Shim.get.runnerConf(conf),
    pythonMetrics,
    jobArtifact,
    sessionUUID,
    conf.pythonUDFProfiler)
}
