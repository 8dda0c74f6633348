package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector
import org.apache.spark.sql.vectorized.ColumnVector
import org.apache.spark.unsafe.Platform
import org.apache.spark.unsafe.types.UTF8String

/** A function over the rows of columns, which generated code implements. */
abstract class CompiledLoop {

  /**
   * Writes the function's results for the first `rows` rows of its arguments.
   *
   * @param trips gets the reason of each row that goes to Python, which has no result then
   * @return how many these are
   */
  def run(columns: Array[ColumnVector], rows: Int, out: OnHeapColumnVector, trips: Array[Byte]): Int
}

object CompiledLoop {

  /** Appends a text to the bytes of the vector. */
  def put(out: OnHeapColumnVector, row: Int, value: UTF8String): Unit = value.getBaseObject match {
    case bytes: Array[Byte] =>
      val from = (value.getBaseOffset - Platform.BYTE_ARRAY_OFFSET).toInt
      out.putByteArray(row, bytes, from, value.numBytes)
    case _ =>
      val bytes = value.getBytes
      out.putByteArray(row, bytes, 0, bytes.length)
  }
}
