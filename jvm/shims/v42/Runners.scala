package org.apache.spark.sql.hydrofoil.v42

import java.io.DataOutputStream

import org.apache.arrow.vector.VectorSchemaRoot
import org.apache.arrow.vector.ipc.ArrowStreamWriter
import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.python.{ArrowPythonRunner, ArrowPythonWithNamedArgumentRunner}
import org.apache.spark.sql.execution.python.EvalPythonExec.ArgumentMetadata
import org.apache.spark.sql.hydrofoil.{BatchSource, Exchange, RunnerSpec}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.vectorized.ColumnarBatch

// Spark's own runners, but for where a batch comes from: handshake, settings, reuse of workers,
// errors and metrics stay Spark's.

final class NamedRunner(spec: RunnerSpec, input: BatchSource)
  extends ArrowPythonWithNamedArgumentRunner(
    spec.funcs, spec.evalType,
    spec.arguments.map(_.map(a => ArgumentMetadata(a.offset, a.name))), spec.schema, spec.timeZoneId, false, spec.conf,
    spec.metrics, spec.jobArtifactUUID, spec.sessionUUID)
  with Exchange {

  // Where rows are converted as pickled ones are, this many results are looked at together.
  override val batchSizeForPythonUDF: Int =
    SQLConf.get.getConf(SQLConf.PYTHON_UDF_MAX_RECORDS_PER_BATCH)

  override def writeNextBatchToArrowStream(
      root: VectorSchemaRoot,
      writer: ArrowStreamWriter,
      dataOut: DataOutputStream,
      unused: Iterator[Iterator[InternalRow]]): Boolean = input.next(dataOut, () => close())

  override def results(context: TaskContext): Iterator[ColumnarBatch] = {
    input.releaseAtEnd(context, () => close())
    compute(Iterator.empty, context.partitionId(), context)
  }
}

final class Runner(spec: RunnerSpec, input: BatchSource)
  extends ArrowPythonRunner(
    spec.funcs, spec.evalType, spec.argOffsets, spec.schema, spec.timeZoneId, false, spec.conf,
    spec.metrics, spec.jobArtifactUUID, spec.sessionUUID)
  with Exchange {

  override def writeNextBatchToArrowStream(
      root: VectorSchemaRoot,
      writer: ArrowStreamWriter,
      dataOut: DataOutputStream,
      unused: Iterator[Iterator[InternalRow]]): Boolean = input.next(dataOut, () => close())

  override def results(context: TaskContext): Iterator[ColumnarBatch] = {
    input.releaseAtEnd(context, () => close())
    compute(Iterator.empty, context.partitionId(), context)
  }
}
