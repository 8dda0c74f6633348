package org.apache.spark.sql.hydrofoil.memory

import java.util.{Collections, IdentityHashMap}
import java.util.concurrent.ConcurrentHashMap

import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.TaskContext
import org.apache.spark.memory.{MemoryConsumer, TaskMemoryManager}
import org.apache.spark.sql.util.ArrowUtils

/**
 * The Arrow memory of Hydrofoil's operators in one task: what it allocates is accounted to the
 * task, and freed when the task ends, however it ends.
 *
 * Spark's memory manager grants memory before it is used and may refuse; Arrow's allocator doesn't
 * ask. So `settle` follows the allocator at every batch, and where the grant falls short what can
 * wait on disk (`Spillable`) is written there.
 */
final class TaskBuffers private (context: TaskContext) {

  val allocator: BufferAllocator = ArrowUtils.rootAllocator.newChildAllocator(
    s"hydrofoil task ${context.taskAttemptId()}", 0, Long.MaxValue)

  private val batches =
    Collections.newSetFromMap(new IdentityHashMap[ArrowBatch, java.lang.Boolean])
  private val account = new Account(context.taskMemoryManager())
  private var closers = List.empty[() => Unit]
  private var spillables = List.empty[Spillable]
  private var held = 0L

  def track(batch: ArrowBatch): Unit = batches.add(batch)

  def forget(batch: ArrowBatch): Unit = batches.remove(batch)

  /** Runs at the end of the task, the last that was added first. */
  def atEnd(close: () => Unit): Unit = closers = close :: closers

  def spillWith(spillable: Spillable): Unit = spillables = spillable :: spillables

  /** Brings what the task's memory manager knows in line with what is allocated. */
  def settle(): Unit = {
    val used = allocator.getAllocatedMemory
    if (used > held) {
      // Spark may ask this very consumer to spill before it answers, which changes `held`.
      val granted = account.acquireMemory(used - held)
      held += granted
      if (used > held) spill(used - held)
    }
    giveBack()
  }

  private def spill(bytes: Long): Long = {
    var freed = 0L
    spillables.foreach(spillable => if (freed < bytes) freed += spillable.spill(bytes - freed))
    freed
  }

  private def giveBack(): Long = {
    val unused = math.max(held - allocator.getAllocatedMemory, 0L)
    if (unused > 0) {
      account.freeMemory(unused)
      held -= unused
    }
    unused
  }

  private def close(): Unit = {
    // One that fails must not keep the others' memory.
    var failure: Option[Throwable] = None
    def attempt(step: => Unit): Unit =
      try step
      catch {
        case error: Throwable =>
          failure.foreach(error.addSuppressed)
          failure = Some(error)
      }
    closers.foreach(close => attempt(close()))
    batches.toArray(Array.empty[ArrowBatch]).foreach(batch => attempt(batch.close()))
    attempt(giveBack())
    attempt(allocator.close())
    failure.foreach(throw _)
  }

  private final class Account(manager: TaskMemoryManager)
    extends MemoryConsumer(manager, manager.pageSizeBytes, manager.getTungstenMemoryMode) {

    override def spill(size: Long, trigger: MemoryConsumer): Long = {
      TaskBuffers.this.spill(size)
      giveBack()
    }
  }
}

/** What waits in memory and can wait on disk instead. */
trait Spillable {

  /** Writes at least so many bytes to disk, if it has them; the answer is how many it freed. */
  def spill(bytes: Long): Long
}

object TaskBuffers {

  // Not by the attempts' ids, which begin anew with each SparkContext: a task of one that was
  // stopped may go on beside those of the next one.
  private val running = new ConcurrentHashMap[TaskMemoryManager, TaskBuffers]

  /** Those of the task, made at the first call. */
  def of(context: TaskContext): TaskBuffers = {
    val task = context.taskMemoryManager()
    val known = running.get(task)
    if (known != null) return known
    val made = new TaskBuffers(context)
    running.put(task, made)
    context.addTaskCompletionListener[Unit] { _ =>
      running.remove(task)
      made.close()
    }
    made
  }
}
