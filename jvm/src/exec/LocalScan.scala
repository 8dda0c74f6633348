package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, SortOrder}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{LeafExecNode, LocalTableScanExec, SparkPlan}
import org.apache.spark.sql.execution.metric.SQLMetric

/**
 * A scan of the driver's rows that takes them to tasks in a way of its own. What is collected
 * without a job, the name and the metrics are those of Spark's operator.
 */
trait LocalScan extends LeafExecNode {

  def scan: LocalTableScanExec

  override def output: Seq[Attribute] = scan.output
  override def outputPartitioning: Partitioning = scan.outputPartitioning
  override def outputOrdering: Seq[SortOrder] = scan.outputOrdering
  override lazy val metrics: Map[String, SQLMetric] = scan.metrics

  override def nodeName: String = s"Hydrofoil${scan.nodeName}"
  override def simpleString(maxFields: Int): String = s"Hydrofoil${scan.simpleString(maxFields)}"

  override def executeCollect(): Array[InternalRow] = scan.executeCollect()
  override def executeTake(limit: Int): Array[InternalRow] = scan.executeTake(limit)
  override def executeTail(limit: Int): Array[InternalRow] = scan.executeTail(limit)

  override protected def doCanonicalize(): SparkPlan = scan.canonicalized
}
