package org.apache.spark.sql.hydrofoil

import java.io.DataOutputStream

import org.apache.spark.TaskContext

/** Writes record batches to a worker's stream, one a call, as Spark's runner asks for them. */
abstract class BatchSource {

  private var open = true

  /** Writes a batch; false when there is none left. */
  protected def write(out: DataOutputStream): Boolean

  /** Writes a batch; where there is none, ends the stream and the answer is false. */
  final def next(out: DataOutputStream, end: () => Unit): Boolean = {
    val wrote = write(out)
    if (!wrote) {
      open = false
      end()
    }
    wrote
  }

  /** Frees at the end of the task what a stream that never came to its end still holds. */
  final def releaseAtEnd(context: TaskContext, release: () => Unit): Unit =
    context.addTaskCompletionListener[Unit](_ => if (open) release())
}
