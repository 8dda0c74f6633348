package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.TaskContext
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Alias, Attribute, SortOrder, UnsafeProjection}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.sql.hydrofoil.build.BatchBuilder
import org.apache.spark.sql.hydrofoil.codegen.WholeUse
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, BatchIterator, TaskBuffers}
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.{ColumnarBatch, ColumnVector}

/**
 * Some columns of the child's batches and values computed of them, in batches that end where the
 * child's do. It stands for a projection, which would lose these ends, where Spark keeps them.
 */
case class ComputeColumnsExec(columns: Seq[Attribute], computed: Seq[Alias], child: SparkPlan)
  extends UnaryExecNode with ArrowBatchesExec {

  override def output: Seq[Attribute] = columns ++ computed.map(_.toAttribute)
  override def outputPartitioning: Partitioning = child.outputPartitioning
  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] = {
    def types(attributes: Seq[Attribute]): Array[DataType] =
      Columns.storedTypes(attributes)
    val ordinals = Columns.ordinals(columns, child.output)
    val copiedTypes = types(columns)
    val madeTypes = types(computed.map(_.toAttribute))
    val (expressions, input) = (computed, child.output)
    val whole = computed.exists(alias => WholeUse.of(alias.child).nonEmpty)
    child.executeColumnar().mapPartitionsWithIndexInternal { (index, batches) =>
      val project = UnsafeProjection.create(expressions, input)
      project.initialize(index)
      // Expressions that use nested values as a whole get Spark's rows, which have no views.
      val asRow: InternalRow => InternalRow =
        if (whole) UnsafeProjection.create(input, input) else identity
      val buffers = TaskBuffers.of(TaskContext.get())
      val copied = new BatchBuilder(copiedTypes, Array.empty, Limits.ofInput, buffers)
      val made = new BatchBuilder(madeTypes, Array.empty, Limits.ofInput, buffers)
      new BatchIterator {
        override protected def advance(): ArrowBatch =
          if (batches.hasNext) compute(batches.next()) else null

        private def compute(batch: ColumnarBatch): ArrowBatch = {
          val vectors: Array[ColumnVector] = ordinals.map(batch.column)
          copied.append(vectors, 0, batch.numRows)
          val rows = batch.rowIterator
          while (rows.hasNext) made.append(project(asRow(rows.next())))
          val count = batch.numRows
          batch.closeIfFreeable()
          val own = copied.finish()
          val all = own ++ (try made.finish() catch {
            case error: Throwable =>
              own.foreach(_.release())
              throw error
          })
          ArrowBatch.whole(all, count, buffers)
        }
      }
    }
  }

  override protected def withNewChildInternal(newChild: SparkPlan): ComputeColumnsExec =
    copy(child = newChild)
}
