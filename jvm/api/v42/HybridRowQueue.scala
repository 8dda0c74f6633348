package org.apache.spark.sql.execution.python

import org.apache.spark.memory.TaskMemoryManager
import org.apache.spark.sql.catalyst.expressions.UnsafeRow

// See ../common/Runners.scala: what the adapter calls, as Spark 4.2 and 4.3 have it.

abstract class HybridQueue[T] {
  def add(row: T): Enumeration#Value = ???
  def remove(): T = ???
  def close(): Unit = ???
}

class HybridRowQueue extends HybridQueue[UnsafeRow]

object HybridRowQueue {
  def apply(memory: TaskMemoryManager, fields: Int): HybridRowQueue = ???
}
