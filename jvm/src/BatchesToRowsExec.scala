package org.apache.spark.sql.hydrofoil

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, SortOrder, UnsafeProjection}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{ColumnarToRowTransition, SparkPlan}
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * Rows of record batches for a parent that takes them one by one, such as a writer or an exchange.
 * A stage of generated code would put each into a list before it hands it over.
 */
case class BatchesToRowsExec(child: SparkPlan) extends ColumnarToRowTransition {

  override def output: Seq[Attribute] = child.output
  override def outputPartitioning: Partitioning = child.outputPartitioning
  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  override lazy val metrics: Map[String, SQLMetric] = Map(
    "numOutputRows" -> SQLMetrics.createMetric(sparkContext, "number of output rows"),
    "numInputBatches" -> SQLMetrics.createMetric(sparkContext, "number of input batches"))

  override protected def doExecute(): RDD[InternalRow] = {
    val rows = longMetric("numOutputRows")
    val inputs = longMetric("numInputBatches")
    val attributes = output
    child.executeColumnar().mapPartitionsInternal { batches =>
      new BatchRows(batches, UnsafeProjection.create(attributes, attributes), rows, inputs)
    }
  }

  override protected def withNewChildInternal(newChild: SparkPlan): BatchesToRowsExec =
    copy(child = newChild)
}

private final class BatchRows(
    batches: Iterator[ColumnarBatch],
    toUnsafe: UnsafeProjection,
    rows: SQLMetric,
    inputs: SQLMetric)
  extends Iterator[InternalRow] {

  private[this] var batch: ColumnarBatch = _
  private[this] var row = 0
  private[this] var end = 0

  override def hasNext: Boolean = row < end || advance()

  override def next(): InternalRow = {
    if (!hasNext) throw new NoSuchElementException("no more rows")
    val view = batch.getRow(row)
    row += 1
    toUnsafe(view)
  }

  private def advance(): Boolean = {
    while (batches.hasNext) {
      batch = batches.next()
      row = 0
      end = batch.numRows
      inputs += 1
      rows += end
      if (end > 0) return true
    }
    false
  }
}
