package org.apache.spark.sql.execution.python

import org.apache.spark.memory.TaskMemoryManager
import org.apache.spark.sql.catalyst.expressions.UnsafeRow

// See ../common/Runners.scala: what the adapter calls, as Spark 4.0 has it.

class HybridRowQueue {
  def add(row: UnsafeRow): Boolean = ???
  def remove(): UnsafeRow = ???
  def close(): Unit = ???
}

object HybridRowQueue {
  def apply(memory: TaskMemoryManager, fields: Int): HybridRowQueue = ???
}
