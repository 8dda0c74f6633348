package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.expressions.{Attribute, SortOrder}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{LeafExecNode, SparkPlan}
import org.apache.spark.sql.execution.datasources.v2.BatchScanExec
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * A scan of a Python data source that yields the reader's record batches.
 *
 * @param scan Spark's operator, which still runs the scan, with a [[ColumnarScan]]
 */
case class HydrofoilSourceScanExec(scan: BatchScanExec) extends LeafExecNode with ArrowBatchesExec {

  override def output: Seq[Attribute] = scan.output
  override def outputPartitioning: Partitioning = scan.outputPartitioning
  override def outputOrdering: Seq[SortOrder] = scan.outputOrdering
  override lazy val metrics: Map[String, SQLMetric] = scan.metrics

  override def nodeName: String = s"Hydrofoil${scan.nodeName}"
  override def simpleString(maxFields: Int): String = s"Hydrofoil${scan.simpleString(maxFields)}"

  // Spark's begins with the operator's name and number, which are ours here.
  override def verboseStringWithOperatorId(): String = {
    val lines = scan.verboseStringWithOperatorId().linesIterator.filter(_.nonEmpty).drop(1)
    lines.mkString(s"\n$formattedNodeName\n", "\n", "\n")
  }

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] = scan.executeColumnar()

  override protected def doCanonicalize(): SparkPlan = scan.canonicalized
}

object HydrofoilSourceScanExec {

  /** In the place of a scan that [[ColumnarScan.takes]]. */
  def of(scan: BatchScanExec): HydrofoilSourceScanExec = {
    // Its other arguments differ by version.
    val arguments = scan.productIterator.map {
      case found if found.asInstanceOf[AnyRef] eq scan.scan => ColumnarScan.of(scan.scan)
      case other => other.asInstanceOf[AnyRef]
    }
    HydrofoilSourceScanExec(scan.makeCopy(arguments.toArray).asInstanceOf[BatchScanExec])
  }
}
