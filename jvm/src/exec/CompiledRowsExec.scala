package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, NamedExpression, SortOrder, UnsafeRow}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{ProjectExec, SparkPlan, UnaryExecNode}
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.sql.hydrofoil.codegen.{RowWriter, VectorRows}
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, RawVector}
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * Rows of a compiled function's batches for who takes them one by one: a writer, an exchange, the
 * driver. Those of its batches that are ours, from a row on that went to Python, are written as
 * rows of other functions are.
 *
 * It is no `ColumnarToRowTransition`, in whose place Spark takes the child where a cache can store
 * columns: the child's are others.
 *
 * @param columns the child's columns, in an order and by names of their own
 */
case class CompiledRowsExec(columns: Seq[NamedExpression], child: SparkPlan)
  extends UnaryExecNode {

  override def output: Seq[Attribute] = columns.map(_.toAttribute)
  override def outputPartitioning: Partitioning = ProjectExec(columns, child).outputPartitioning
  override def outputOrdering: Seq[SortOrder] = ProjectExec(columns, child).outputOrdering

  override lazy val metrics: Map[String, SQLMetric] = Map(
    "numOutputRows" -> SQLMetrics.createMetric(sparkContext, "number of output rows"),
    "numInputBatches" -> SQLMetrics.createMetric(sparkContext, "number of input batches"))

  override protected def doExecute(): RDD[InternalRow] = {
    val ordinals = SelectColumnsExec.ordinals(columns, child.output)
    val types = Columns.storedTypes(output)
    val (rows, inputs) = (longMetric("numOutputRows"), longMetric("numInputBatches"))
    child.executeColumnar().mapPartitionsInternal { batches =>
      val any = VectorRows.of(types)
      batches.flatMap { batch =>
        rows += batch.numRows
        inputs += 1
        batch match {
          case ours: ArrowBatch => new RowsOfOurs(ours, ordinals, types)
          case other => new RowsOfAny(other, ordinals, any)
        }
      }
    }
  }

  override protected def withNewChildInternal(newChild: SparkPlan): CompiledRowsExec =
    copy(child = newChild)
}

object CompiledRowsExec {

  /** Frees a batch, as Spark's generated code does, once none of its rows is left. */
  private[exec] def isLeft(rows: Boolean, batch: ColumnarBatch): Boolean = {
    if (!rows) batch.closeIfFreeable()
    rows
  }
}

private final class RowsOfOurs(batch: ColumnarBatch, ordinals: Array[Int], types: Array[DataType])
  extends Iterator[InternalRow] {

  private[this] val writer = RowWriter.of(types)
  private[this] val current = new UnsafeRow(types.length)
  private[this] val end = batch.numRows
  private[this] var position = 0
  writer.open(ordinals.map(batch.column(_).asInstanceOf[RawVector]))

  override def hasNext: Boolean = CompiledRowsExec.isLeft(position < end, batch)

  override def next(): InternalRow = {
    writer.write(current, position)
    position += 1
    current
  }
}

private final class RowsOfAny(batch: ColumnarBatch, ordinals: Array[Int], rows: VectorRows)
  extends Iterator[InternalRow] {

  rows.open(ordinals.map(batch.column(_)))

  private[this] val end = batch.numRows
  private[this] var position = 0

  override def hasNext: Boolean = CompiledRowsExec.isLeft(position < end, batch)

  override def next(): InternalRow = {
    val row = rows.row(position)
    position += 1
    row
  }
}
