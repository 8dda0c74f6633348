package org.apache.spark.sql.execution.python

import org.apache.spark.api.python.ChainedPythonFunctions
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.execution.python.EvalPythonExec.ArgumentMetadata
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.StructType

// See ../common/Runners.scala: what those of Spark 4.1 have.

object ArrowPythonRunner {
  def getPythonRunnerConfMap(conf: SQLConf): Map[String, String] = ???
}

class ArrowPythonRunner(
    funcs: Seq[(ChainedPythonFunctions, Long)], evalType: Int, argOffsets: Array[Array[Int]],
    schema: StructType, timeZoneId: String, largeVarTypes: Boolean,
    runnerConf: Map[String, String], metrics: Map[String, SQLMetric],
    jobArtifactUUID: Option[String], sessionUUID: Option[String], profiler: Option[String])
  extends BaseArrowPythonRunner

class ArrowPythonWithNamedArgumentRunner(
    funcs: Seq[(ChainedPythonFunctions, Long)], evalType: Int,
    argMetas: Array[Array[ArgumentMetadata]],
    schema: StructType, timeZoneId: String, largeVarTypes: Boolean,
    runnerConf: Map[String, String], metrics: Map[String, SQLMetric],
    jobArtifactUUID: Option[String], sessionUUID: Option[String], profiler: Option[String])
  extends BaseArrowPythonRunner {
  val batchSizeForPythonUDF: Int = ???
}
