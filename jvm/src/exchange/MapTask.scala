package org.apache.spark.sql.hydrofoil.exchange

import org.apache.spark.TaskContext
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, BatchIterator, Layout, TaskBuffers}
import org.apache.spark.sql.hydrofoil.results.Results
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.hydrofoil.shim.{RunnerSpec, Shim}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{DataType, StructType}
import org.apache.spark.sql.vectorized.{ArrowColumnVector, ColumnarBatch}

/** What a function from record batches to record batches does in a task. */
final class MapTask(
    spec: RunnerSpec,
    childTypes: Array[DataType],
    declared: StructType,
    expected: DataType,
    limits: Limits,
    metrics: Map[String, SQLMetric])
  extends Serializable {

  def run(input: Iterator[ColumnarBatch], context: TaskContext): Iterator[ColumnarBatch] = {
    val buffers = TaskBuffers.of(context)
    val all = childTypes.indices.toArray
    val feed = new Feed(input, all, childTypes, all, limits, buffers)
    val source = new FeedSource(feed, all, wrapped = true, _ => (), metrics, buffers)
    val results = Shim.get.runner(spec, Array(Array(0)), source).results(context)
    new ReturnedBatches(
      new TimedResults(results, source, metrics),
      declared,
      expected,
      spec.evalType,
      buffers)
  }
}

/** What a function returns, as batches of the declared types. */
private final class ReturnedBatches(
    results: TimedResults,
    declared: StructType,
    expected: DataType,
    evalType: Int,
    buffers: TaskBuffers)
  extends BatchIterator {

  private val types = declared.fields.toSeq.map(f => Layout.stored(f.dataType))
  // One batch of the function's may be several of ours.
  private var ready = Seq.empty[ArrowBatch]

  override protected def advance(): ArrowBatch = {
    while (ready.isEmpty) {
      val batch = results.nextOrNull()
      if (batch == null) return null
      receive(batch)
    }
    val batch = ready.head
    ready = ready.tail
    batch
  }

  private def receive(batch: ColumnarBatch): Unit = {
    val struct = batch.column(0).asInstanceOf[ArrowColumnVector]
    Shim.get
      .mapMismatch(SQLConf.get, evalType, expected, struct.dataType)
      .foreach(error => throw error)
    // Columns that are missing are missing from a batch without rows, too.
    val vectors = types.indices.map(struct.getChild)
    if (batch.numRows > 0) {
      vectors.zip(declared.fields).foreach { case (vector, field) =>
        Results.failOnNull(vector, field, buffers.allocator)
      }
      ready = Results.batches(vectors, types, batch.numRows, buffers)
      buffers.settle()
    }
  }
}
