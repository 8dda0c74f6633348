package org.apache.spark.sql.hydrofoil.v42

import java.io.DataOutputStream

import org.apache.arrow.vector.VectorSchemaRoot
import org.apache.arrow.vector.ipc.ArrowStreamWriter
import org.apache.arrow.vector.types.pojo.Schema

import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.errors.ExecutionErrors
import org.apache.spark.sql.execution.python.{
  ArrowPythonRunner, ArrowPythonWithNamedArgumentRunner, HybridRowQueue}
import org.apache.spark.sql.execution.python.EvalPythonExec.ArgumentMetadata
import org.apache.spark.sql.hydrofoil.{BatchSource, Exchange}
import org.apache.spark.sql.hydrofoil.grouped.{GroupedShim, GroupedTask, KeyQueue}
import org.apache.spark.sql.types.{
  ArrayType, DataType, MapType, StructType, UserDefinedType}
import org.apache.spark.sql.util.ArrowUtils
import org.apache.spark.sql.vectorized.ColumnarBatch

/** Grouped functions on Spark 4.2 and 4.3. */
final class GroupedAdapter extends GroupedShim {
  override val cutsGroups: Boolean = true

  override def arrowSchema(
      schema: StructType, sides: Int, timeZone: String, largeVarTypes: Boolean): Schema = {
    schema.foreach(field => refuseEqualNames(field.dataType))
    ArrowUtils.toArrowSchema(schema, timeZone, largeVarTypes)
  }

  /** As Spark does for groups, but for no other functions. */
  private def refuseEqualNames(dataType: DataType): Unit = dataType match {
    case struct: StructType =>
      if (struct.names.distinct.length < struct.length) {
        throw ExecutionErrors.duplicatedFieldNameInArrowStructError(struct.names.toSeq)
      }
      struct.foreach(field => refuseEqualNames(field.dataType))
    case array: ArrayType => refuseEqualNames(array.elementType)
    case map: MapType =>
      refuseEqualNames(map.keyType)
      refuseEqualNames(map.valueType)
    case udt: UserDefinedType[_] => refuseEqualNames(udt.sqlType)
    case _ =>
  }

  override def runner(task: GroupedTask, input: BatchSource): Exchange =
    task.arguments match {
      case Left(offsets) => new GroupedRunner(task, offsets, input)
      case Right(arguments) =>
        val named = arguments.map(_.map(each => ArgumentMetadata(each.offset, each.name)))
        new GroupedNamedRunner(task, named, input)
    }

  override def keys(context: TaskContext, fields: Int): KeyQueue = {
    val queue = HybridRowQueue(context.taskMemoryManager(), fields)
    context.addTaskCompletionListener[Unit](_ => queue.close())
    new KeyQueue {
      override def add(key: UnsafeRow): Unit = queue.add(key)
      override def remove(): UnsafeRow = queue.remove()
    }
  }
}

// The schema that the runners are given has no columns: they would allocate memory for them.

final class GroupedRunner(task: GroupedTask, offsets: Array[Array[Int]], input: BatchSource)
  extends ArrowPythonRunner(
    task.functions, task.evalType, offsets, new StructType(), task.timeZone, task.largeVarTypes,
    task.runnerConf, task.metrics, task.jobArtifact, task.session)
  with Exchange {

  writer = GroupedShim.startedWriter()

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

final class GroupedNamedRunner(
    task: GroupedTask, arguments: Array[Array[ArgumentMetadata]], input: BatchSource)
  extends ArrowPythonWithNamedArgumentRunner(
    task.functions, task.evalType, arguments, new StructType(), task.timeZone, task.largeVarTypes,
    task.runnerConf, task.metrics, task.jobArtifact, task.session)
  with Exchange {

  writer = GroupedShim.startedWriter()

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
