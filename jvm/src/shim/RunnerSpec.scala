package org.apache.spark.sql.hydrofoil.shim

import org.apache.spark.TaskContext
import org.apache.spark.api.python.ChainedPythonFunctions
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.vectorized.ColumnarBatch

/** An argument of a function: the column of the batch that it is in, and its name if it has one. */
final case class Argument(offset: Int, name: Option[String])

object Argument {
  /** The arguments of each function. */
  type Lists = Array[Array[Argument]]
}

/**
 * What every runner of Spark's needs to know of Python functions, whichever the version, but for
 * their arguments.
 *
 * @param schema of the batches that go to the worker; what writes its schema itself needs none
 */
final case class RunnerSpec(
    functions: Seq[(ChainedPythonFunctions, Long)],
    evalType: Int,
    schema: StructType,
    timeZone: String,
    largeVarTypes: Boolean,
    conf: Map[String, String],
    metrics: Map[String, SQLMetric],
    jobArtifact: Option[String],
    session: Option[String],
    profiler: Option[String])

/** Results of a Python function as Spark's runner reads them from the worker, batch by batch. */
trait Exchange {
  def results(context: TaskContext): Iterator[ColumnarBatch]
}
