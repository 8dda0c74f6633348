package org.apache.spark.sql.hydrofoil.grouped

import org.apache.spark.{JobArtifactSet, TaskContext}
import org.apache.spark.api.python.{BasePythonRunner, ChainedPythonFunctions}
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.execution.python.ArrowPythonRunner
import org.apache.spark.sql.execution.python.EvalPythonExec.ArgumentMetadata
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * What the tasks of a grouped function have in common: everything that Spark's Python runners are
 * told, whatever the Spark.
 *
 * @param arguments of each function, which columns it takes: by offset, or by offset and name
 * @param schemas   of the data frames that a group has
 * @param inStruct  the columns go to Python as one struct column
 */
final case class GroupedTask(
    functions: Seq[(ChainedPythonFunctions, Long)],
    evalType: Int,
    arguments: Either[Array[Array[Int]], Array[Array[ArgumentMetadata]]],
    schemas: Seq[StructType],
    inStruct: Boolean,
    timeZone: String,
    largeVarTypes: Boolean,
    runnerConf: Map[String, String],
    metrics: Map[String, SQLMetric],
    jobArtifact: Option[String],
    session: Option[String],
    profiler: Option[String]) {

  /** The record batches that Python answers with. The groups' rows are UnsafeRows. */
  def run(groups: Iterator[Array[Iterator[InternalRow]]]): Iterator[ColumnarBatch] = {
    val context = TaskContext.get()
    val spark = GroupedSpark.current
    val limits = if (spark.cutsGroups) Limits.of(SQLConf.get) else Limits.none
    val writer = new GroupsWriter(
      schemas.map(spark.arrowSchema(_, timeZone, largeVarTypes)), inStruct, limits, groups)
    context.addTaskCompletionListener[Unit](_ => writer.close())
    spark
      .runner(this, writer)
      .asInstanceOf[BasePythonRunner[AnyRef, ColumnarBatch]]
      .compute(Iterator.empty, context.partitionId(), context)
  }
}

object GroupedTask {
  def apply(
      plan: SparkPlan,
      functions: Seq[(ChainedPythonFunctions, Long)],
      evalType: Int,
      arguments: Either[Array[Array[Int]], Array[Array[ArgumentMetadata]]],
      schemas: Seq[StructType],
      inStruct: Boolean,
      metrics: Map[String, SQLMetric]): GroupedTask = {
    val conf = plan.conf
    // The worker writes its logs to the session, if it is to.
    val logs = conf.getConfString("spark.sql.pyspark.worker.logging.enabled", "false").toBoolean
    GroupedTask(
      functions,
      evalType,
      arguments,
      schemas,
      inStruct,
      conf.sessionLocalTimeZone,
      conf.arrowUseLargeVarTypes,
      ArrowPythonRunner.getPythonRunnerConfMap(conf),
      metrics,
      JobArtifactSet.getCurrentJobArtifactState.map(_.uuid),
      if (logs) Option(plan.session).map(_.sessionUUID) else None,
      conf.pythonUDFProfiler)
  }
}
