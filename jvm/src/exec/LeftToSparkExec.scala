package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.vectorized.ColumnarBatch

/** Says in a plan why the operator below it is Spark's; it does nothing itself. */
case class LeftToSparkExec(reason: String, child: SparkPlan) extends SameRowsExec {

  override def nodeName: String = "LeftToSpark"
  override def simpleString(maxFields: Int): String = s"$nodeName (not Hydrofoil's: $reason)"
  override def verboseStringWithOperatorId(): String =
    s"$formattedNodeName\nNot Hydrofoil's: $reason\n"

  override def supportsColumnar: Boolean = child.supportsColumnar
  override def supportsRowBased: Boolean = child.supportsRowBased
  override def vectorTypes: Option[Seq[String]] = child.vectorTypes

  override protected def doExecute(): RDD[InternalRow] = child.execute()
  override protected def doExecuteColumnar(): RDD[ColumnarBatch] = child.executeColumnar()

  override protected def withNewChildInternal(newChild: SparkPlan): LeftToSparkExec =
    copy(child = newChild)
}
