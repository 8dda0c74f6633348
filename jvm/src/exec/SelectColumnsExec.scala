package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.TaskContext
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.expressions.{Alias, Attribute, NamedExpression, SortOrder}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{ProjectExec, SparkPlan, UnaryExecNode}
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, BatchIterator, TaskBuffers}
import org.apache.spark.sql.vectorized.ColumnarBatch

/** A projection that computes nothing: columns are left out, put in another order and named. */
case class SelectColumnsExec(columns: Seq[NamedExpression], child: SparkPlan)
  extends UnaryExecNode with ArrowBatchesExec {

  override def output: Seq[Attribute] = columns.map(_.toAttribute)
  override def outputPartitioning: Partitioning = ProjectExec(columns, child).outputPartitioning
  override def outputOrdering: Seq[SortOrder] = ProjectExec(columns, child).outputOrdering

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] = {
    val ordinals = SelectColumnsExec.ordinals(columns, child.output)
    child.executeColumnar().mapPartitionsInternal { batches =>
      val buffers = TaskBuffers.of(TaskContext.get())
      new BatchIterator {
        override protected def advance(): ArrowBatch =
          if (batches.hasNext) batches.next().asInstanceOf[ArrowBatch].select(ordinals, buffers)
          else null
      }
    }
  }

  override protected def withNewChildInternal(newChild: SparkPlan): SelectColumnsExec =
    copy(child = newChild)
}

object SelectColumnsExec {

  def takes(columns: Seq[NamedExpression]): Boolean = columns.forall(column(_).isDefined)

  /** Where the columns, which are taken, are in an input. */
  def ordinals(columns: Seq[NamedExpression], input: Seq[Attribute]): Array[Int] =
    Columns.ordinals(columns.map(column(_).get), input)

  private def column(expression: NamedExpression): Option[Attribute] = expression match {
    case attribute: Attribute => Some(attribute)
    case Alias(attribute: Attribute, _) => Some(attribute)
    case _ => None
  }
}
