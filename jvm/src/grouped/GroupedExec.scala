package org.apache.spark.sql.hydrofoil.grouped

import org.apache.spark.api.python.ChainedPythonFunctions
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, UnsafeProjection}
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.sql.hydrofoil.exec.PythonExec
import org.apache.spark.sql.hydrofoil.shim.Argument
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.vectorized.{ArrowColumnVector, ColumnarBatch}

/** What the operators of grouped functions have in common. */
trait GroupedExec extends PythonExec {

  override def producedAttributes: AttributeSet = AttributeSet(output)

  override protected def ownMetrics: Map[String, SQLMetric] =
    Map("groupsSent" -> SQLMetrics.createMetric(sparkContext, "number of groups"))

  /** The task of functions of groups that have data frames of these schemas. */
  protected def groupedTask(
      functions: Seq[(ChainedPythonFunctions, Long)],
      evalType: Int,
      arguments: Either[Array[Array[Int]], Argument.Lists],
      schemas: Seq[StructType],
      inStruct: Boolean): GroupedTask = GroupedTask(
    // Its schema has no columns: Spark's runner would allocate memory for them.
    runnerSpec(functions, evalType, new StructType, conf.arrowUseLargeVarTypes),
    arguments,
    schemas,
    inStruct,
    metrics)
}

private[grouped] object GroupedExec {
  /** The rows of record batches whose one column is a struct of the output's columns. */
  def structRows(
      batches: Iterator[ColumnarBatch], output: Seq[Attribute]): Iterator[InternalRow] = {
    val unsafe = UnsafeProjection.create(output, output)
    batches.flatMap { batch =>
      val struct = batch.column(0).asInstanceOf[ArrowColumnVector]
      val columns = output.indices.map(struct.getChild).toArray
      new Rows(new ColumnarBatch(columns.toArray, batch.numRows()))
    }.map(unsafe)
  }

  /** A batch's rows as a Scala iterator. */
  final class Rows(batch: ColumnarBatch) extends Iterator[InternalRow] {
    private val rows = batch.rowIterator()
    override def hasNext: Boolean = rows.hasNext
    override def next(): InternalRow = rows.next()
  }
}
