package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.sql.vectorized.ColumnVector

/** A function over the rows of columns, which generated code implements. */
abstract class CompiledLoop {

  /**
   * Writes the function's results for the first `rows` rows of its arguments.
   *
   * @param out a `TextVector` for text, otherwise one of Spark's on the heap
   * @param trips gets the reason of each row that goes to Python, which has no result then
   * @return how many these are
   */
  def run(columns: Array[ColumnVector], rows: Int, out: ColumnVector, trips: Array[Byte]): Int
}
