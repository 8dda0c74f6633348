package org.apache.spark.sql.hydrofoil.memory

import org.apache.spark.sql.types.{
  ArrayType, BinaryType, BooleanType, ByteType, CalendarIntervalType, DataType, DateType,
  DayTimeIntervalType, DecimalType, DoubleType, FloatType, IntegerType, LongType, MapType,
  NoConstraint, NullType, ShortType, StringType, StructType, TimestampNTZType, TimestampType,
  UserDefinedType, YearMonthIntervalType}

/** How Arrow lays a type's values out. */
sealed abstract class Layout {

  /** Bytes of the data buffer of so many rows, for layouts that have one of fixed width. */
  def dataBytes(rows: Int): Long = throw new UnsupportedOperationException(toString)
}

object Layout {

  case object Empty extends Layout

  case object Bits extends Layout {
    override def dataBytes(rows: Int): Long = bitmapBytes(rows)
  }

  final case class Fixed(width: Int) extends Layout {
    override def dataBytes(rows: Int): Long = rows.toLong * width
  }

  /** 16 bytes, little end first, two's complement. */
  case object Decimal128 extends Layout {
    override def dataBytes(rows: Int): Long = rows.toLong << 4
  }

  /** Months (4 bytes), days (4 bytes), nanoseconds (8 bytes). */
  case object MonthDayNano extends Layout {
    override def dataBytes(rows: Int): Long = rows.toLong << 4
  }

  case object Variable extends Layout
  case object Elements extends Layout
  case object Entries extends Layout
  case object Fields extends Layout

  def bitmapBytes(rows: Int): Long = (rows.toLong + 7) >> 3

  /** The type as it is stored: user-defined types by their SQL types, at every depth. */
  def stored(dataType: DataType): DataType = dataType.transformRecursively {
    case udt: UserDefinedType[_] => udt.sqlType
  }

  /** The layout of a stored type; None for types that Hydrofoil leaves to Spark. */
  def find(dataType: DataType): Option[Layout] = dataType match {
    case NullType => Some(Empty)
    case BooleanType => Some(Bits)
    case ByteType => Some(Fixed(1))
    case ShortType => Some(Fixed(2))
    case IntegerType | FloatType | DateType | _: YearMonthIntervalType => Some(Fixed(4))
    case LongType | DoubleType | TimestampType | TimestampNTZType | _: DayTimeIntervalType =>
      Some(Fixed(8))
    case _: DecimalType => Some(Decimal128)
    case CalendarIntervalType => Some(MonthDayNano)
    case BinaryType => Some(Variable)
    // Not CHAR, VARCHAR or another collation. Spark Connect's own are no singletons, and of a name
    // that mentions their collation.
    case string: StringType if string.isUTF8BinaryCollation && string.constraint == NoConstraint =>
      Some(Variable)
    case time if isTime(time) => Some(Fixed(8))
    case ArrayType(element, _) => find(element).map(_ => Elements)
    case MapType(key, value, _) => find(key).flatMap(_ => find(value)).map(_ => Entries)
    case StructType(fields) if fields.forall(f => find(f.dataType).isDefined) => Some(Fields)
    case _ => None
  }

  /** Whether it is TIME, which is known by its name because Spark 4.0 lacks its class. */
  def isTime(dataType: DataType): Boolean = dataType.typeName.startsWith("time(")

  def of(dataType: DataType): Layout =
    find(dataType).getOrElse(throw new IllegalStateException(s"no layout for $dataType"))

  /** The stored types of a nested type's columns: an element, key and value, or the fields. */
  def childTypes(dataType: DataType): Array[DataType] = dataType match {
    case ArrayType(element, _) => Array(element)
    case MapType(key, value, _) => Array(key, value)
    case StructType(fields) => fields.map(_.dataType)
    case _ => Array.empty
  }
}
