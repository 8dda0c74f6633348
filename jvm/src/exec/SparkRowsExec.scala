package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.SparkPlan

/**
 * Where generated code ends, so that the expressions above get nested values from Spark's rows: a
 * function's arguments that Spark computes from the rows of its operator's child are computed so
 * here.
 */
case class SparkRowsExec(child: SparkPlan) extends SameRowsExec {

  override protected def doExecute(): RDD[InternalRow] = child.execute()

  override protected def withNewChildInternal(newChild: SparkPlan): SparkRowsExec =
    copy(child = newChild)
}
