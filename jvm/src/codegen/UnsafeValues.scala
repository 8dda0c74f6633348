package org.apache.spark.sql.hydrofoil.codegen

import org.apache.spark.sql.catalyst.expressions.{
  UnsafeArrayData, UnsafeMapData, UnsafeProjection, UnsafeRow}
import org.apache.spark.sql.hydrofoil.memory.{Layout, RawVector}
import org.apache.spark.sql.types.{ArrayType, DataType, MapType, StructType}

/**
 * A column's structs, arrays or maps as they are in Spark's rows: of the classes that can be
 * compared, hashed, printed and copied, and that Spark's operators hand to one another. As there, a
 * value is written over by the next row's.
 */
final class UnsafeValues(dataType: DataType) {

  private[this] val toUnsafe = UnsafeProjection.create(Array(dataType))
  private[this] val fields = dataType match {
    case struct: StructType => struct.length
    case _ => 0
  }
  private[this] val view = new RawRow

  /** The next values are this vector's. */
  def open(vector: RawVector): Unit = view.vectors = Array(vector)

  private def at(row: Int): UnsafeRow = {
    view.row = row
    toUnsafe(view)
  }

  // Rows that are null are not asked for.
  def struct(row: Int): UnsafeRow = at(row).getStruct(0, fields)
  def array(row: Int): UnsafeArrayData = at(row).getArray(0)
  def map(row: Int): UnsafeMapData = at(row).getMap(0)
}

object UnsafeValues {

  /** The Java expression for the value of a row. */
  def read(values: String, dataType: DataType, row: String): String = dataType match {
    case _: ArrayType => s"$values.array($row)"
    case _: MapType => s"$values.map($row)"
    case _ => s"$values.struct($row)"
  }

  /** Whether a column has values of columns of its own. */
  def isNested(dataType: DataType): Boolean =
    Layout.childTypes(Layout.stored(dataType)).nonEmpty
}
