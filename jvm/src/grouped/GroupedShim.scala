package org.apache.spark.sql.hydrofoil.grouped

import java.io.{DataOutputStream, OutputStream}

import org.apache.arrow.vector.{FieldVector, VectorSchemaRoot}
import org.apache.arrow.vector.ipc.ArrowStreamWriter
import org.apache.arrow.vector.types.pojo.Schema

import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.hydrofoil.Shim
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.vectorized.ColumnarBatch

/** What differs between Spark's minors for grouped functions. */
trait GroupedShim {
  /** Whether a large group is several record batches. */
  def cutsGroups: Boolean

  def arrowSchema(schema: StructType, timeZone: String, largeVarTypes: Boolean): Schema

  /** Spark's own runner for a task, but that `input` writes its data. */
  def runner(task: GroupedTask, input: GroupedInput): GroupedExchange

  /** An empty queue for rows of so many fields, which is closed when the task ends. */
  def keys(context: TaskContext, fields: Int): KeyQueue
}

/** Keys in the order of their groups; what the task has no memory for waits on disk. */
trait KeyQueue {
  def add(key: UnsafeRow): Unit

  /** The first that has not been removed; it lasts until the next is. */
  def remove(): UnsafeRow
}

/** The answers of a grouped function as Spark's runner reads them from the worker. */
trait GroupedExchange {
  def results(context: TaskContext): Iterator[ColumnarBatch]
}

/** What a task sends, and what becomes of its runner when all is sent or the task ends. */
final class GroupedInput(task: GroupedTask, writer: GroupsWriter) {

  private var closed = false

  /** What a runner does when it is to write more; `close` is its own, for the end of the data. */
  def next(out: DataOutputStream, close: () => Unit): Boolean = {
    val before = out.size()
    val more = writer.write(out)
    task.metrics("pythonDataSent") += out.size() - before
    if (!more) closeOnce(close)
    more
  }

  /** Frees what the data took and what the runner allocated, however the task ends. */
  def releaseAtEnd(context: TaskContext, close: () => Unit): Unit =
    context.addTaskCompletionListener[Unit] { _ =>
      writer.close()
      closeOnce(close)
    }

  private def closeOnce(close: () => Unit): Unit = if (!closed) {
    closed = true
    close()
  }
}

object GroupedShim {
  lazy val running: GroupedShim = {
    val name = Shim.get.getClass.getPackageName + ".GroupedAdapter"
    Class.forName(name).getConstructor().newInstance().asInstanceOf[GroupedShim]
  }

  /**
   * A stream writer that Spark's runner takes for one that it has started, so that it writes no
   * schema; what it writes at its end goes nowhere.
   */
  def startedWriter(): ArrowStreamWriter =
    new ArrowStreamWriter(
      new VectorSchemaRoot(java.util.List.of[FieldVector]()), null,
      OutputStream.nullOutputStream())
}
