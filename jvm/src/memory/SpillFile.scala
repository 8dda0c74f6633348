package org.apache.spark.sql.hydrofoil.memory

import java.io.{
  BufferedInputStream, BufferedOutputStream, DataInputStream, DataOutputStream, InputStream,
  OutputStream, RandomAccessFile}
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.spark.SparkEnv
import org.apache.spark.sql.types.DataType

/**
 * Columns on local disk, one after the other. The file has no name from the moment that it is open,
 * so that nothing outlives the process; it is encrypted where Spark encrypts what it spills.
 */
final class SpillFile {

  private val channel: FileChannel = {
    val (_, file) = SparkEnv.get.blockManager.diskBlockManager.createTempLocalBlock()
    val opened = new RandomAccessFile(file, "rw").getChannel
    file.delete()
    opened
  }
  private val serializers = SparkEnv.get.serializerManager
  private val chunk = new Array[Byte](64 * 1024)
  private var end = 0L

  /** Writes columns; the answer is where. */
  def write(columns: Array[Column]): Long = {
    val start = end
    val out = new DataOutputStream(new BufferedOutputStream(
      serializers.wrapForEncryption(new Tail), chunk.length))
    columns.foreach(write(_, out))
    out.close()
    start
  }

  private def write(column: Column, out: DataOutputStream): Unit = {
    out.writeInt(column.rows)
    out.writeInt(column.nullCount)
    column.buffers.foreach { buffer =>
      out.writeLong(if (buffer == null) -1L else buffer.writerIndex)
      if (buffer != null) {
        val source = buffer.nioBuffer(0, buffer.writerIndex.toInt)
        while (source.hasRemaining) {
          val n = math.min(source.remaining, chunk.length)
          source.get(chunk, 0, n)
          out.write(chunk, 0, n)
        }
      }
    }
    column.children.foreach(write(_, out))
  }

  /** Reads what `write` wrote there. */
  def read(start: Long, types: Array[DataType], allocator: BufferAllocator): Array[Column] = {
    val in = new DataInputStream(new BufferedInputStream(
      serializers.wrapForEncryption(new From(start)), chunk.length))
    Column.all(types.length)(i => read(types(i), in, allocator))
  }

  private def read(dataType: DataType, in: DataInputStream, allocator: BufferAllocator): Column = {
    val layout = Layout.of(dataType)
    val rows = in.readInt()
    val nulls = in.readInt()
    val buffers = new Array[ArrowBuf](SpillFile.buffers(layout))
    try {
      buffers.indices.foreach { i =>
        val bytes = in.readLong()
        if (bytes >= 0) {
          buffers(i) = allocator.buffer(bytes)
          fill(buffers(i), bytes, in)
        }
      }
      val types = Layout.childTypes(dataType)
      val children = Column.all(types.length)(i => read(types(i), in, allocator))
      new Column(dataType, layout, rows, nulls, buffers, children)
    } catch {
      case error: Throwable =>
        buffers.foreach(buffer => if (buffer != null) buffer.close())
        throw error
    }
  }

  private def fill(buffer: ArrowBuf, bytes: Long, in: DataInputStream): Unit = {
    var left = bytes
    while (left > 0) {
      val n = math.min(left, chunk.length.toLong).toInt
      in.readFully(chunk, 0, n)
      buffer.writeBytes(chunk, 0, n)
      left -= n
    }
  }

  def close(): Unit = channel.close()

  private final class Tail extends OutputStream {
    override def write(byte: Int): Unit = write(Array(byte.toByte), 0, 1)
    override def write(bytes: Array[Byte], offset: Int, length: Int): Unit = {
      val source = ByteBuffer.wrap(bytes, offset, length)
      while (source.hasRemaining) end += channel.write(source, end)
    }
  }

  private final class From(start: Long) extends InputStream {
    private var position = start
    override def read(): Int = {
      val one = new Array[Byte](1)
      if (read(one, 0, 1) < 0) -1 else one(0) & 0xff
    }
    override def read(bytes: Array[Byte], offset: Int, length: Int): Int = {
      val n = channel.read(ByteBuffer.wrap(bytes, offset, length), position)
      if (n > 0) position += n
      n
    }
  }
}

object SpillFile {

  /** How many buffers a column of a layout has. */
  private def buffers(layout: Layout): Int = layout match {
    case Layout.Empty => 0
    case Layout.Fields => 1
    case Layout.Variable => 3
    case _ => 2
  }
}
