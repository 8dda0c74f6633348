package org.apache.spark.sql.execution.python

import java.io.DataOutputStream

import org.apache.arrow.vector.VectorSchemaRoot
import org.apache.arrow.vector.ipc.ArrowStreamWriter
import org.apache.spark.TaskContext
import org.apache.spark.api.python.ChainedPythonFunctions
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.execution.python.EvalPythonExec.ArgumentMetadata
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.vectorized.ColumnarBatch

// What the adapter for Spark 4.2 and 4.3 calls of Spark's runners, declared so that it compiles beside any
// Spark. These classes are never packaged: at run time Spark's own take their place.

object ArrowPythonRunner {
  def getPythonRunnerConfMap(conf: SQLConf): Map[String, String] = ???
}

class ArrowPythonRunner(
    funcs: Seq[(ChainedPythonFunctions, Long)],
    evalType: Int,
    argOffsets: Array[Array[Int]],
    schema: StructType,
    timeZoneId: String,
    largeVarTypes: Boolean,
    runnerConf: Map[String, String],
    metrics: Map[String, SQLMetric],
    jobArtifactUUID: Option[String],
    sessionUUID: Option[String]) {
  def compute(
      input: Iterator[Iterator[InternalRow]],
      partition: Int,
      context: TaskContext): Iterator[ColumnarBatch] = ???
  def close(): Unit = ???
  def writer: ArrowStreamWriter = ???
  def writer_=(started: ArrowStreamWriter): Unit = ???
  def writeNextBatchToArrowStream(
      root: VectorSchemaRoot,
      writer: ArrowStreamWriter,
      dataOut: DataOutputStream,
      input: Iterator[Iterator[InternalRow]]): Boolean = ???
}

class ArrowPythonWithNamedArgumentRunner(
    funcs: Seq[(ChainedPythonFunctions, Long)],
    evalType: Int,
    argMetas: Array[Array[ArgumentMetadata]],
    schema: StructType,
    timeZoneId: String,
    largeVarTypes: Boolean,
    runnerConf: Map[String, String],
    metrics: Map[String, SQLMetric],
    jobArtifactUUID: Option[String],
    sessionUUID: Option[String]) {
  val batchSizeForPythonUDF: Int = ???
  def compute(
      input: Iterator[Iterator[InternalRow]],
      partition: Int,
      context: TaskContext): Iterator[ColumnarBatch] = ???
  def close(): Unit = ???
  def writer: ArrowStreamWriter = ???
  def writer_=(started: ArrowStreamWriter): Unit = ???
  def writeNextBatchToArrowStream(
      root: VectorSchemaRoot,
      writer: ArrowStreamWriter,
      dataOut: DataOutputStream,
      input: Iterator[Iterator[InternalRow]]): Boolean = ???
}
