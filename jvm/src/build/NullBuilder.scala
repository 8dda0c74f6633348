package org.apache.spark.sql.hydrofoil.build

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters
import org.apache.spark.sql.hydrofoil.memory.{Column, Layout}
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnVector

final class NullBuilder(dataType: DataType, allocator: BufferAllocator)
  extends ColumnBuilder(dataType, Layout.Empty, allocator) {

  private val none = (Array.empty[ArrowBuf], Array.empty[Column])

  override protected def resize(rows: Int): Unit = ()
  override protected def skip(): Unit = ()
  override protected def put(values: SpecializedGetters, ordinal: Int): Unit = ()
  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = ()
  override protected def take(): (Array[ArrowBuf], Array[Column]) = none
  override protected def free(): Unit = ()
  override def sizeAt(rows: Int): Long = 0
  override protected def dropValues(rows: Int): Unit = ()
}
