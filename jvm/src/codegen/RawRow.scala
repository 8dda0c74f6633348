package org.apache.spark.sql.hydrofoil.codegen

import org.apache.spark.sql.catalyst.expressions.GenericInternalRow
import org.apache.spark.sql.hydrofoil.memory.RawVector
import org.apache.spark.sql.types.Decimal
import org.apache.spark.sql.vectorized.{ColumnarArray, ColumnarMap, ColumnarRow}
import org.apache.spark.unsafe.types.{CalendarInterval, UTF8String}

/**
 * A row of vectors of one final class, for generated code to read without a virtual call. It has no
 * values of its own, and its getters are those that Spark's projections call.
 */
private[hydrofoil] final class RawRow extends GenericInternalRow(0) {

  var vectors: Array[RawVector] = _
  var row = 0

  override def numFields: Int = vectors.length
  override def isNullAt(i: Int): Boolean = vectors(i).isNullAt(row)
  override def getBoolean(i: Int): Boolean = vectors(i).getBoolean(row)
  override def getByte(i: Int): Byte = vectors(i).getByte(row)
  override def getShort(i: Int): Short = vectors(i).getShort(row)
  override def getInt(i: Int): Int = vectors(i).getInt(row)
  override def getLong(i: Int): Long = vectors(i).getLong(row)
  override def getFloat(i: Int): Float = vectors(i).getFloat(row)
  override def getDouble(i: Int): Double = vectors(i).getDouble(row)
  override def getDecimal(i: Int, precision: Int, scale: Int): Decimal =
    vectors(i).getDecimal(row, precision, scale)
  override def getUTF8String(i: Int): UTF8String = vectors(i).getUTF8String(row)
  override def getBinary(i: Int): Array[Byte] = vectors(i).getBinary(row)
  override def getInterval(i: Int): CalendarInterval = vectors(i).getInterval(row)
  override def getStruct(i: Int, fields: Int): ColumnarRow = vectors(i).getStruct(row)
  override def getArray(i: Int): ColumnarArray = vectors(i).getArray(row)
  override def getMap(i: Int): ColumnarMap = vectors(i).getMap(row)
}
