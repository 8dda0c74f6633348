package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.TaskContext
import org.apache.spark.api.python.{ChainedPythonFunctions, PythonEvalType}
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.NamedExpression
import org.apache.spark.sql.connector.metric.CustomTaskMetric
import org.apache.spark.sql.connector.read.{InputPartition, PartitionReader, PartitionReaderFactory}
import org.apache.spark.sql.execution.datasources.v2.python.{
  PythonInputPartition, PythonPartitionReaderFactory, UserDefinedPythonDataSource}
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.execution.python.PythonSQLMetrics
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector
import org.apache.spark.sql.hydrofoil.exchange.MapTask
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.hydrofoil.shim.{RunnerSpec, Shim}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{BinaryType, DataType, StructField, StructType}
import org.apache.spark.sql.vectorized.{ColumnarBatch, ColumnVector}

/**
 * Readers of a Python data source's partitions that give the record batches of the worker, where
 * Spark's make rows of them.
 *
 * @param rows     Spark's, which know the function that reads
 * @param schema   of what it reads
 * @param measured the metrics that the scan has
 */
final class SourceReaders(
    rows: PartitionReaderFactory,
    schema: StructType,
    measured: Set[String])
  extends PartitionReaderFactory {

  override def supportColumnarReads(partition: InputPartition): Boolean = true

  override def createReader(partition: InputPartition): PartitionReader[InternalRow] =
    rows.createReader(partition)

  override def createColumnarReader(partition: InputPartition): PartitionReader[ColumnarBatch] =
    new PartitionReader[ColumnarBatch] {
      private val source = SourceReaders.get[UserDefinedPythonDataSource](rows, "source")
      private val metrics = SourceReaders.METRICS.map(_ -> new SQLMetric("sum")).toMap
      private val batches = {
        val bytes = partition.asInstanceOf[PythonInputPartition].pickedPartition
        task(source, metrics).run(SourceReaders.oneRow(bytes), TaskContext.get())
      }

      override def next(): Boolean = batches.hasNext
      override def get(): ColumnarBatch = batches.next()
      override def close(): Unit = ()

      override def currentMetricsValues(): Array[CustomTaskMetric] =
        source.createPythonTaskMetrics(
          metrics.collect { case (name, metric) if measured(name) => name -> metric.value })
    }

  /** What Spark's reader runs: a function for mapInArrow, whose input is the partition. */
  private def task(source: UserDefinedPythonDataSource, metrics: Map[String, SQLMetric]) = {
    val conf = SQLConf.get
    val function = source.createPythonFunction(
      SourceReaders.get[Array[Byte]](rows, "pickledReadFunc"))
    val spec = RunnerSpec(
      Seq((ChainedPythonFunctions(Seq(function)), NamedExpression.newExprId.id)),
      PythonEvalType.SQL_MAP_ARROW_ITER_UDF,
      StructType(Array(StructField("struct", UserDefinedPythonDataSource.readInputSchema))),
      conf.sessionLocalTimeZone,
      largeVarTypes = false,
      Shim.get.runnerConf(conf),
      metrics,
      SourceReaders.get[Option[String]](rows, "jobArtifactUUID"),
      SourceReaders.find(rows, "sessionUUID").flatMap(_.asInstanceOf[Option[String]]),
      conf.pythonUDFProfiler)
    val limits = Limits.of(conf).copy(wrapped = true)
    new MapTask(spec, Array[DataType](BinaryType), schema, schema, limits, metrics)
  }
}

object SourceReaders {

  private val NEEDED = Seq("source", "pickledReadFunc", "jobArtifactUUID")

  // Spark's of operators that run Python, and those of a task of ours.
  private val METRICS: Seq[String] =
    Seq(
      PythonSQLMetrics.pythonSizeMetricsDesc,
      PythonSQLMetrics.pythonTimingMetricsDesc,
      PythonSQLMetrics.pythonOtherMetricsDesc).flatMap(_.keys) ++
      Seq("rowsSent", "batchesSent", "batchesReceived", "waitTime")

  /** Whether the readers of this Spark have what is asked of them here. */
  lazy val areKnown: Boolean =
    NEEDED.forall(field(classOf[PythonPartitionReaderFactory], _).isDefined)

  private def field(readers: Class[_], name: String) =
    // Scala lengthens the names of constructor parameters that inner classes use.
    readers.getDeclaredFields.find(f => f.getName == name || f.getName.endsWith("$$" + name))

  private def find(readers: PartitionReaderFactory, name: String): Option[AnyRef] =
    field(readers.getClass, name).map { found =>
      found.setAccessible(true)
      found.get(readers)
    }

  private def get[T](readers: PartitionReaderFactory, name: String): T =
    find(readers, name).get.asInstanceOf[T]

  private def oneRow(bytes: Array[Byte]): Iterator[ColumnarBatch] = {
    val vector = new OnHeapColumnVector(1, BinaryType)
    vector.putByteArray(0, bytes)
    Iterator.single(new ColumnarBatch(Array[ColumnVector](vector), 1))
  }
}
