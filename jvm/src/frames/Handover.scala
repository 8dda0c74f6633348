package org.apache.spark.sql.hydrofoil.frames

import java.nio.ByteBuffer
import java.util.UUID
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong

import scala.collection.mutable.ArrayBuffer

import org.apache.spark.{SparkException, TaskContext}
import org.apache.spark.internal.config
import org.apache.spark.util.Utils

/**
 * Record batches on their way from the tasks of one job to the driver. Tasks that run in the
 * driver's own JVM, as in local mode, leave them here, and their result says so: Spark would
 * serialize them twice, put them into its block manager, fetch them over a socket and read them
 * twice. Those of other JVMs are the results of their tasks, as ever.
 *
 * @param most bytes of all partitions together; 0: no bound. Spark does not see what is kept here
 */
private[hydrofoil] final class Handover(most: Long) extends AutoCloseable {

  /** What tasks find this by; only in this JVM. */
  val name: String = UUID.randomUUID().toString

  private val kept = new ConcurrentHashMap[Long, Array[Array[Byte]]]
  private val bytes = new AtomicLong

  Handover.open.put(name, this)

  override def close(): Unit = {
    Handover.open.remove(name)
    kept.clear()
  }

  /** The batches of a task, of its result. */
  def batches(result: Array[Array[Byte]]): Array[Array[Byte]] = Handover.attempt(result) match {
    case Some(attempt) => kept.remove(attempt)
    case None => result
  }

  private def keep(batches: Iterator[Array[Byte]], context: TaskContext): Array[Array[Byte]] = {
    val attempt = context.taskAttemptId()
    var own = 0L
    // What a failed attempt has counted does not count for the next one.
    context.addTaskFailureListener { (_, _) =>
      kept.remove(attempt)
      bytes.addAndGet(-own): Unit
    }
    val taken = ArrayBuffer.empty[Array[Byte]]
    while (batches.hasNext) {
      val batch = batches.next()
      own += batch.length
      check(bytes.addAndGet(batch.length))
      taken += batch
    }
    kept.put(attempt, taken.toArray)
    Handover.result(attempt)
  }

  private def check(all: Long): Unit = if (most > 0 && all > most) {
    throw new SparkException(
      s"The record batches of a result take ${Utils.bytesToString(all)} so far, which is more " +
        s"than ${config.MAX_RESULT_SIZE.key} (${Utils.bytesToString(most)})")
  }
}

private[hydrofoil] object Handover {

  private val open = new ConcurrentHashMap[String, Handover]

  /** How many jobs have not ended. */
  def jobs: Int = open.size

  /** A task's result: its batches, or where they are if that is in the driver's JVM. */
  def take(
      name: String,
      batches: Iterator[Array[Byte]],
      context: TaskContext): Array[Array[Byte]] = {
    val here = open.get(name)
    if (here == null) batches.toArray else here.keep(batches, context)
  }

  /** A result of a type that any serializer of the user's knows. No message is as short. */
  private def result(attempt: Long): Array[Array[Byte]] =
    Array(ByteBuffer.allocate(java.lang.Long.BYTES).putLong(attempt).array)

  private def attempt(result: Array[Array[Byte]]): Option[Long] = result match {
    case Array(id) if id.length == java.lang.Long.BYTES => Some(ByteBuffer.wrap(id).getLong)
    case _ => None
  }
}
