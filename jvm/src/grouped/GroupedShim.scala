package org.apache.spark.sql.hydrofoil.grouped

import java.io.OutputStream

import org.apache.arrow.vector.{FieldVector, VectorSchemaRoot}
import org.apache.arrow.vector.ipc.ArrowStreamWriter
import org.apache.arrow.vector.types.pojo.Schema

import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.hydrofoil.{BatchSource, Exchange, Shim}
import org.apache.spark.sql.types.StructType

/** What differs between Spark's minors for grouped functions. */
trait GroupedShim {
  /** Whether a large group is several record batches. */
  def cutsGroups: Boolean

  /** The schema that stock sends for one of the `sides` of a group. */
  def arrowSchema(
      schema: StructType, sides: Int, timeZone: String, largeVarTypes: Boolean): Schema

  /** Spark's own runner for a task, but that `input` writes all of its data, schemas included. */
  def runner(task: GroupedTask, input: BatchSource): Exchange

  /** An empty queue for rows of so many fields, which is closed when the task ends. */
  def keys(context: TaskContext, fields: Int): KeyQueue
}

/** Keys in the order of their groups; what the task has no memory for waits on disk. */
trait KeyQueue {
  def add(key: UnsafeRow): Unit

  /** The first that has not been removed; it lasts until the next is. */
  def remove(): UnsafeRow
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
