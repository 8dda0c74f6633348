package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, BatchIterator}
import org.apache.spark.sql.vectorized.ColumnarBatch

/** The rows of a child as record batches in Arrow's layout, written by [[ArrowSinkExec]]. */
case class RowsToArrowExec(child: SparkPlan) extends SameRowsExec with ArrowBatchesExec {

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] =
    child.execute().mapPartitionsInternal { rows =>
      new BatchIterator {
        override protected def advance(): ArrowBatch =
          if (rows.hasNext) rows.next().asInstanceOf[BatchRow].batch else null
      }
    }

  override protected def withNewChildInternal(newChild: SparkPlan): RowsToArrowExec =
    copy(child = newChild)
}
