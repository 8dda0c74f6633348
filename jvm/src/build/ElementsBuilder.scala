package org.apache.spark.sql.hydrofoil.build

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters
import org.apache.spark.sql.catalyst.util.{ArrayData, MapData}
import org.apache.spark.sql.hydrofoil.memory.{Column, Layout}
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ColumnVector
import org.apache.spark.unsafe.Platform

/**
 * A builder whose rows are several elements each, which columns of their own hold.
 *
 * @param columns the elements' one column, or those of keys and values
 */
abstract class ElementsBuilder(
    dataType: DataType,
    layout: Layout,
    columns: Array[ColumnBuilder],
    allocator: BufferAllocator)
  extends OffsetBuilder(dataType, layout, allocator) {

  private[this] val first = columns(0)

  override protected def end: Int = first.rows

  /** Appends the elements of a vector's row, which is not null. */
  protected def write(vector: ColumnVector, row: Int): Unit

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    val source = Vectors.elements(vector)
    if (source != null) {
      putElements(source, from, n)
    } else {
      var i = 0
      while (i < n) {
        if (!isNull(count + i)) write(vector, from + i)
        endRow(count + i)
        i += 1
      }
    }
  }

  /** Appends rows from where their elements lie, those that follow one another at once. */
  private def putElements(source: ElementSource, from: Int, n: Int): Unit = {
    val vectors = columns.indices.map(source.child).toArray
    var begin = 0
    var length = 0
    def flush(): Unit = if (length > 0) {
      var c = 0
      while (c < columns.length) {
        columns(c).appendRange(vectors(c), begin, length)
        c += 1
      }
      length = 0
    }
    var at = end
    var i = 0
    while (i < n) {
      if (!isNull(count + i)) {
        val more = source.length(from + i)
        if (source.offset(from + i) != begin + length) {
          flush()
          begin = source.offset(from + i)
        }
        length += more
        at += more
      }
      Platform.putInt(null, offsets + ((count + i + 1).toLong << 2), at)
      i += 1
    }
    flush()
  }

  override protected def take(): (Array[ArrowBuf], Array[Column]) =
    (Array(takeOffsets()), columns.map(_.finish()))

  override protected def free(): Unit = {
    super.free()
    columns.foreach(_.release())
  }

  override def sizeAt(rows: Int): Long = if (rows == 0) {
    0
  } else {
    val elements = offset(rows)
    var bytes = offsetsSize(rows)
    var i = 0
    while (i < columns.length) {
      bytes += columns(i).sizeAt(elements)
      i += 1
    }
    bytes
  }

  override protected def dropValues(rows: Int): Unit = {
    val elements = offset(rows)
    columns.foreach(_.truncate(elements))
  }
}

final class ListBuilder(dataType: DataType, element: ColumnBuilder, allocator: BufferAllocator)
  extends ElementsBuilder(dataType, Layout.Elements, Array(element), allocator) {

  def putArray(value: ArrayData): Unit = {
    reserve(count + 1)
    element.appendElements(value)
    endRow(count)
    count += 1
  }

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit =
    putArray(values.getArray(ordinal))

  override protected def write(vector: ColumnVector, row: Int): Unit =
    element.appendElements(vector.getArray(row))
}

final class MapBuilder(
    dataType: DataType,
    key: ColumnBuilder,
    value: ColumnBuilder,
    allocator: BufferAllocator)
  extends ElementsBuilder(dataType, Layout.Entries, Array(key, value), allocator) {

  def putMap(map: MapData): Unit = {
    reserve(count + 1)
    write(map)
    endRow(count)
    count += 1
  }

  private def write(map: MapData): Unit = {
    key.appendElements(map.keyArray())
    value.appendElements(map.valueArray())
  }

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit =
    putMap(values.getMap(ordinal))

  override protected def write(vector: ColumnVector, row: Int): Unit = write(vector.getMap(row))

  /** With the validity of the entries, which has no column. */
  override def sizeAt(rows: Int): Long =
    super.sizeAt(rows) + (if (rows == 0) 0 else Layout.bitmapBytes(offset(rows)))
}
