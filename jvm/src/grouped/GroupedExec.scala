package org.apache.spark.sql.hydrofoil.grouped

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, UnsafeProjection}
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.sql.execution.python.PythonSQLMetrics
import org.apache.spark.sql.vectorized.{ArrowColumnVector, ColumnarBatch}

/** What the operators of grouped functions have in common: Spark's own metrics, and more. */
trait GroupedExec extends SparkPlan {
  override lazy val metrics: Map[String, SQLMetric] =
    PythonSQLMetrics.pythonSizeMetricsDesc.map { case (key, text) =>
      key -> SQLMetrics.createSizeMetric(sparkContext, text)
    } ++ PythonSQLMetrics.pythonTimingMetricsDesc.map { case (key, text) =>
      key -> SQLMetrics.createTimingMetric(sparkContext, text)
    } ++ PythonSQLMetrics.pythonOtherMetricsDesc.map { case (key, text) =>
      key -> SQLMetrics.createMetric(sparkContext, text)
    } ++ Map(
      "groupsSent" -> SQLMetrics.createMetric(sparkContext, "number of groups"),
      "rowsSent" -> SQLMetrics.createMetric(sparkContext, "number of input rows"),
      "batchesSent" -> SQLMetrics.createMetric(sparkContext, "record batches sent"),
      "batchesReceived" -> SQLMetrics.createMetric(sparkContext, "record batches received"),
      "waitTime" -> SQLMetrics.createNanoTimingMetric(sparkContext, "time waiting for Python"))
}

private[grouped] object GroupedExec {
  /** The rows of record batches whose one column is a struct of the output's columns. */
  def structRows(
      batches: Iterator[ColumnarBatch], output: Seq[Attribute]): Iterator[InternalRow] = {
    val unsafe = UnsafeProjection.create(output, output)
    batches.flatMap { batch =>
      val struct = batch.column(0).asInstanceOf[ArrowColumnVector]
      val columns = output.indices.map(struct.getChild).toArray
      new Rows(new ColumnarBatch(columns.toArray, batch.numRows()))
    }.map(unsafe)
  }

  /** A batch's rows as a Scala iterator. */
  final class Rows(batch: ColumnarBatch) extends Iterator[InternalRow] {
    private val rows = batch.rowIterator()
    override def hasNext: Boolean = rows.hasNext
    override def next(): InternalRow = rows.next()
  }
}
