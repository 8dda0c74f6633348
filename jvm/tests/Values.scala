package org.apache.spark.sql.hydrofoil.tests

import java.math.BigDecimal

import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.sql.Row
import org.apache.spark.sql.catalyst.{CatalystTypeConverters, InternalRow}
import org.apache.spark.sql.catalyst.expressions.{UnsafeProjection, UnsafeRow}
import org.apache.spark.sql.execution.vectorized.{
  OffHeapColumnVector, OnHeapColumnVector, WritableColumnVector}
import org.apache.spark.sql.hydrofoil.build.ColumnBuilder
import org.apache.spark.sql.hydrofoil.codegen.RawRow
import org.apache.spark.sql.hydrofoil.memory.Column
import org.apache.spark.sql.types._
import org.apache.spark.unsafe.types.{CalendarInterval, UTF8String}

/** Values of each type to build columns of, and ways to put them into what columns are built of. */
object Values {

  private def decimals(values: String*): Seq[Any] =
    values.map(text => if (text == null) null else new BigDecimal(text))

  val flat: Seq[(DataType, Seq[Any])] = Seq(
    NullType -> Seq(null, null, null),
    BooleanType -> Seq(true, null, false, true, true, false, true, false, null, true),
    ByteType -> Seq[Any](Byte.MinValue, null, 0.toByte, Byte.MaxValue),
    ShortType -> Seq[Any](Short.MinValue, -1.toShort, null, Short.MaxValue),
    IntegerType -> Seq(null, Int.MinValue, 7, Int.MaxValue),
    LongType -> Seq(Long.MinValue, 0L, Long.MaxValue, null),
    FloatType -> Seq(Float.MinPositiveValue, null, Float.NaN, -0.0f),
    DoubleType -> Seq(Double.NegativeInfinity, 1e300, null, Double.NaN),
    DecimalType(10, 2) -> decimals("-0.01", null, "99999999.99", "-99999999.99", "0.00"),
    DecimalType(38, 4) -> decimals("-1.0000", "9" * 34 + ".9999", null, "-" + "9" * 34 + ".9999"),
    CalendarIntervalType ->
      Seq(new CalendarInterval(1, -2, 3), null, new CalendarInterval(0, 0, -1)),
    StringType -> Seq("", "a", null, "äöü€", "x" * 100, null, "end"),
    BinaryType -> Seq(Array[Byte](), null, Array[Byte](0, -1, 2), Array.fill[Byte](70)(9)))

  private val point = StructType.fromDDL("x INT, name STRING, at DECIMAL(20, 3)")

  val nested: Seq[(DataType, Seq[Any])] = Seq(
    ArrayType(IntegerType) -> Seq(Seq[Any](1, null, 3), null, Seq(), Seq(4)),
    ArrayType(ArrayType(StringType)) -> Seq(Seq(Seq("a"), null, Seq("b", null)), Seq(), null),
    MapType(StringType, LongType) ->
      Seq(Map[String, Any]("a" -> 1L, "b" -> null), null, Map(), Map("" -> 2L)),
    point -> Seq(
      Row(1, "one", new BigDecimal("1.000")),
      null,
      Row(null, null, null)))

  val all: Seq[(DataType, Seq[Any])] = flat ++ nested

  /** Rows of one column. */
  def rows(dataType: DataType, values: Seq[Any]): Seq[UnsafeRow] = {
    val convert = CatalystTypeConverters.createToCatalystConverter(dataType)
    val project = UnsafeProjection.create(Array(dataType))
    values.map(value => project(InternalRow(convert(value))).copy())
  }

  /** A row of several columns. */
  def row(types: Array[DataType], values: Seq[Any]): UnsafeRow = {
    val converted = types.zip(values).map { case (dataType, value) =>
      CatalystTypeConverters.createToCatalystConverter(dataType)(value)
    }
    UnsafeProjection.create(types)(InternalRow.fromSeq(converted.toSeq))
  }

  /** What a column's rows are, from some row on. */
  def of(column: Column, start: Int = 0): Seq[Any] = {
    val view = new RawRow
    view.vectors = Array(column.vector(start))
    of(column.dataType, Iterator.range(0, column.rows - start).map { row =>
      view.row = row
      view
    })
  }

  /** What rows of one column hold. */
  def of(dataType: DataType, rows: Iterator[InternalRow]): Seq[Any] = {
    val schema = StructType(Seq(StructField("value", dataType)))
    val convert = CatalystTypeConverters.createToScalaConverter(schema)
    val project = UnsafeProjection.create(schema)
    rows.map(row => convert(project(row)).asInstanceOf[Row].get(0)).toSeq
  }

  /** A column of values, by way of rows. */
  def column(dataType: DataType, values: Seq[Any], allocator: BufferAllocator): Column = {
    val builder = ColumnBuilder.of(dataType, allocator)
    rows(dataType, values).foreach(builder.append(_, 0))
    builder.finish()
  }

  /** A vector of a flat type as Spark's readers make it. */
  def vector(dataType: DataType, values: Seq[Any], offHeap: Boolean): WritableColumnVector = {
    val made: WritableColumnVector =
      if (offHeap) new OffHeapColumnVector(values.length, dataType)
      else new OnHeapColumnVector(values.length, dataType)
    rows(dataType, values).zipWithIndex.foreach { case (row, i) => put(made, dataType, row, i) }
    made
  }

  private def put(to: WritableColumnVector, dataType: DataType, row: InternalRow, i: Int): Unit =
    if (row.isNullAt(0)) to.putNull(i)
    else
      dataType match {
        case BooleanType => to.putBoolean(i, row.getBoolean(0))
        case ByteType => to.putByte(i, row.getByte(0))
        case ShortType => to.putShort(i, row.getShort(0))
        case IntegerType => to.putInt(i, row.getInt(0))
        case LongType => to.putLong(i, row.getLong(0))
        case FloatType => to.putFloat(i, row.getFloat(0))
        case DoubleType => to.putDouble(i, row.getDouble(0))
        case decimal: DecimalType =>
          val value = row.getDecimal(0, decimal.precision, decimal.scale)
          to.putDecimal(i, value, decimal.precision)
        case CalendarIntervalType => to.putInterval(i, row.getInterval(0))
        case StringType => putBytes(to, i, row.getUTF8String(0))
        case BinaryType => to.putByteArray(i, row.getBinary(0))
        case other => throw new IllegalArgumentException(other.toString)
      }

  private def putBytes(to: WritableColumnVector, i: Int, text: UTF8String): Unit =
    to.putByteArray(i, text.getBytes)
}
