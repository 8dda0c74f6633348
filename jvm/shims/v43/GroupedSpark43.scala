package org.apache.spark.sql.hydrofoil.v43

import java.io.DataOutputStream

import org.apache.arrow.vector.VectorSchemaRoot
import org.apache.arrow.vector.ipc.ArrowStreamWriter
import org.apache.arrow.vector.types.pojo.Schema

import org.apache.spark.api.python.BasePythonRunner
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.python.{
  ArrowPythonRunner, ArrowPythonWithNamedArgumentRunner}
import org.apache.spark.sql.execution.python.EvalPythonExec.ArgumentMetadata
import org.apache.spark.sql.hydrofoil.grouped.{GroupedSpark, GroupedTask, GroupsWriter}
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.util.ArrowUtils

/** Grouped functions on Spark 4.3. */
class GroupedSpark43 extends GroupedSpark {
  override val cutsGroups: Boolean = true

  override def arrowSchema(
      schema: StructType, timeZone: String, largeVarTypes: Boolean): Schema =
    ArrowUtils.toArrowSchema(schema, timeZone, largeVarTypes)

  override def runner(task: GroupedTask, writer: GroupsWriter): BasePythonRunner[_, _] =
    task.arguments match {
      case Left(offsets) => new ByOffset(task, offsets, writer)
      case Right(arguments) => new ByName(task, arguments, writer)
    }
}

// The schema that the runners are given has no columns: they would allocate memory for them.

private final class ByOffset(task: GroupedTask, offsets: Array[Array[Int]], groups: GroupsWriter)
  extends ArrowPythonRunner(
    task.functions, task.evalType, offsets, new StructType(), task.timeZone, task.largeVarTypes,
    task.runnerConf, task.metrics, task.jobArtifact, task.session) {

  writer = GroupedSpark.startedWriter()

  override protected def writeNextBatchToArrowStream(
      root: VectorSchemaRoot,
      unused: ArrowStreamWriter,
      out: DataOutputStream,
      input: Iterator[Iterator[InternalRow]]): Boolean =
    GroupedSpark.write(groups, out, task, () => close())
}

private final class ByName(
    task: GroupedTask, arguments: Array[Array[ArgumentMetadata]], groups: GroupsWriter)
  extends ArrowPythonWithNamedArgumentRunner(
    task.functions, task.evalType, arguments, new StructType(), task.timeZone, task.largeVarTypes,
    task.runnerConf, task.metrics, task.jobArtifact, task.session) {

  writer = GroupedSpark.startedWriter()

  override protected def writeNextBatchToArrowStream(
      root: VectorSchemaRoot,
      unused: ArrowStreamWriter,
      out: DataOutputStream,
      input: Iterator[Iterator[InternalRow]]): Boolean =
    GroupedSpark.write(groups, out, task, () => close())
}
