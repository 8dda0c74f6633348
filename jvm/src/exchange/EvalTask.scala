package org.apache.spark.sql.hydrofoil.exchange

import org.apache.spark.TaskContext
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, BatchIterator, Column, TaskBuffers}
import org.apache.spark.sql.hydrofoil.results.{Adoption, Results}
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.hydrofoil.shim.{Argument, RunnerSpec, Shim}
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnarBatch

/** What the evaluation of scalar functions does in a task. */
final class EvalTask(
    spec: RunnerSpec,
    arguments: Argument.Lists,
    argumentOrdinals: Array[Int],
    passThroughOrdinals: Array[Int],
    childTypes: Array[DataType],
    resultTypes: Array[DataType],
    limits: Limits,
    passThroughMemory: Long,
    metrics: Map[String, SQLMetric])
  extends Serializable {

  def run(input: Iterator[ColumnarBatch], context: TaskContext): Iterator[ColumnarBatch] = {
    val buffers = TaskBuffers.of(context)
    val needed = (argumentOrdinals ++ passThroughOrdinals).distinct
    val sent = argumentOrdinals.map(needed.indexOf(_))
    val feed = new Feed(input, needed, needed.map(childTypes(_)), sent, limits, buffers)
    val passing = passThroughOrdinals.map(needed.indexOf(_))
    val waiting = new PassThrough(
      passThroughOrdinals.map(childTypes(_)),
      passThroughMemory,
      metrics("bytesSpilled"),
      buffers)
    val pace = if (limits.adaptive) new Pace(limits.rows) else null
    if (pace != null) feed.limitRows(pace.rows)
    def keep(part: Part): Unit =
      waiting.add(passing.map(part.columns(_).retain()), part.rows)
    val source = new FeedSource(feed, sent, wrapped = false, keep, metrics, buffers)
    val results = Shim.get.scalarRunner(spec, arguments, source).results(context)
    def answered(rows: Int): Unit = if (pace != null) feed.limitRows(pace.answered(rows))
    new JoinedBatches(
      new TimedResults(results, source, metrics),
      waiting,
      resultTypes,
      answered,
      buffers)
  }
}

/** Results of scalar functions beside the columns that waited for them. */
private final class JoinedBatches(
    results: TimedResults,
    waiting: PassThrough,
    resultTypes: Array[DataType],
    answered: Int => Unit,
    buffers: TaskBuffers)
  extends BatchIterator {

  // The worker's batch that is being handed out, and its rows that are left.
  private var columns: Array[Column] = _
  private var rows = 0
  private var position = 0

  buffers.atEnd(() => drop())

  private def drop(): Unit = {
    if (columns != null) columns.foreach(_.release())
    columns = null
  }

  private def receive(): Boolean = {
    drop()
    var batch = results.nextOrNull()
    while (batch != null && batch.numRows == 0) batch = results.nextOrNull()
    if (batch == null) return false
    val actual = (0 until batch.numCols).map(batch.column(_).dataType)
    if (!DataType.equalsIgnoreCompatibleCollation(resultTypes.toSeq, actual)) {
      throw Shim.get.scalarMismatch(resultTypes.toSeq, actual)
    }
    columns = Column.all(resultTypes.length) { i =>
      Adoption.adopt(Results.vector(batch, i), resultTypes(i), buffers.allocator)
    }
    rows = batch.numRows
    position = 0
    buffers.settle()
    answered(rows)
    true
  }

  override protected def advance(): ArrowBatch = {
    if (columns == null || position == rows) {
      if (!receive()) return null
    }
    val n = math.min(waiting.available, rows - position)
    if (n == 0) {
      throw new IllegalStateException(
        s"The worker returned more rows than it was sent: ${rows - position} too many")
    }
    val (passed, start) = waiting.take(n)
    val starts = Array.fill(passed.length)(start) ++ Array.fill(columns.length)(position)
    position += n
    ArrowBatch(passed ++ columns.map(_.retain()), starts, n, cut = false, buffers)
  }
}
