package org.apache.spark.sql.execution.python

import java.io.DataOutputStream

import org.apache.arrow.vector.VectorSchemaRoot
import org.apache.arrow.vector.ipc.ArrowStreamWriter
import org.apache.spark.{SparkEnv, TaskContext}
import org.apache.spark.api.python.{BasePythonRunner, PythonWorker}
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.vectorized.ColumnarBatch

// What the adapters for all versions call of Spark's runners, declared so that they compile beside
// any Spark. These classes are never packaged: at run time Spark's own take their place.

trait PythonArrowInput[IN] {
  def writer: ArrowStreamWriter
  def writer_=(started: ArrowStreamWriter): Unit
  def close(): Unit
  def writeNextBatchToArrowStream(
      root: VectorSchemaRoot,
      writer: ArrowStreamWriter,
      dataOut: DataOutputStream,
      input: Iterator[IN]): Boolean
  def newWriter(
      env: SparkEnv,
      worker: PythonWorker,
      inputIterator: Iterator[IN],
      partitionIndex: Int,
      context: TaskContext): BasePythonRunner[IN, ColumnarBatch]#Writer = ???
}

class BaseArrowPythonRunner extends PythonArrowInput[Iterator[InternalRow]] {
  override def writer: ArrowStreamWriter = ???
  override def writer_=(started: ArrowStreamWriter): Unit = ???
  override def close(): Unit = ???
  override def writeNextBatchToArrowStream(
      root: VectorSchemaRoot,
      writer: ArrowStreamWriter,
      dataOut: DataOutputStream,
      input: Iterator[Iterator[InternalRow]]): Boolean = ???
  def compute(
      input: Iterator[Iterator[InternalRow]],
      partition: Int,
      context: TaskContext): Iterator[ColumnarBatch] = ???
}
