package org.apache.spark.sql.hydrofoil.frames

import java.lang.reflect.Method
import java.util.concurrent.{ArrayBlockingQueue, TimeUnit}

import scala.annotation.tailrec

import org.apache.spark.TaskContext
import org.apache.spark.api.python.{PythonFunction, PythonRunner}
import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.classic.Dataset
import org.apache.spark.sql.execution.python.streaming.{PythonForeachWriter, WriterThread}
import org.apache.spark.sql.hydrofoil.build.{BatchBuilder, UnsafeRows}
import org.apache.spark.sql.hydrofoil.exchange.Wire
import org.apache.spark.sql.hydrofoil.memory.{Layout, TaskBuffers}
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.StructType

/**
 * Gives the rows of a stream's task to Python's function as record batches. Spark's own, which this
 * takes the place of, pickles them; all else is left to it.
 */
final class ArrowForeachWriter private (func: PythonFunction, schema: StructType, limits: Limits)
  extends PythonForeachWriter(func, schema) {

  @transient private var rows: ForeachRows = _

  override def open(partitionId: Long, version: Long): Boolean = {
    val runner = ArrowForeachWriter.runner.get.invoke(this).asInstanceOf[PythonRunner]
    rows = new ForeachRows(schema, limits, runner, TaskContext.get())
    true
  }

  override def process(row: UnsafeRow): Unit = rows.add(row)

  override def close(errorOrNull: Throwable): Unit = rows.end()
}

object ArrowForeachWriter {

  /** What Spark's writer makes its runner by. */
  private lazy val runner: Option[Method] =
    classOf[PythonForeachWriter].getDeclaredMethods.find(_.getName == "pythonRunner").map { found =>
      found.setAccessible(true)
      found
    }

  /** The writer for a DataFrame's rows, for Python; null where Spark's has to take them. */
  def of(frame: Dataset[_], func: PythonFunction): PythonForeachWriter =
    if (runner.isEmpty || !FrameBatches.takes(frame)) null
    else new ArrowForeachWriter(func, frame.schema, FrameBatches.limits(frame, Int.MaxValue))
}

/** The rows of one task, on their way to the thread that exchanges bytes with the worker. */
private final class ForeachRows(
    schema: StructType,
    limits: Limits,
    runner: PythonRunner,
    context: TaskContext) {

  private val buffers = TaskBuffers.of(context)
  private val wire = new Wire(buffers.allocator)
  private val builder = {
    val types = schema.fields.map(field => Layout.stored(field.dataType))
    new BatchBuilder(types, types.indices.toArray, limits, buffers)
  }
  private val block = new UnsafeRows(schema.length)
  // As Spark's pickles, so that the first rows of a slow source do not wait for many more.
  private var most = 1

  private val messages = new ArrayBlockingQueue[Array[Byte]](ForeachRows.MESSAGES)
  private val thread = {
    val input = Iterator.continually(messages.take()).takeWhile(_ ne ForeachRows.END)
    new WriterThread(runner.compute(input, context.partitionId(), context))
  }
  context.addTaskCompletionListener[Unit] { _ =>
    messages.clear()
    messages.offer(ForeachRows.END)
  }
  builder.limitRows(most)
  thread.start()

  def add(row: UnsafeRow): Unit = {
    val more = block.add(row)
    if (!more || builder.rows + block.rows >= most) build()
  }

  /** Waits until the function has returned, and raises what it has raised. */
  def end(): Unit = {
    build()
    if (!builder.isEmpty) send()
    put(ForeachRows.END)
    thread.join()
    if (thread._exception != null) throw thread._exception
  }

  private def build(): Unit = {
    var position = 0
    while (position < block.rows) {
      position += builder.append(block, position)
      if (builder.isFull) send()
    }
    block.clear()
  }

  private def send(): Unit = {
    val rows = builder.rows
    val columns = builder.finish()
    put(try wire.message(columns, rows) finally columns.foreach(_.release()))
    most = math.min(most * 2, ForeachRows.MOST_ROWS)
    builder.limitRows(most)
  }

  /** Where the function has returned or failed already, nobody takes the rest. */
  @tailrec private def put(message: Array[Byte]): Unit =
    if (thread.isAlive && !messages.offer(message, 100, TimeUnit.MILLISECONDS)) put(message)
}

private object ForeachRows {
  private val MESSAGES = 4
  private val MOST_ROWS = 10000
  private val END = Array.empty[Byte]
}
