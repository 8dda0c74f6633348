package org.apache.spark.sql.hydrofoil.tests

import scala.util.Try

import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.{SparkConf, SparkContext, TaskContext}
import org.apache.spark.sql.hydrofoil.memory.TaskBuffers
import org.apache.spark.sql.util.ArrowUtils

/** What a task has to close is closed, and its memory freed, whatever fails meanwhile. */
final class TaskBuffersTests extends Suite {

  test("a closer that fails keeps neither the others' from running nor memory") { _ =>
    TaskBuffersTests.closed = Nil
    val conf = new SparkConf()
      .setMaster("local[1]")
      .setAppName("tests")
      .set("spark.ui.enabled", "false")
      .set("spark.log.level", "OFF")
    val context = new SparkContext(conf)
    try {
      val ended = Try(context.parallelize(Seq(1), 1).foreach(_ => TaskBuffersTests.task()))
      val error = ended.failed.toOption.fold("no error")(_.getMessage)
      same(error.contains("the second fails"), true, error)
      same(TaskBuffersTests.closed, List("first", "third"), "what was closed, the last first")
      val children = ArrowUtils.rootAllocator.getChildAllocators
      same(children.contains(TaskBuffersTests.allocator), false, "the task's allocator is open")
    } finally context.stop()
  }
}

object TaskBuffersTests {

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
