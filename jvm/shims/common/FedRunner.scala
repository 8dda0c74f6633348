package org.apache.spark.sql.hydrofoil.shims.common

import java.io.{DataOutputStream, OutputStream}

import org.apache.arrow.vector.{FieldVector, VectorSchemaRoot}
import org.apache.arrow.vector.ipc.ArrowStreamWriter
import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.python.PythonArrowInput
import org.apache.spark.sql.hydrofoil.shim.{BatchSource, Exchange}
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
