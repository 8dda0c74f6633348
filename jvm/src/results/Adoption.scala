package org.apache.spark.sql.hydrofoil.results

import scala.jdk.CollectionConverters._

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.arrow.vector.{
  BaseFixedWidthVector, BaseLargeVariableWidthVector, BaseVariableWidthVector, BitVector,
  DecimalVector, FieldVector, NullVector}
import org.apache.arrow.vector.complex.{ListVector, StructVector}
import org.apache.spark.sql.hydrofoil.build.ColumnBuilder
import org.apache.spark.sql.hydrofoil.memory.{Column, Digits, Layout}
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.ArrowColumnVector

/** A vector of Spark's reader on its way to a column of a type that its values are of. */
final class Adoption private (
    vector: FieldVector,
    dataType: DataType,
    allocator: BufferAllocator) {

  private[this] val layout = Layout.of(dataType)
  private[this] val rows = vector.getValueCount
  private[this] val nulls = vector.getNullCount

  private def column(): Column = (layout, vector) match {
    case (Layout.Empty, _: NullVector) => made(Array.empty)
    case (Layout.Bits, bits: BitVector) => fixed(bits)
    case (Layout.Fixed(width), values: BaseFixedWidthVector) if values.getTypeWidth == width =>
      fixed(values)
    case (Layout.Decimal128 | Layout.MonthDayNano, values: BaseFixedWidthVector)
        if values.getTypeWidth == 16 =>
      fixed(values)
    case (Layout.Variable, values: BaseVariableWidthVector) =>
      val end = if (rows == 0) 0 else values.getOffsetBuffer.getInt(rows.toLong << 2)
      made(Array(validity(), offsets(values.getOffsetBuffer), take(values.getDataBuffer, end)))
    case (Layout.Variable, large: BaseLargeVariableWidthVector) =>
      LargeValues.column(large, dataType, 0, rows, allocator)
    case (Layout.Elements | Layout.Entries, list: ListVector) =>
      val children = elements(list)
      made(Array(validity(), offsets(list.getOffsetBuffer)), children)
    case (Layout.Fields, struct: StructVector) if struct.size == childTypes.length =>
      val children = childTypes.indices.map(i => struct.getChildByOrdinal(i)).toArray
      made(Array(validity()), adopted(children))
    case _ => copied()
  }

  private def childTypes: Array[DataType] = Layout.childTypes(dataType)

  private def made(buffers: Array[ArrowBuf], children: Array[Column] = Array.empty): Column =
    new Column(
      dataType, layout, rows, if (layout eq Layout.Empty) rows else nulls, buffers, children)

  private def fixed(values: BaseFixedWidthVector): Column =
    made(Array(validity(), take(values.getDataBuffer, layout.dataBytes(rows))))

  private def elements(list: ListVector): Array[Column] = list.getDataVector match {
    case entries: StructVector if layout eq Layout.Entries =>
      adopted(Array(entries.getChildByOrdinal(0), entries.getChildByOrdinal(1)))
    case values => adopted(Array(values))
  }

  private def adopted(children: Array[_ <: AnyRef]): Array[Column] =
    Column.all(children.length) { i =>
      new Adoption(children(i).asInstanceOf[FieldVector], childTypes(i), allocator).column()
    }

  private def validity(): ArrowBuf =
    if (nulls == 0) null else take(vector.getValidityBuffer, Layout.bitmapBytes(rows))

  private def offsets(buffer: ArrowBuf): ArrowBuf =
    take(buffer, if (rows == 0) 0 else (rows + 1).toLong << 2)

  private def take(buffer: ArrowBuf, bytes: Long): ArrowBuf =
    Adoption.take(buffer, bytes, allocator)

  /** Value by value, by what Spark reads the vector with. */
  private def copied(): Column =
    ColumnBuilder.copied(new ArrowColumnVector(vector), dataType, rows, allocator)
}

object Adoption {

  /**
   * Takes what a vector of Spark's reader holds over into `allocator`: the reader reuses the
   * vector and closes its own allocator as soon as the stream ends. What lies otherwise than the
   * columns of its type do, as large strings and views do, is copied; so is a vector with a decimal
   * of too many digits, for which Spark's getter raises Spark's error if it is some row's value.
   * Nulls where the type has none are Spark's error, too.
   */
  def adopt(vector: FieldVector, dataType: DataType, allocator: BufferAllocator): Column = {
    NestedNulls.fail(vector, dataType)
    val adoption = new Adoption(vector, dataType, allocator)
    if (fits(vector)) adoption.column() else adoption.copied()
  }

  /** Whether decimals have no more digits than their type, which Arrow does not ask for. */
  private def fits(vector: FieldVector): Boolean = vector match {
    case decimals: DecimalVector =>
      val rows = decimals.getValueCount
      val (data, validity) = (decimals.getDataBuffer, decimals.getValidityBuffer)
      // Buffers that are too short are an error as soon as they are taken.
      data.capacity < (rows.toLong << 4) || validity.capacity < Layout.bitmapBytes(rows) || {
        val digits = new Digits(decimals.getPrecision)
        val first = data.memoryAddress
        var row = 0
        while (row < rows &&
            (digits.fit(null, first + (row.toLong << 4)) || decimals.isNull(row))) row += 1
        row == rows
      }
    case _ =>
      val children = vector.getChildrenFromFields
      children.isEmpty || children.asScala.forall(fits)
  }

  /** The buffer, of which so many bytes are used, from now on the allocator's. */
  def take(buffer: ArrowBuf, bytes: Long, allocator: BufferAllocator): ArrowBuf = {
    // Nothing checks it later.
    if (bytes > buffer.capacity) {
      throw new IndexOutOfBoundsException(
        s"The function returned a buffer of ${buffer.capacity} bytes where its values take $bytes")
    }
    val moved =
      buffer.getReferenceManager.transferOwnership(buffer, allocator).getTransferredBuffer
    moved.writerIndex(bytes)
    moved
  }
}
