package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.TaskContext
import org.apache.spark.api.python.ChainedPythonFunctions
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, PythonUDF}
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.execution.python.{BatchEvalPythonEvaluatorFactory, BatchEvalPythonExec}
import org.apache.spark.sql.execution.python.EvalPythonExec.ArgumentMetadata
import org.apache.spark.sql.hydrofoil.compiled.PickledRows
import org.apache.spark.sql.hydrofoil.shim.Shim
import org.apache.spark.sql.types.StructType

/** Calls a function by what Spark's own operator for pickled rows runs in its tasks. */
private[exec] final class PickledCalls(
    evaluator: BatchEvalPythonEvaluatorFactory,
    functions: Seq[(ChainedPythonFunctions, Long)],
    arguments: Array[Array[ArgumentMetadata]],
    schema: StructType)
  extends PickledRows {

  override def results(rows: Iterator[InternalRow], context: TaskContext): Iterator[InternalRow] =
    evaluator.evaluate(functions, arguments, rows, schema, context)
}

private[exec] object PickledCalls {

  def of(
      udf: PythonUDF, result: Attribute, child: SparkPlan, arguments: Arguments): PickledCalls = {
    val operator = BatchEvalPythonExec(Seq(udf), Seq(result), child)
    // Its class differs in what it is made of from version to version.
    val evaluator = classOf[BatchEvalPythonExec].getMethod("evaluatorFactory").invoke(operator)
    new PickledCalls(
      evaluator.asInstanceOf[BatchEvalPythonEvaluatorFactory],
      arguments.functions,
      arguments.metadata.map(_.map { argument =>
        Shim.get.argument(argument).asInstanceOf[ArgumentMetadata]
      }),
      arguments.schema)
  }
}
