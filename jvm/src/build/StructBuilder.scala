package org.apache.spark.sql.hydrofoil.build

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters
import org.apache.spark.sql.hydrofoil.memory.{Column, Layout}
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnVector

final class StructBuilder(
    dataType: DataType,
    fields: Array[ColumnBuilder],
    allocator: BufferAllocator)
  extends ColumnBuilder(dataType, Layout.Fields, allocator) {

  override protected def resize(rows: Int): Unit = ()

  override protected def skip(): Unit = fields.foreach(_.putNull())

  def putStruct(values: SpecializedGetters): Unit = {
    reserve(count + 1)
    write(values)
    count += 1
  }

  private def write(values: SpecializedGetters): Unit = {
    var i = 0
    while (i < fields.length) {
      fields(i).append(values, i)
      i += 1
    }
  }

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit =
    putStruct(values.getStruct(ordinal, fields.length))

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    if (vector.hasNull) {
      var i = 0
      while (i < n) {
        if (isNull(count + i)) skip() else write(vector.getStruct(from + i))
        i += 1
      }
    } else {
      var i = 0
      while (i < fields.length) {
        fields(i).appendRange(vector.getChild(i), from, n)
        i += 1
      }
    }
  }

  override protected def take(): (Array[ArrowBuf], Array[Column]) =
    (Array.empty, fields.map(_.finish()))

  override protected def free(): Unit = fields.foreach(_.release())

  override def sizeAt(rows: Int): Long = {
    var bytes = Layout.bitmapBytes(rows)
    var i = 0
    while (i < fields.length) {
      bytes += fields(i).sizeAt(rows)
      i += 1
    }
    bytes
  }

  override protected def dropValues(rows: Int): Unit = fields.foreach(_.truncate(rows))
}
