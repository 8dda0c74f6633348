package org.apache.spark.sql.hydrofoil.memory

import org.apache.arrow.memory.ArrowBuf
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
}
