package org.apache.spark.sql.hydrofoil.exchange

import java.io.OutputStream
import java.nio.ByteBuffer
import java.nio.channels.WritableByteChannel
import java.util.{ArrayList => JavaList}

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.arrow.vector.compression.NoCompressionCodec
import org.apache.arrow.vector.ipc.WriteChannel
import org.apache.arrow.vector.ipc.message.{ArrowFieldNode, ArrowRecordBatch, MessageSerializer}
import org.apache.spark.sql.hydrofoil.memory.{Column, Layout}

/** Writes columns as messages of Arrow's IPC format. */
final class Wire(allocator: BufferAllocator) {

  private val chunk = new Array[Byte](64 * 1024)
  private val empty = allocator.getEmpty
  // Where messages are put together; the next is about as large.
  private var scratch = Array.empty[Byte]

  /**
   * Writes a record batch of the columns, within one struct column where `wrapped`; the answer is
   * how many bytes that took. Columns without nulls go without validity, as the format allows.
   */
  def write(columns: Array[Column], rows: Int, wrapped: Boolean, out: OutputStream): Long = {
    val channel = new WriteChannel(new Channel(out))
    MessageSerializer.serialize(channel, recordBatch(columns, rows, wrapped))
    channel.getCurrentPosition
  }

  /** A record batch of the columns as a message by itself. */
  def message(columns: Array[Column], rows: Int): Array[Byte] = {
    val batch = recordBatch(columns, rows, wrapped = false)
    val most = batch.computeBodyLength + Wire.MOST_METADATA * (1 + batch.getBuffers.size)
    val out = new Bytes(room(math.toIntExact(most)))
    MessageSerializer.serialize(new WriteChannel(out), batch)
    out.written
  }

  /** So many bytes to write to; those of a large message are not kept. */
  private def room(most: Int): Array[Byte] =
    if (most > Wire.MOST_KEPT) {
      new Array[Byte](most)
    } else {
      if (most > scratch.length) scratch = new Array[Byte](most)
      scratch
    }

  private def recordBatch(
      columns: Array[Column],
      rows: Int,
      wrapped: Boolean): ArrowRecordBatch = {
    val nodes = new JavaList[ArrowFieldNode]
    val buffers = new JavaList[ArrowBuf]
    if (wrapped) {
      nodes.add(new ArrowFieldNode(rows, 0))
      buffers.add(empty)
    }
    columns.foreach(add(_, nodes, buffers))
    new ArrowRecordBatch(
      rows, nodes, buffers, NoCompressionCodec.DEFAULT_BODY_COMPRESSION, true, false)
  }

  private def add(
      column: Column,
      nodes: JavaList[ArrowFieldNode],
      buffers: JavaList[ArrowBuf]): Unit = {
    nodes.add(new ArrowFieldNode(column.rows, column.nullCount))
    column.buffers.foreach(buffer => buffers.add(if (buffer == null) empty else buffer))
    if (column.layout eq Layout.Entries) {
      nodes.add(new ArrowFieldNode(column.children(0).rows, 0))
      buffers.add(empty)
    }
    column.children.foreach(add(_, nodes, buffers))
  }

  /** Spark's stream takes arrays: a chunk that stays in the processor's cache is between. */
  private final class Channel(out: OutputStream) extends WritableByteChannel {
    override def write(source: ByteBuffer): Int = {
      val all = source.remaining
      while (source.hasRemaining) {
        val n = math.min(source.remaining, chunk.length)
        source.get(chunk, 0, n)
        out.write(chunk, 0, n)
      }
      all
    }
    override def isOpen: Boolean = true
    override def close(): Unit = ()
  }

  private final class Bytes(bytes: Array[Byte]) extends WritableByteChannel {
    private var end = 0
    def written: Array[Byte] = java.util.Arrays.copyOf(bytes, end)
    override def write(source: ByteBuffer): Int = {
      val n = source.remaining
      source.get(bytes, end, n)
      end += n
      n
    }
    override def isOpen: Boolean = true
    override def close(): Unit = ()
  }
}

private object Wire {
  /** Bytes of a message beside its body: for itself, and for each buffer and its part of a node. */
  private val MOST_METADATA = 128L
  private val MOST_KEPT = 1 << 20
}
