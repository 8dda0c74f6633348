package org.apache.spark.sql.execution.python.hydrofoil

import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, UnsafeRow}
import org.apache.spark.sql.execution.python.{HybridRowQueue, PandasGroupUtils}

/** What Spark lets only this package see, for Hydrofoil's grouped functions. */
object HydrofoilGroups {
  /** The columns that go to Python, each once, and the offsets of keys and values among them. */
  def columnsAndOffsets(
      columns: Seq[Attribute], grouping: Seq[Attribute]): (Seq[Attribute], Array[Int]) =
    PandasGroupUtils.resolveArgOffsets(columns, grouping)

  /** Each group's key and rows, which have `columns` only. */
  def groups(
      rows: Iterator[InternalRow],
      grouping: Seq[Attribute],
      input: Seq[Attribute],
      columns: Seq[Attribute]): Iterator[(InternalRow, Iterator[InternalRow])] =
    PandasGroupUtils.groupAndProject(rows, grouping, input, columns)

  /** Keys in the order of their groups; beyond the task's memory they wait on disk. */
  final class Keys(context: TaskContext, fields: Int) {
    private val queue = HybridRowQueue(context.taskMemoryManager(), fields)
    context.addTaskCompletionListener[Unit](_ => queue.close())

    def add(key: UnsafeRow): Unit = queue.add(key)

    def remove(): UnsafeRow = queue.remove()
  }
}
