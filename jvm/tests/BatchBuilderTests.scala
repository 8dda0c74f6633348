package org.apache.spark.sql.hydrofoil.tests

import java.nio.charset.StandardCharsets.UTF_8

import org.apache.spark.{SparkConf, SparkContext, TaskContext}
import org.apache.spark.sql.execution.vectorized.{Dictionary, OnHeapColumnVector}
import org.apache.spark.sql.hydrofoil.build.BatchBuilder
import org.apache.spark.sql.hydrofoil.memory.TaskBuffers
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.{DataType, StringType}
import org.apache.spark.sql.vectorized.ColumnVector

/** Batches end where their bytes do, without more memory than that. */
final class BatchBuilderTests extends Suite {

  test("one value of a dictionary, for more rows than a batch has bytes for") { _ =>
    val conf = new SparkConf().setMaster("local[1]").setAppName("tests")
      .set("spark.ui.enabled", "false").set("spark.log.level", "OFF")
    val context = new SparkContext(conf)
    try {
      val found = context.parallelize(Seq(1), 1).map(_ => BatchBuilderTests.batch()).collect()
      val (rows, peak) = found.head
      same(rows, 10, "rows of the batch")
      same(peak < 1000000, true, s"$peak bytes at most")
    } finally context.stop()
  }
}

object BatchBuilderTests {

  private val ROWS = 4096
  private val value = ("x" * 1000).getBytes(UTF_8)

  private final class One extends Dictionary {
    override def decodeToInt(id: Int): Int = id
    override def decodeToLong(id: Int): Long = id
    override def decodeToFloat(id: Int): Float = id.toFloat
    override def decodeToDouble(id: Int): Double = id
    override def decodeToBinary(id: Int): Array[Byte] = value
  }

  /** The rows that a batch of 10,000 bytes takes, and the most memory that there was meanwhile. */
  def batch(): (Int, Long) = {
    val vector = new OnHeapColumnVector(ROWS, StringType)
    vector.reserveDictionaryIds(ROWS)
    vector.setDictionary(new One)
    val buffers = TaskBuffers.of(TaskContext.get())
    val limits = Limits(Int.MaxValue, 10000)
    val builder = new BatchBuilder(Array[DataType](StringType), Array(0), limits, buffers)
    val rows = builder.append(Array[ColumnVector](vector), 0, ROWS)
    builder.finish().foreach(_.release())
    (rows, buffers.allocator.getPeakMemoryAllocation)
  }
}
