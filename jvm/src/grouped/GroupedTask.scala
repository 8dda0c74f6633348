package org.apache.spark.sql.hydrofoil.grouped

import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.hydrofoil.exchange.TimedResults
import org.apache.spark.sql.hydrofoil.memory.TaskBuffers
import org.apache.spark.sql.hydrofoil.shim.{Argument, RunnerSpec, Shim}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * What the tasks of a grouped function have in common.
 *
 * @param arguments of each function, which columns it takes: by offset, or by offset and name
 * @param schemas   of the data frames that a group has
 * @param inStruct  the columns go to Python as one struct column
 */
final case class GroupedTask(
    spec: RunnerSpec,
    arguments: Either[Array[Array[Int]], Argument.Lists],
    schemas: Seq[StructType],
    inStruct: Boolean,
    metrics: Map[String, SQLMetric]) {

  /** The record batches that Python answers with. The groups' rows are UnsafeRows. */
  def run(groups: Iterator[Array[Iterator[InternalRow]]]): Iterator[ColumnarBatch] = {
    val context = TaskContext.get()
    val shim = Shim.get
    val limits = if (shim.cutsGroups) PieceLimits.of(SQLConf.get) else PieceLimits.none
    val arrow =
      schemas.map(shim.arrowSchema(_, schemas.length, spec.timeZone, spec.largeVarTypes))
    val source =
      new GroupsWriter(arrow, inStruct, limits, groups, metrics, TaskBuffers.of(context))
    val exchange = arguments match {
      case Left(offsets) => shim.runner(spec, offsets, source)
      case Right(named) => shim.namedRunner(spec, named, source)
    }
    new TimedResults(exchange.results(context), source, metrics)
  }
}
