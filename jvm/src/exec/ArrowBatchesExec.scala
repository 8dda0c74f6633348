package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.hydrofoil.memory.RawVector

/** Operators that yield [[ArrowBatch]]es, and no rows. */
trait ArrowBatchesExec extends SparkPlan {

  override def supportsColumnar: Boolean = true

  override def supportsRowBased: Boolean = false

  override def vectorTypes: Option[Seq[String]] = Some(output.map(_ => classOf[RawVector].getName))

  override protected def doExecute(): RDD[InternalRow] = throw new UnsupportedOperationException(
    s"$nodeName yields record batches, not rows")
}
