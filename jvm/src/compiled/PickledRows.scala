package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.InternalRow

/** Calls one Python function for rows that Spark pickles itself. */
trait PickledRows extends Serializable {

  /** A row of one result for each row of arguments, of which each lasts until the next. */
  def results(arguments: Iterator[InternalRow], context: TaskContext): Iterator[InternalRow]
}
