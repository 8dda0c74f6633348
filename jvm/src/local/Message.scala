package org.apache.spark.sql.hydrofoil.local

import java.nio.{ByteBuffer, ByteOrder}

import scala.util.control.{NonFatal, NoStackTrace}

import org.apache.arrow.flatbuf.{Message => ArrowMessage, MessageHeader, RecordBatch}
import org.apache.spark.sql.hydrofoil.memory.{Digits, Layout}
import org.apache.spark.sql.types.{ArrayType, DataType, DecimalType, MapType, StructType}
import org.apache.spark.unsafe.Platform

/** Reads where in the message of a record batch the columns of some types are. */
private final class Message(batch: RecordBatch, bytes: Array[Byte], body: Int) {

  private var node = 0
  private var buffer = 0

  def columns(schema: StructType): Array[ColumnBytes] = {
    val rows = batch.length.toInt
    val columns = schema.fields.map(field => column(field.dataType, field.nullable, rows, rows))
    Message.check(node == batch.nodesLength && buffer == batch.buffersLength)
    columns
  }

  private def column(dataType: DataType, nullable: Boolean, least: Int, most: Int): ColumnBytes = {
    Message.check(node < batch.nodesLength)
    val described = batch.nodes(node)
    node += 1
    val layout = Layout.of(dataType)
    val empty = layout eq Layout.Empty
    Message.check(described.length >= least && described.length <= most)
    val rows = described.length.toInt
    val nulls = if (empty) rows else Math.toIntExact(described.nullCount)
    // Who reads a value that can't be null does not ask whether it is.
    Message.check(nullable || nulls == 0)
    val found = new Found(rows)
    if (!empty) found.buffer(if (nulls == 0) 0 else Layout.bitmapBytes(rows), wanted = nulls > 0)
    val children = layout match {
      case Layout.Empty => Array.empty[ColumnBytes]
      case Layout.Variable =>
        val last = found.offsets()
        found.buffer(last, wanted = true)
        Array.empty[ColumnBytes]
      case Layout.Elements =>
        val array = dataType.asInstanceOf[ArrayType]
        Array(column(array.elementType, array.containsNull, found.offsets(), Int.MaxValue))
      case Layout.Entries =>
        val map = dataType.asInstanceOf[MapType]
        val entries = this.entries(found.offsets())
        Array(
          column(map.keyType, nullable = false, entries, entries),
          column(map.valueType, map.valueContainsNull, entries, entries))
      case Layout.Fields =>
        dataType.asInstanceOf[StructType].fields.map { field =>
          column(field.dataType, field.nullable, rows, rows)
        }
      case fixed =>
        found.buffer(fixed.dataBytes(rows), wanted = true)
        dataType match {
          case decimal: DecimalType => found.decimals(decimal.precision)
          case _ => ()
        }
        Array.empty[ColumnBytes]
    }
    new ColumnBytes(rows, nulls, found.from.toArray, found.sizes.toArray, children)
  }

  /** The struct of a map's keys and values, which is not null anywhere. */
  private def entries(least: Int): Int = {
    Message.check(node < batch.nodesLength && batch.nodes(node).nullCount == 0)
    val rows = batch.nodes(node).length
    Message.check(rows >= least && rows <= Int.MaxValue)
    node += 1
    buffer += 1
    rows.toInt
  }

  /** The buffers of one column. */
  private final class Found(rows: Int) {
    var from = Vector.empty[Int]
    var sizes = Vector.empty[Int]

    def buffer(least: Long, wanted: Boolean): Unit = {
      Message.check(Message.this.buffer < batch.buffersLength)
      val described = batch.buffers(Message.this.buffer)
      Message.this.buffer += 1
      val (at, size) = (described.offset, described.length)
      Message.check(at >= 0 && (at & 7) == 0 && size >= least && body + at + size <= bytes.length)
      from :+= (if (wanted) at.toInt else -1)
      sizes :+= (if (wanted) size.toInt else 0)
    }

    /** Arrow lets values have more digits than their type; Spark does not, and says so. */
    def decimals(precision: Int): Unit = {
      val digits = new Digits(precision)
      val data = Platform.BYTE_ARRAY_OFFSET + body + from(1).toLong
      var row = 0
      while (row < rows) {
        Message.check(digits.fit(bytes, data + (row.toLong << 4)) || isNull(row))
        row += 1
      }
    }

    private def isNull(row: Int): Boolean =
      from(0) >= 0 && (bytes(body + from(0) + (row >> 3)) >> (row & 7) & 1) == 0

    /** Takes the buffer of offsets; the answer is the last of them. */
    def offsets(): Int = {
      buffer(if (rows == 0) 0 else (rows + 1L) << 2, wanted = true)
      if (rows == 0) 0
      else {
        val begin = Platform.BYTE_ARRAY_OFFSET + body + from.last.toLong
        val first = Platform.getInt(bytes, begin)
        val last = Platform.getInt(bytes, begin + (rows.toLong << 2))
        Message.check(first >= 0 && first <= last)
        last
      }
    }
  }
}

private object Message {

  private val CONTINUES = -1

  private object Unfit extends RuntimeException with NoStackTrace

  private def check(fits: Boolean): Unit = if (!fits) throw Unfit

  /**
   * The record batch of a message by itself, which is not copied.
   *
   * @param schema of stored types
   * @return None where it is not exactly what the schema says: Spark says what it makes of that
   */
  def batch(bytes: Array[Byte], schema: StructType): Option[LocalBatch] =
    try {
      val whole = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)
      val prefix = if (whole.getInt(0) == CONTINUES) 8 else 4
      val size = whole.getInt(prefix - 4)
      val message = ArrowMessage.getRootAsMessage(
        ByteBuffer.wrap(bytes, prefix, size).slice().order(ByteOrder.LITTLE_ENDIAN))
      check(message.headerType == MessageHeader.RecordBatch)
      val batch = message.header(new RecordBatch).asInstanceOf[RecordBatch]
      check(batch.compression == null && batch.variadicBufferCountsLength == 0)
      check(batch.length >= 0 && batch.length < Int.MaxValue - 8)
      val body = prefix + size
      val columns = new Message(batch, bytes, body).columns(schema)
      Some(new LocalBatch(bytes, body, 0, batch.length.toInt, columns))
    } catch {
      // Bytes that are no message fail as they are read.
      case NonFatal(_) => None
    }
}
