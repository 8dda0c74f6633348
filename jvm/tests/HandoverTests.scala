package org.apache.spark.sql.hydrofoil.tests

import scala.collection.mutable
import scala.util.Try

import org.apache.spark.{SparkConf, SparkContext, TaskContext}
import org.apache.spark.sql.hydrofoil.frames.Handover

/** What tasks leave in the driver's JVM is there once, and counts once, whatever fails. */
final class HandoverTests extends Suite {

  test("batches that tasks of this JVM leave here, some of them at their second attempt") { _ =>
    // Had the attempts that fail counted, there would be 150 bytes.
    val (found, results) = collected(most = 100)
    same(found, Map(0 -> Seq(30, 30), 1 -> Seq(30)), "the batches' sizes")
    same(results.values.flatten.forall(_.length == 8), true, "whether results are without batches")
    same(Handover.jobs, 0, "jobs that are not closed")
  }

  test("more bytes than are allowed") { _ =>
    val error = Try(collected(most = 80)).failed.toOption.fold("no error")(_.getMessage)
    same(error.contains("take 90.0 B so far"), true, error)
    same(error.contains("spark.driver.maxResultSize (80.0 B)"), true, error)
    same(Handover.jobs, 0, "jobs that are not closed")
  }

  test("a task of another JVM") { _ =>
    val handover = new Handover(1)
    try {
      val batches = Array(Array[Byte](1, 2, 3), Array[Byte](4))
      val result = Handover.take("a name of another JVM's", batches.iterator, null)
      same(result, batches, "the task's result")
      same(handover.batches(result), batches, "the batches")
    } finally handover.close()
  }

  /** The sizes of the batches of two partitions, and the tasks' results. */
  private def collected(most: Long): (Map[Int, Seq[Int]], Map[Int, Array[Array[Byte]]]) = {
    val conf = new SparkConf()
      .setMaster("local[1,2]")
      .setAppName("tests")
      .set("spark.ui.enabled", "false")
      .set("spark.log.level", "OFF")
    val context = new SparkContext(conf)
    val handover = new Handover(most)
    val name = handover.name
    val found = mutable.Map.empty[Int, Seq[Int]]
    val results = mutable.Map.empty[Int, Array[Array[Byte]]]
    def add(partition: Int, result: Array[Array[Byte]]): Unit = {
      results(partition) = result
      found(partition) = handover.batches(result).map(_.length).toSeq
    }
    try {
      context.runJob(
        context.parallelize(0 until 2, 2),
        (task: TaskContext, _: Iterator[Int]) => HandoverTests.task(name, task),
        add _)
    } finally {
      handover.close()
      context.stop()
    }
    (found.toMap, results.toMap)
  }
}

object HandoverTests {

  /** At first, one partition's attempt fails amid its batches, the other's after its only one. */
  def task(name: String, context: TaskContext): Array[Array[Byte]] = {
    val fails = context.attemptNumber() == 0
    val first = context.partitionId() == 0
    val batches = Iterator.range(0, if (first) 2 else 1).map { i =>
      if (fails && first && i == 1) throw new IllegalStateException("amid the batches")
      new Array[Byte](30)
    }
    val result = Handover.take(name, batches, context)
    if (fails) throw new IllegalStateException("after the batches")
    result
  }
}
