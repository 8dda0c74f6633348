package org.apache.spark.sql.hydrofoil.shim

import java.io.DataOutputStream

import scala.util.control.NonFatal

import org.apache.spark.TaskContext
import org.apache.spark.internal.Logging

/** Writes record batches to a worker's stream, one a call, as Spark's runner asks for them. */
abstract class BatchSource extends Logging {

  private var open = true
  private var spent = 0L

  /** Nanoseconds that went into what was written, and into the rows below it. */
  final def nanoseconds: Long = spent

  /** Whether it begins with the schema; otherwise Spark's runner writes that. */
  def writesSchema: Boolean = false

  /** Writes a batch; false when there is none left. */
  protected def write(out: DataOutputStream): Boolean

  /** Writes a batch; where there is none, ends the stream and the answer is false. */
  final def next(out: DataOutputStream, end: () => Unit): Boolean = {
    val begin = System.nanoTime()
    val wrote = write(out)
    spent += System.nanoTime() - begin
    if (!wrote) {
      open = false
      end()
    }
    wrote
  }

  /**
   * Frees at the end of the task what a stream that never came to its end still holds. To end a
   * stream that is broken, or that never began, fails after its memory is freed.
   */
  final def releaseAtEnd(context: TaskContext, end: () => Unit): Unit =
    context.addTaskCompletionListener[Unit] { _ =>
      if (open) {
        try end()
        catch {
          case NonFatal(error) => logDebug("The stream to the worker had no proper end", error)
        }
      }
    }
}
