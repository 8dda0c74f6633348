package org.apache.spark.sql.hydrofoil

import java.io.DataOutputStream

import org.apache.spark.TaskContext
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{DataType, StructType}
import org.apache.spark.sql.vectorized.{ArrowColumnVector, ColumnarBatch}

/** Results from a worker, and the time that is spent on nothing but waiting for them. */
private final class TimedResults(results: Iterator[ColumnarBatch], metrics: Map[String, SQLMetric]) {

  private val waited = metrics("waitTime")
  private val received = metrics("batchesReceived")

  /** Nanoseconds that went into input for the worker. */
  var feeding = 0L

  /** The next batch; null at the end. */
  def next(): ColumnarBatch = {
    val begin = System.nanoTime()
    val fed = feeding
    val batch = if (results.hasNext) results.next() else null
    waited += (System.nanoTime() - begin) - (feeding - fed)
    if (batch != null) received += 1
    batch
  }
}

/** Batches as an iterator that closes each when the next one is asked for. */
abstract class BatchIterator extends Iterator[ColumnarBatch] {

  private var last: ArrowBatch = _
  private var ahead: ArrowBatch = _

  /** The next batch; null at the end. */
  protected def advance(): ArrowBatch

  override def hasNext: Boolean = {
    if (ahead == null) {
      if (last != null) last.close()
      last = null
      ahead = advance()
    }
    ahead != null
  }

  override def next(): ColumnarBatch = {
    if (!hasNext) throw new NoSuchElementException("no more record batches")
    last = ahead
    ahead = null
    last
  }
}

/** What the evaluation of scalar functions does in a task. */
final class EvalTask(
    spec: RunnerSpec,
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
    val arguments = argumentOrdinals.map(needed.indexOf(_))
    val feed = new Feed(input, needed, needed.map(childTypes(_)), arguments, limits, buffers)
    val passing = passThroughOrdinals.map(needed.indexOf(_))
    val waiting = new PassThrough(
      passThroughOrdinals.map(childTypes(_)), passThroughMemory, metrics("bytesSpilled"), buffers)
    val pace = if (limits.adaptive) new Pace(limits.rows) else null
    if (pace != null) feed.limitRows(pace.rows)
    var results: TimedResults = null

    val source = new BatchSource {
      private val wire = new Wire(buffers.allocator)

      override protected def write(out: DataOutputStream): Boolean = {
        val begin = System.nanoTime()
        val part = feed.next()
        if (part != null) {
          try {
            metrics("pythonDataSent") +=
              wire.write(arguments.map(part.columns(_)), part.rows, wrapped = false, out)
            waiting.add(passing.map(part.columns(_).retain()), part.rows)
          } finally {
            part.release()
          }
          metrics("rowsSent") += part.rows
          metrics("batchesSent") += 1
        }
        if (results != null) results.feeding += System.nanoTime() - begin
        part != null
      }
    }
    results = new TimedResults(
      Shim.get.namedRunner(spec, source).results(context), metrics)

    new BatchIterator {
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
        var batch = results.next()
        while (batch != null && batch.numRows == 0) batch = results.next()
        if (batch == null) return false
        val actual = (0 until batch.numCols).map(batch.column(_).dataType)
        if (!DataType.equalsIgnoreCompatibleCollation(resultTypes.toSeq, actual)) {
          throw Shim.get.scalarMismatch(resultTypes.toSeq, actual)
        }
        columns = Column.all(resultTypes.length) { i =>
          Column.adopt(Results.vector(batch, i), resultTypes(i), buffers.allocator)
        }
        rows = batch.numRows
        position = 0
        buffers.settle()
        if (pace != null) feed.limitRows(pace.answered(rows))
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
  }
}

/** What a function from record batches to record batches does in a task. */
final class MapTask(
    spec: RunnerSpec,
    childTypes: Array[DataType],
    declared: StructType,
    expected: DataType,
    evalType: Int,
    limits: Limits,
    metrics: Map[String, SQLMetric])
  extends Serializable {

  private val types = declared.fields.map(f => Layout.stored(f.dataType))

  def run(input: Iterator[ColumnarBatch], context: TaskContext): Iterator[ColumnarBatch] = {
    val buffers = TaskBuffers.of(context)
    val all = childTypes.indices.toArray
    val feed = new Feed(input, all, childTypes, all, limits, buffers)
    var results: TimedResults = null

    val source = new BatchSource {
      private val wire = new Wire(buffers.allocator)

      override protected def write(out: DataOutputStream): Boolean = {
        val begin = System.nanoTime()
        val part = feed.next()
        if (part != null) {
          try {
            metrics("pythonDataSent") += wire.write(part.columns, part.rows, wrapped = true, out)
          } finally {
            part.release()
          }
          metrics("rowsSent") += part.rows
          metrics("batchesSent") += 1
        }
        if (results != null) results.feeding += System.nanoTime() - begin
        part != null
      }
    }
    results = new TimedResults(Shim.get.runner(spec, source).results(context), metrics)

    new BatchIterator {
      private var ready = Seq.empty[ArrowBatch]

      override protected def advance(): ArrowBatch = {
        var batch = if (ready.isEmpty) results.next() else null
        while (batch != null && ready.isEmpty) {
          val struct = batch.column(0).asInstanceOf[ArrowColumnVector]
          Shim.get.mapMismatch(SQLConf.get, evalType, expected, struct.dataType)
            .foreach(error => throw error)
          // Columns that are missing are missing from a batch without rows, too.
          val vectors = types.indices.map(struct.getChild)
          if (batch.numRows > 0) {
            vectors.zip(declared.fields).foreach { case (vector, field) =>
              Results.failOnNull(vector, field, buffers.allocator)
            }
            ready = Results.batches(vectors, types.toSeq, batch.numRows, buffers)
            buffers.settle()
          } else {
            batch = results.next()
          }
        }
        ready match {
          case next +: later =>
            ready = later
            next
          case _ => null
        }
      }
    }
  }
}
