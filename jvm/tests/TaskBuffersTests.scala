package org.apache.spark.sql.hydrofoil.tests

import java.util.concurrent.CountDownLatch

import scala.util.Try

import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.{SparkConf, SparkContext, TaskContext}
import org.apache.spark.sql.hydrofoil.memory.TaskBuffers
import org.apache.spark.sql.util.ArrowUtils

/** What a task has to close is closed, and its memory freed, whatever fails meanwhile. */
final class TaskBuffersTests extends Suite {

  test("a closer that fails keeps neither the others' from running nor memory") { _ =>
    TaskBuffersTests.closed = Nil
    val context = this.context()
    try {
      val ended = Try(context.parallelize(Seq(1), 1).foreach(_ => TaskBuffersTests.task()))
      val error = ended.failed.toOption.fold("no error")(_.getMessage)
      same(error.contains("the second fails"), true, error)
      same(TaskBuffersTests.closed, List("first", "third"), "what was closed, the last first")
      val children = ArrowUtils.rootAllocator.getChildAllocators
      same(children.contains(TaskBuffersTests.allocator), false, "the task's allocator is open")
    } finally context.stop()
  }

  test("a task of a context that was stopped shares nothing with the next one's") { _ =>
    val stopped = context()
    val lasts = new Thread(() =>
      Try(stopped.parallelize(Seq(1), 1).foreach(_ => TaskBuffersTests.last())): Unit)
    lasts.start()
    TaskBuffersTests.begun.await()
    stopped.stop()
    val next = context()
    try {
      next.parallelize(Seq(1), 1).foreach(_ => TaskBuffersTests.note())
      val ids = TaskBuffersTests.noted.map(_._1)
      same(ids, List(0L, 0L), "the attempts' ids, which begin anew")
      val shared = TaskBuffersTests.noted.map(_._2).distinct.length == 1
      same(shared, false, "whether both have the same buffers")
    } finally {
      TaskBuffersTests.goesOn = false
      lasts.join()
      next.stop()
    }
  }

  private def context(): SparkContext = {
    val conf = new SparkConf()
      .setMaster("local[1]")
      .setAppName("tests")
      .set("spark.ui.enabled", "false")
      .set("spark.log.level", "OFF")
    new SparkContext(conf)
  }
}

object TaskBuffersTests {

  val begun = new CountDownLatch(1)
  @volatile var goesOn = true
  @volatile var noted = List.empty[(Long, TaskBuffers)]

  def note(): Unit = {
    val task = TaskContext.get()
    noted ::= task.taskAttemptId() -> TaskBuffers.of(task)
  }

  /** Goes on whatever its context does. */
  def last(): Unit = {
    note()
    begun.countDown()
    while (goesOn) try Thread.sleep(10) catch { case _: InterruptedException => () }
  }

  @volatile var closed = List.empty[String]
  @volatile var allocator: BufferAllocator = _

  def task(): Unit = {
    val buffers = TaskBuffers.of(TaskContext.get())
    allocator = buffers.allocator
    val held = allocator.buffer(1024)
    buffers.atEnd { () =>
      held.close()
      closed ::= "first"
    }
    buffers.atEnd(() => throw new IllegalStateException("the second fails"))
    buffers.atEnd(() => closed ::= "third")
    buffers.settle()
  }
}
