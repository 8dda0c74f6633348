package org.apache.spark.sql.hydrofoil.grouped

import org.apache.spark.{JobArtifactSet, TaskContext}
import org.apache.spark.api.python.ChainedPythonFunctions
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.hydrofoil.{Argument, Shim, TaskBuffers}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * What the tasks of a grouped function have in common: everything that Spark's Python runners are
 * told, whichever the minor.
 *
 * @param arguments of each function, which columns it takes: by offset, or by offset and name
 * @param schemas   of the data frames that a group has
 * @param inStruct  the columns go to Python as one struct column
 */
final case class GroupedTask(
    functions: Seq[(ChainedPythonFunctions, Long)],
    evalType: Int,
    arguments: Either[Array[Array[Int]], Array[Array[Argument]]],
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
    val shim = GroupedShim.running
    val limits = if (shim.cutsGroups) Limits.of(SQLConf.get) else Limits.none
    val arrow = schemas.map(shim.arrowSchema(_, schemas.length, timeZone, largeVarTypes))
    val input =
      new GroupsWriter(arrow, inStruct, limits, groups, metrics, TaskBuffers.of(context))
    val results = shim.runner(this, input).results(context)
    val (received, waited) = (metrics("batchesReceived"), metrics("waitTime"))
    new Iterator[ColumnarBatch] {
      // Spark's runner feeds the worker while it waits for it.
      override def hasNext: Boolean = {
        val (begin, fed) = (System.nanoTime(), input.nanoseconds)
        val more = results.hasNext
        waited += (System.nanoTime() - begin) - (input.nanoseconds - fed)
        more
      }
      override def next(): ColumnarBatch = {
        received += 1
        results.next()
      }
    }
  }
}

object GroupedTask {
  def apply(
      conf: SQLConf,
      functions: Seq[(ChainedPythonFunctions, Long)],
      evalType: Int,
      arguments: Either[Array[Array[Int]], Array[Array[Argument]]],
      schemas: Seq[StructType],
      inStruct: Boolean,
      metrics: Map[String, SQLMetric]): GroupedTask = GroupedTask(
    functions,
    evalType,
    arguments,
    schemas,
    inStruct,
    conf.sessionLocalTimeZone,
    conf.arrowUseLargeVarTypes,
    Shim.get.runnerConf(conf),
    metrics,
    JobArtifactSet.getCurrentJobArtifactState.map(_.uuid),
    Shim.get.sessionUUID(conf),
    conf.pythonUDFProfiler)
}
