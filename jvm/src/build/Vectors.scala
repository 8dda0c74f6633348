package org.apache.spark.sql.hydrofoil.build

import java.lang.reflect.Field

import scala.util.control.NonFatal

import org.apache.arrow.vector.{BaseFixedWidthVector, BaseVariableWidthVector}
import org.apache.spark.internal.Logging
import org.apache.spark.sql.execution.vectorized.{
  OffHeapColumnVector, OnHeapColumnVector, WritableColumnVector}
import org.apache.spark.sql.hydrofoil.memory.RawVector
import org.apache.spark.sql.types.{DataType, DoubleType, FloatType}
import org.apache.spark.sql.vectorized.{ArrowColumnVector, ColumnVector}
import org.apache.spark.unsafe.Platform

/** Strings or binary values that lie in one block: at `base` and `address`, plus their offsets. */
abstract class VariableSource(val base: AnyRef, val address: Long) {
  def offset(row: Int): Int
  def length(row: Int): Int
}

/** Where the elements of arrays, or the entries of maps, lie in vectors of their own. */
abstract class ElementSource {
  def offset(row: Int): Int
  def length(row: Int): Int
  def child(i: Int): ColumnVector
}

/** Where the vectors of Spark's readers and cache keep their values, to copy them in one go. */
object Vectors extends Logging {

  // Spark's vectors on the heap copy on every bulk read; their arrays save that copy.
  private val arrays: Map[String, Field] =
    try {
      val names = Seq(
        "byteData",
        "shortData",
        "intData",
        "longData",
        "floatData",
        "doubleData",
        "nulls",
        "arrayOffsets",
        "arrayLengths")
      names.map { name =>
        val field = classOf[OnHeapColumnVector].getDeclaredField(name)
        field.setAccessible(true)
        name -> field
      }.toMap
    } catch {
      case NonFatal(error) =>
        logWarning(s"Hydrofoil copies column vectors value by value: ${error.getMessage}")
        Map.empty
    }

  private val bytes = arrays.get("byteData").orNull
  private val shorts = arrays.get("shortData").orNull
  private val ints = arrays.get("intData").orNull
  private val longs = arrays.get("longData").orNull
  private val floats = arrays.get("floatData").orNull
  private val doubles = arrays.get("doubleData").orNull
  private val nulls = arrays.get("nulls").orNull
  private val arrayOffsets = arrays.get("arrayOffsets").orNull
  private val arrayLengths = arrays.get("arrayLengths").orNull

  /** A byte for each row of the vector, 1 where it is null or 0; null where there are none. */
  def nullBytes(vector: ColumnVector): Array[Byte] = vector match {
    case heap: OnHeapColumnVector if nulls != null && !heap.isAllNull =>
      nulls.get(heap).asInstanceOf[Array[Byte]]
    case _ => null
  }

  /** Copies `n` values of fixed width to an address; false where the vector offers no block. */
  def copyFixed(
      vector: ColumnVector,
      dataType: DataType,
      from: Int,
      n: Int,
      width: Int,
      to: Long): Boolean = {
    val first = from.toLong * width
    val bytes = n.toLong * width
    vector match {
      case raw: RawVector =>
        val begin = raw.secondAddress + raw.start.toLong * width
        Platform.copyMemory(null, begin + first, null, to, bytes)
        true
      case writable: WritableColumnVector if writable.hasDictionary || writable.isAllNull => false
      case heap: OnHeapColumnVector =>
        val block = heapBlock(heap, width)
        if (block != null) {
          Platform.copyMemory(block, heapBase(heap, width) + first, null, to, bytes)
        }
        block != null
      case native: OffHeapColumnVector if native.valuesNativeAddress != 0L =>
        Platform.copyMemory(null, native.valuesNativeAddress + first, null, to, bytes)
        true
      // A worker may have returned another type than it declared, for which the getters are.
      case arrow: ArrowColumnVector if arrow.dataType == dataType =>
        arrow.getValueVector match {
          case fixed: BaseFixedWidthVector if fixed.getTypeWidth == width =>
            Platform.copyMemory(null, fixed.getDataBufferAddress + first, null, to, bytes)
            true
          case _ => false
        }
      case _ => false
    }
  }

