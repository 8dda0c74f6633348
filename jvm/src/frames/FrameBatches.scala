package org.apache.spark.sql.hydrofoil.frames

import java.io.{DataOutputStream, OutputStream}

import scala.collection.mutable.ArrayBuffer

import org.apache.spark.TaskContext
import org.apache.spark.api.python.PythonRDD
import org.apache.spark.internal.config
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.classic.Dataset
import org.apache.spark.sql.execution.{
  ColumnarToRowExec, InputAdapter, LocalTableScanExec, QueryExecution, SparkPlan, SQLExecution,
  WholeStageCodegenExec}
import org.apache.spark.sql.execution.arrow.ArrowBatchStreamWriter
import org.apache.spark.sql.hydrofoil.exec.{
  ArrowSinkExec, BatchesToRowsExec, HydrofoilLocalBatchesExec, RowsToArrowExec,
  UnsafeRowsToArrowExec}
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.hydrofoil.plan.Coverage
import org.apache.spark.sql.hydrofoil.settings.{HydrofoilConf, Limits}

/**
 * The record batches of a DataFrame's rows, for Python to make its rows of. They are those that
 * Spark makes, cut at other places: where rows come from generated code, that writes each value
 * into its Arrow buffer, and columns are copied as such.
 *
 * Python calls these by name. Each answers null where Spark has to make the record batches.
 */
object FrameBatches {

  /** Most batches are smaller than what the JVM's collector takes for a huge object. */
  private val BYTES = 256 * 1024

  /** Bytes that a socket is given at once. */
  private val PIECE = 64 * 1024

  /** An RDD of messages; the query's parts below its last shuffle may run already. */
  def of(frame: Dataset[_], rows: Int): RDD[Array[Byte]] =
    if (takes(frame)) messages(frame, frame.queryExecution.executedPlan, limits(frame, rows))
    else null

  /**
   * Runs the query. What is served is Arrow's stream of all batches, as they come, and then how
   * many they are and which of them is first, second, and so on.
   */
  def collect(frame: Dataset[_]): Array[Any] =
    if (!takes(frame)) null
    else PythonRDD.serveToStream("serve-Arrow") { out =>
      val query = frame.queryExecution
      SQLExecution.withNewExecutionId(query, Some("collectAsArrowToPython")) {
        QueryExecution.withInternalError("""The "collectAsArrowToPython" action failed.""") {
          query.executedPlan.resetMetrics()
          send(frame, query.executedPlan, out)
        }
      }
    }

  private def send(frame: Dataset[_], plan: SparkPlan, stream: OutputStream): Unit = {
    val session = frame.sparkSession
    val context = session.sparkContext
    val out = new DataOutputStream(stream)
    val writer = new ArrowBatchStreamWriter(
      frame.schema, out, session.sessionState.conf.sessionLocalTimeZone, true, false)
    // Of each batch, in the order in which they were sent.
    val places = ArrayBuffer.empty[(Int, Int)]
    val handover = new Handover(context.conf.get(config.MAX_RESULT_SIZE))
    val name = handover.name
    def add(partition: Int, result: Array[Array[Byte]]): Unit = {
      val batches = handover.batches(result)
      batches.foreach(write(_, out))
      places ++= batches.indices.map((partition, _))
    }
    try {
      context.runJob(
        messages(frame, plan, limits(frame, Int.MaxValue)),
        (task: TaskContext, batches: Iterator[Array[Byte]]) => Handover.take(name, batches, task),
        add _)
    } finally {
      handover.close()
      writer.end()
      out.writeInt(places.length)
      places.zipWithIndex.sortBy(_._1).foreach { case (_, sent) => out.writeInt(sent) }
    }
  }

  /** Writes pieces that the thread's buffer for sockets is kept for. */
  private def write(message: Array[Byte], out: OutputStream): Unit = {
    var at = 0
    while (at < message.length) {
      val n = math.min(PIECE, message.length - at)
      out.write(message, at, n)
      at += n
    }
  }

  /** Whether the rows can be written here, by the session's settings. */
  private[frames] def takes(frame: Dataset[_]): Boolean = {
    val conf = frame.sparkSession.sessionState.conf
    conf.getConf(HydrofoilConf.ENABLED) && Coverage.frame(frame.schema, conf).isEmpty
  }

  /** Where a batch of at most so many rows ends. */
  private[frames] def limits(frame: Dataset[_], rows: Int): Limits = {
    val most = Limits.of(frame.sparkSession.sessionState.conf)
    most.copy(rows = math.min(rows, most.rows), bytes = BYTES)
  }

  private def messages(frame: Dataset[_], plan: SparkPlan, cut: Limits): RDD[Array[Byte]] = {
    // Operators belong to the session that is active when they are made.
    frame.sparkSession.withActive {
      val types = plan.output.map(attribute => Layout.stored(attribute.dataType)).toArray
      columns(plan, cut).executeColumnar().mapPartitionsInternal { batches =>
        new Messages(batches, types, cut)
      }
    }
  }

  /** What yields a plan's rows as columns. */
  private def columns(plan: SparkPlan, limits: Limits): SparkPlan = plan match {
    case BatchesToRowsExec(child, _, _) => child
    case WholeStageCodegenExec(ColumnarToRowExec(InputAdapter(child))) => child
    case stage: WholeStageCodegenExec =>
      val sink = ArrowSinkExec(stage.child, stage.output, limits)
      RowsToArrowExec(WholeStageCodegenExec(sink)(stage.codegenStageId))
    case scan: LocalTableScanExec if HydrofoilLocalBatchesExec.takes(scan) =>
      HydrofoilLocalBatchesExec(scan)
    case rows => UnsafeRowsToArrowExec(rows, rows.output, limits)
  }
}
