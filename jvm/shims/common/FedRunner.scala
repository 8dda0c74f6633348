package org.apache.spark.sql.hydrofoil.shims.common

import java.io.{DataOutputStream, OutputStream}

import org.apache.arrow.vector.{FieldVector, VectorSchemaRoot}
import org.apache.arrow.vector.ipc.ArrowStreamWriter
import org.apache.spark.{SparkEnv, TaskContext}
import org.apache.spark.api.python.{BasePythonRunner, PythonWorker}
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.python.PythonArrowInput
import org.apache.spark.sql.hydrofoil.shim.{BatchSource, Connection, Exchange}
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * Turns a runner of Spark's into one that gets its batches from a source of ours: handshake,
 * settings, reuse of workers, errors and metrics stay Spark's.
 */
trait FedRunner extends PythonArrowInput[Iterator[InternalRow]] with Exchange {

  def source: BatchSource

  if (source.writesSchema) writer = FedRunner.startedWriter()

  /** Spark's own. */
  def compute(
      input: Iterator[Iterator[InternalRow]],
      partition: Int,
      context: TaskContext): Iterator[ColumnarBatch]

  /** Spark calls this before it sends the worker anything of the task. */
  override def newWriter(
      env: SparkEnv,
      worker: PythonWorker,
      input: Iterator[Iterator[InternalRow]],
      partition: Int,
      context: TaskContext): BasePythonRunner[Iterator[InternalRow], ColumnarBatch]#Writer = {
    Connection.sendAtOnce(worker.channel)
    super.newWriter(env, worker, input, partition, context)
  }

  override def writeNextBatchToArrowStream(
      root: VectorSchemaRoot,
      writer: ArrowStreamWriter,
      out: DataOutputStream,
      input: Iterator[Iterator[InternalRow]]): Boolean = source.next(out, () => close())

  override def results(context: TaskContext): Iterator[ColumnarBatch] = {
    source.releaseAtEnd(context, () => close())
    compute(Iterator.empty, context.partitionId(), context)
  }
}

object FedRunner {

  /**
   * A stream writer that Spark's runner takes for one that it has started, so that it writes no
   * schema; what it writes at its end goes nowhere.
   */
  private def startedWriter(): ArrowStreamWriter =
    new ArrowStreamWriter(
      new VectorSchemaRoot(java.util.List.of[FieldVector]()),
      null,
      OutputStream.nullOutputStream())
}
