package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.TaskContext
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * What the evaluation of a compiled function does in a task.
 *
 * @param arguments the child's columns that the function reads, and that go to Python
 * @param passThrough the child's columns that its results are joined to
 * @param limits of the batches that go to Python
 * @param reasons the metrics of the guards' reasons, in their order
 */
final class GuardedTask(
    function: CompiledFunction,
    python: PythonHalf,
    arguments: Array[Int],
    passThrough: Array[Int],
    childTypes: Array[DataType],
    resultType: DataType,
    limits: Limits,
    passThroughMemory: Long,
    metrics: Map[String, SQLMetric],
    reasons: Array[SQLMetric])
  extends Serializable {

  def run(input: Iterator[ColumnarBatch], context: TaskContext): Iterator[ColumnarBatch] =
    new GuardedBatches(input, new GuardedTask.Setting(
      function.open(), python, arguments, passThrough, childTypes, resultType, limits,
      passThroughMemory, metrics, reasons, context))
}

private[compiled] object GuardedTask {

  /** What the parts of a task share. */
  final class Setting(
      val loop: CompiledLoop,
      val python: PythonHalf,
      val arguments: Array[Int],
      val passThrough: Array[Int],
      val childTypes: Array[DataType],
      val resultType: DataType,
      val limits: Limits,
      val passThroughMemory: Long,
      val metrics: Map[String, SQLMetric],
      val reasons: Array[SQLMetric],
      val context: TaskContext)
}
