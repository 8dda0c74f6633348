package org.apache.spark.sql.hydrofoil

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.arrow.vector.{BaseFixedWidthVector, BaseVariableWidthVector, FieldVector, NullVector}
import org.apache.arrow.vector.complex.{ListVector, StructVector}
import org.apache.spark.sql.types.DataType

/**
 * A column of one record batch in Arrow's layout: `buffers` holds validity (null where no value is
 * null), offsets and data, as far as the type has them; `children` the columns of a nested type.
 * It owns one reference to each buffer.
 */
final class Column(
    val dataType: DataType,
    val layout: Layout,
    val rows: Int,
    val nullCount: Int,
    val buffers: Array[ArrowBuf],
    val children: Array[Column]) {

  private var references = 1

  def retain(): Column = {
    references += 1
    this
  }

  def release(): Unit = {
    references -= 1
    if (references == 0) {
      buffers.foreach(buffer => if (buffer != null) buffer.close())
      children.foreach(_.release())
    }
  }

  /** Bytes of the buffers, whatever they were allocated at. */
  def bytes: Long =
    buffers.iterator.filter(_ != null).map(_.writerIndex).sum + children.iterator.map(_.bytes).sum

  def vector(start: Int): RawVector = new RawVector(this, start)
}

object Column {

  /** So many columns, in order; where one fails, those before it are freed. */
  def all(n: Int)(make: Int => Column): Array[Column] = {
    val columns = new Array[Column](n)
    try {
      columns.indices.foreach(i => columns(i) = make(i))
      columns
    } catch {
      case error: Throwable =>
        columns.foreach(column => if (column != null) column.release())
        throw error
    }
  }

  /**
   * Takes what a vector of Spark's reader holds over into `allocator`: the reader reuses the
   * vector and closes its own allocator as soon as the stream ends.
   */
  def adopt(vector: FieldVector, dataType: DataType, allocator: BufferAllocator): Column = {
    val layout = Layout.of(dataType)
    val rows = vector.getValueCount
    def take(buffer: ArrowBuf, bytes: Long): ArrowBuf = {
      val moved = buffer.getReferenceManager.transferOwnership(buffer, allocator)
        .getTransferredBuffer
      moved.writerIndex(bytes)
      moved
    }
    val nulls = vector.getNullCount
    def validity(buffer: ArrowBuf): ArrowBuf =
      if (nulls == 0) null else take(buffer, Layout.bitmapBytes(rows))

    vector match {
      case _: NullVector => new Column(dataType, layout, rows, rows, Array.empty, Array.empty)
      case fixed: BaseFixedWidthVector =>
        val data = take(fixed.getDataBuffer, layout.dataBytes(rows))
        new Column(
          dataType, layout, rows, nulls, Array(validity(fixed.getValidityBuffer), data), Array.empty)
      case variable: BaseVariableWidthVector =>
        val end = if (rows == 0) 0 else variable.getOffsetBuffer.getInt(rows.toLong << 2)
        val buffers = Array(
          validity(variable.getValidityBuffer),
          take(variable.getOffsetBuffer, if (rows == 0) 0 else (rows + 1).toLong << 2),
          take(variable.getDataBuffer, end))
        new Column(dataType, layout, rows, nulls, buffers, Array.empty)
      case list: ListVector =>
        val types = Layout.childTypes(dataType)
        val data = list.getDataVector
        val elements = list match {
          case _ if types.length == 1 => Array(adopt(data, types(0), allocator))
          case _ =>
            val entries = data.asInstanceOf[StructVector]
            Array(
              adopt(entries.getChildByOrdinal(0).asInstanceOf[FieldVector], types(0), allocator),
              adopt(entries.getChildByOrdinal(1).asInstanceOf[FieldVector], types(1), allocator))
        }
        val offsets =
          take(list.getOffsetBuffer, if (rows == 0) 0 else (rows + 1).toLong << 2)
        new Column(
          dataType, layout, rows, nulls, Array(validity(list.getValidityBuffer), offsets), elements)
      case struct: StructVector =>
        val types = Layout.childTypes(dataType)
        val children = types.indices.map { i =>
          adopt(struct.getChildByOrdinal(i).asInstanceOf[FieldVector], types(i), allocator)
        }.toArray
        new Column(
          dataType, layout, rows, nulls, Array(validity(struct.getValidityBuffer)), children)
    }
  }
}
