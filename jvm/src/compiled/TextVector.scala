package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.sql.types.{DataType, Decimal, StringType}
import org.apache.spark.sql.vectorized.{ColumnarArray, ColumnarMap, ColumnVector}
import org.apache.spark.unsafe.types.UTF8String

/** Results that are text, which stay where they are: in constants, in arguments or on their own. */
final class TextVector(capacity: Int) extends ColumnVector(StringType) {

  private[this] val values = new Array[PyStr](capacity)

  def put(row: Int, value: PyStr): Unit = values(row) = value
  def get(row: Int): PyStr = values(row)
  def putNull(row: Int): Unit = values(row) = null

  override def isNullAt(row: Int): Boolean = values(row) == null
  override def getUTF8String(row: Int): UTF8String = {
    val value = values(row)
    if (value == null) null else value.utf8
  }
  override def getBinary(row: Int): Array[Byte] = values(row).getBytes

  override def hasNull: Boolean = true
  override def numNulls: Int = values.count(_ == null)
  override def close(): Unit = ()

  private def no(dataType: String): Nothing =
    throw new UnsupportedOperationException(s"text is no $dataType")

  override def getBoolean(row: Int): Boolean = no("boolean")
  override def getByte(row: Int): Byte = no("tinyint")
  override def getShort(row: Int): Short = no("smallint")
  override def getInt(row: Int): Int = no("int")
  override def getLong(row: Int): Long = no("bigint")
  override def getFloat(row: Int): Float = no("float")
  override def getDouble(row: Int): Double = no("double")
  override def getArray(row: Int): ColumnarArray = no("array")
  override def getMap(row: Int): ColumnarMap = no("map")
  override def getDecimal(row: Int, precision: Int, scale: Int): Decimal = no("decimal")
  override def getChild(ordinal: Int): ColumnVector = no("struct")
}

object TextVector {
  def holds(dataType: DataType): Boolean = dataType.isInstanceOf[StringType]
}
