package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.{Partition, SparkContext, TaskContext}
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.plans.physical.SinglePartition
import org.apache.spark.sql.execution.LocalTableScanExec
import org.apache.spark.sql.hydrofoil.local.{LocalBatch, LocalRows}
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, BatchIterator, TaskBuffers}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * Record batches of the driver's, such as those of a data frame of pandas, on their way to tasks.
 * Partitions are those of Spark's operator.
 */
case class HydrofoilLocalBatchesExec(scan: LocalTableScanExec)
  extends LocalScan with ArrowBatchesExec {

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] = {
    val local = scan.rows.asInstanceOf[LocalRows]
    val slices = math.min(local.length, parallelism)
    val types = local.types
    val rows = longMetric("numOutputRows")
    new LocalBatchesRDD(sparkContext, local.partitions(slices)).mapPartitionsInternal { batches =>
      val buffers = TaskBuffers.of(TaskContext.get())
      new BatchIterator {
        override protected def advance(): ArrowBatch =
          if (batches.hasNext) {
            val batch = batches.next().load(types, buffers)
            rows += batch.numRows
            batch
          } else {
            null
          }
      }
    }
  }

  /** What was planned above relies on one partition where Spark's operator says that it has one. */
  private def parallelism: Int =
    if (outputPartitioning == SinglePartition) 1
    else {
      conf.getConf(SQLConf.LEAF_NODE_DEFAULT_PARALLELISM)
        .getOrElse(sparkContext.defaultParallelism)
    }
}

object HydrofoilLocalBatchesExec {

  /** Whether the rows are many, and record batches. */
  def takes(scan: LocalTableScanExec): Boolean =
    scan.rows.isInstanceOf[LocalRows] && HydrofoilLocalScanExec.takes(scan)
}

/**
 * The batches of each partition. They are written as the rest of a task is; those of Spark's RDD of
 * a sequence are by the user's serializer, and Kryo can be set to take no class that it was not
 * told of.
 */
private final class LocalBatchesRDD(
    context: SparkContext,
    @transient private val parts: Seq[Array[LocalBatch]])
  extends RDD[LocalBatch](context, Nil) {

  override protected def getPartitions: Array[Partition] =
    parts.zipWithIndex.map { case (part, i) => new LocalBatchesPartition(i, part) }.toArray

  override def compute(split: Partition, context: TaskContext): Iterator[LocalBatch] =
    split.asInstanceOf[LocalBatchesPartition].batches.iterator
}

private final class LocalBatchesPartition(val index: Int, val batches: Array[LocalBatch])
  extends Partition
