package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.sql.connector.metric.{CustomMetric, CustomTaskMetric}
import org.apache.spark.sql.connector.read.{Batch, InputPartition, PartitionReaderFactory, Scan}
import org.apache.spark.sql.execution.datasources.v2.python.PythonScan
import org.apache.spark.sql.internal.connector.SupportsMetadata
import org.apache.spark.sql.types.StructType

/** A Python data source's scan whose readers give batches of columns in the place of rows. */
class ColumnarScan(scan: Scan) extends Scan {
  override def readSchema(): StructType = scan.readSchema()
  override def description(): String = scan.description()
  override def supportedCustomMetrics(): Array[CustomMetric] = scan.supportedCustomMetrics()
  override def reportDriverMetrics(): Array[CustomTaskMetric] = scan.reportDriverMetrics()
  override def columnarSupportMode(): Scan.ColumnarSupportMode = Scan.ColumnarSupportMode.SUPPORTED

  override def toBatch(): Batch = {
    val batch = scan.toBatch()
    val measured = scan.supportedCustomMetrics().map(_.name()).toSet
    new Batch {
      override def planInputPartitions(): Array[InputPartition] = batch.planInputPartitions()
      override def createReaderFactory(): PartitionReaderFactory =
        new SourceReaders(batch.createReaderFactory(), scan.readSchema(), measured)
    }
  }
}

object ColumnarScan {

  /** Whether it is a scan of a Python data source, by readers that are known. */
  def takes(scan: Scan): Boolean = scan.isInstanceOf[PythonScan] && SourceReaders.areKnown

  def of(scan: Scan): ColumnarScan = scan match {
    case described: SupportsMetadata =>
      new ColumnarScan(scan) with SupportsMetadata {
        override def getMetaData(): Map[String, String] = described.getMetaData()
      }
    case _ => new ColumnarScan(scan)
  }
}
