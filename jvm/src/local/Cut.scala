package org.apache.spark.sql.hydrofoil.local

import java.io.ByteArrayOutputStream

import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.types.DataType
import org.apache.spark.unsafe.Platform

/**
 * Copies rows of columns out of a body of bytes. Each column begins at a row that bits begin a byte
 * with, so that whole bytes are copied, whatever they are.
 */
private final class Cut(bytes: Array[Byte], begin: Int) {

  private val out = new ByteArrayOutputStream(4096)

  def written: Array[Byte] = out.toByteArray

  /** @param from a multiple of 8 */
  def column(column: ColumnBytes, dataType: DataType, from: Int, until: Int): ColumnBytes = {
    val types = Layout.childTypes(dataType)
    val rows = until - from
    val copied = new Copied(column, rows)
    val layout = Layout.of(dataType)
    val nulls =
      if (layout eq Layout.Empty) rows else if (column.nulls == 0) 0 else copied.nullsOf(from)
    if (nulls > 0 && !(layout eq Layout.Empty)) {
      copied.copy(0, from >> 3, Layout.bitmapBytes(rows).toInt)
    }
    layout match {
      case Layout.Empty => copied.made(nulls, Array.empty)
      case Layout.Variable =>
        val (first, last) = copied.offsets(from, until, 1)
        copied.copy(2, first, last - first)
        copied.made(nulls, Array.empty)
      case Layout.Elements | Layout.Entries =>
        val (first, last) = copied.offsets(from, until, 8)
        copied.made(nulls, column.children.zip(types).map { case (child, childType) =>
          this.column(child, childType, first, last)
        })
      case Layout.Fields =>
        copied.made(nulls, column.children.zip(types).map { case (child, childType) =>
          this.column(child, childType, from, until)
        })
      case _ =>
        copied.copy(1, layout.dataBytes(from).toInt, layout.dataBytes(rows).toInt)
        copied.made(nulls, Array.empty)
    }
  }

  /** The buffers of one column, as far as they are copied. */
  private final class Copied(column: ColumnBytes, rows: Int) {
    private val from = column.from.map(_ => -1)
    private val sizes = new Array[Int](from.length)

    def made(nulls: Int, children: Array[ColumnBytes]): ColumnBytes =
      new ColumnBytes(rows, nulls, from, sizes, children)

    def copy(i: Int, at: Int, size: Int): Unit = write(i, bytes, begin + column.from(i) + at, size)

    private def write(i: Int, source: Array[Byte], at: Int, size: Int): Unit = {
      from(i) = out.size
      sizes(i) = size
      out.write(source, at, size)
      while ((out.size & 7) != 0) out.write(0)
    }

    def nullsOf(first: Int): Int = {
      val bitmap = begin + column.from(0)
      var nulls = 0
      var row = first
      while (row < first + rows) {
        if ((bytes(bitmap + (row >> 3)) >> (row & 7) & 1) == 0) nulls += 1
        row += 1
      }
      nulls
    }

    /** Writes the offsets; where the values that they are of begin, a multiple, and where end. */
    def offsets(first: Int, until: Int, multiple: Int): (Int, Int) = {
      val old = Platform.BYTE_ARRAY_OFFSET + begin + column.from(1).toLong
      def at(row: Int): Int = Platform.getInt(bytes, old + (row.toLong << 2))
      val zero = at(first) / multiple * multiple
      val moved = new Array[Byte](rows + 1 << 2)
      var i = 0
      while (i <= rows) {
        Platform.putInt(moved, Platform.BYTE_ARRAY_OFFSET + (i.toLong << 2), at(first + i) - zero)
        i += 1
      }
      write(1, moved, 0, moved.length)
      (zero, at(until))
    }
  }
}

private object Cut {

  /** The rows of a batch from one on and before another, in an array of their own. */
  def rows(batch: LocalBatch, from: Int, until: Int, types: Array[DataType]): LocalBatch = {
    val first = batch.start + from
    val cut = new Cut(batch.bytes, batch.begin)
    val columns = batch.columns.zip(types).map { case (column, dataType) =>
      cut.column(column, dataType, first & ~7, batch.start + until)
    }
    new LocalBatch(cut.written, 0, first & 7, until - from, columns)
  }
}