  /** The array in which a vector on the heap has values of a width; null where it has none. */
  private def heapBlock(heap: OnHeapColumnVector, width: Int): AnyRef = {
    val field = width match {
      case 1 => bytes
      case 2 => shorts
      case 4 => if (heap.dataType == FloatType) floats else ints
      case 8 => if (heap.dataType == DoubleType) doubles else longs
    }
    if (field == null) null else field.get(heap)
  }

  /** Where that array's first value is. */
  private def heapBase(heap: OnHeapColumnVector, width: Int): Long = width match {
    case 1 => Platform.BYTE_ARRAY_OFFSET
    case 2 => Platform.SHORT_ARRAY_OFFSET
    case 4 if heap.dataType == FloatType => Platform.FLOAT_ARRAY_OFFSET
    case 4 => Platform.INT_ARRAY_OFFSET
    case 8 if heap.dataType == DoubleType => Platform.DOUBLE_ARRAY_OFFSET
    case 8 => Platform.LONG_ARRAY_OFFSET
  }

  /** The block of a vector of strings or binary values; null where it offers none. */
  def variable(vector: ColumnVector, dataType: DataType): VariableSource = vector match {
    case raw: RawVector =>
      new VariableSource(null, raw.thirdAddress) {
        override def offset(row: Int): Int = raw.offset(row)
        override def length(row: Int): Int = raw.offset(row + 1) - raw.offset(row)
      }
    case writable: WritableColumnVector if !writable.hasDictionary && !writable.isAllNull =>
      writable.arrayData match {
        case heap: OnHeapColumnVector if bytes != null && bytes.get(heap) != null =>
          val base = bytes.get(heap)
          writable match {
            case ends: OnHeapColumnVector if arrayOffsets.get(ends) != null => new HeapSource(
              arrayOffsets.get(ends).asInstanceOf[Array[Int]],
              arrayLengths.get(ends).asInstanceOf[Array[Int]],
              base)
            case _ => new WritableSource(writable, base, Platform.BYTE_ARRAY_OFFSET)
          }
        case native: OffHeapColumnVector if native.valuesNativeAddress != 0L =>
          new WritableSource(writable, null, native.valuesNativeAddress)
        case _ => null
      }
    case arrow: ArrowColumnVector if arrow.dataType == dataType =>
      arrow.getValueVector match {
        case values: BaseVariableWidthVector =>
          val offsets = values.getOffsetBufferAddress
          new VariableSource(null, values.getDataBufferAddress) {
            override def offset(row: Int): Int = Platform.getInt(null, offsets + (row.toLong << 2))
            override def length(row: Int): Int = offset(row + 1) - offset(row)
          }
        case _ => null
      }
    case _ => null
  }

  /** Where a vector of arrays or maps has its elements; null where it doesn't say. */
  def elements(vector: ColumnVector): ElementSource = vector match {
    case raw: RawVector =>
      new ElementSource {
        override def offset(row: Int): Int = raw.offset(row)
        override def length(row: Int): Int = raw.offset(row + 1) - raw.offset(row)
        override def child(i: Int): ColumnVector = raw.getChild(i)
      }
    case writable: WritableColumnVector if !writable.isAllNull =>
      new ElementSource {
        override def offset(row: Int): Int = writable.getArrayOffset(row)
        override def length(row: Int): Int = writable.getArrayLength(row)
        override def child(i: Int): ColumnVector = writable.getChild(i)
      }
    case _ => null
  }

  private final class HeapSource(offsets: Array[Int], lengths: Array[Int], base: AnyRef)
    extends VariableSource(base, Platform.BYTE_ARRAY_OFFSET) {
    override def offset(row: Int): Int = offsets(row)
    override def length(row: Int): Int = lengths(row)
  }

  private final class WritableSource(vector: WritableColumnVector, base: AnyRef, address: Long)
    extends VariableSource(base, address) {
    override def offset(row: Int): Int = vector.getArrayOffset(row)
    override def length(row: Int): Int = vector.getArrayLength(row)
  }
}
