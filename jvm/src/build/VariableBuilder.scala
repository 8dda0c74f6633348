package org.apache.spark.sql.hydrofoil.build

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters
import org.apache.spark.sql.hydrofoil.memory.{Column, Layout}
import org.apache.spark.sql.types.{BinaryType, DataType}
import org.apache.spark.sql.vectorized.ColumnVector
import org.apache.spark.unsafe.Platform
import org.apache.spark.unsafe.types.UTF8String

final class VariableBuilder(dataType: DataType, allocator: BufferAllocator)
  extends OffsetBuilder(dataType, Layout.Variable, allocator) {

  private[this] var bytes: ArrowBuf = _
  private[this] var data = 0L
  private[this] var room = 0L
  private[this] var used = 0L
  // Bytes to begin with: those of the batch before.
  private[this] var usualBytes = VariableBuilder.FEWEST

  override protected def end: Int = used.toInt

  private def reserveBytes(more: Long): Unit = if (used + more > room) {
    if (used + more > Int.MaxValue) {
      throw new IllegalStateException(
        s"A record batch can't hold more than 2 GiB of ${dataType.simpleString} in one column: " +
          "set spark.sql.execution.arrow.maxRecordsPerBatch lower")
    }
    val wanted = math.max(math.max(used + more, room * 2), usualBytes)
    bytes = ColumnBuilder.grown(allocator, bytes, used, math.min(wanted, Int.MaxValue))
    data = bytes.memoryAddress
    room = bytes.capacity
  }

  def putBytes(base: AnyRef, offset: Long, length: Int): Unit = {
    reserve(count + 1)
    store(base, offset, length)
    endRow(count)
    count += 1
  }

  private def store(base: AnyRef, offset: Long, length: Long): Unit = {
    reserveBytes(length)
    Platform.copyMemory(base, offset, null, data + used, length)
    used += length
  }

  def putUTF8String(value: UTF8String): Unit =
    putBytes(value.getBaseObject, value.getBaseOffset, value.numBytes)

  def putBinary(value: Array[Byte]): Unit =
    putBytes(value, Platform.BYTE_ARRAY_OFFSET, value.length)

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit = {
    if (text) putUTF8String(values.getUTF8String(ordinal)) else putBinary(values.getBinary(ordinal))
  }

  private[this] val text = dataType != BinaryType

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    val source = Vectors.variable(vector, dataType)
    if (source != null) putRange(source, from, n)
    else {
      var i = 0
      while (i < n) {
        if (!isNull(count + i)) {
          if (text) {
            val value = vector.getUTF8String(from + i)
            store(value.getBaseObject, value.getBaseOffset, value.numBytes)
          } else {
            val value = vector.getBinary(from + i)
            store(value, Platform.BYTE_ARRAY_OFFSET, value.length)
          }
        }
        endRow(count + i)
        i += 1
      }
    }
  }

  /** Copies values that follow one another at once, whatever nulls are between them. */
  private def putRange(source: VariableSource, from: Int, n: Int): Unit = {
    var begin = 0
    var length = 0L
    var i = 0
    while (i < n) {
      if (!isNull(count + i)) {
        val at = source.offset(from + i)
        if (at != begin + length) {
          store(source.base, source.address + begin, length)
          begin = at
          length = 0L
        }
        length += source.length(from + i)
      }
      Platform.putInt(null, offsets + ((count + i + 1).toLong << 2), (used + length).toInt)
      i += 1
    }
    store(source.base, source.address + begin, length)
  }

  override def appendRows(block: UnsafeRows, column: Int, from: Int, n: Int): Unit = {
    reserve(count + n)
    clearNulls(block, column, from, n)
    val field = block.fieldOffset(column)
    val nullable = block.hasNull(column)
    var i = 0
    while (i < n) {
      if (!nullable || !isNull(count + i)) {
        // The place of the value in its row, and its length.
        val word = Platform.getLong(block.base, block.at(from + i) + field)
        store(block.base, block.at(from + i) + (word >>> 32), word.toInt)
      }
      endRow(count + i)
      i += 1
    }
    count += n
  }

  override protected def take(): (Array[ArrowBuf], Array[Column]) = {
    if (bytes == null) bytes = allocator.getEmpty
    bytes.writerIndex(used)
    usualBytes = math.min(math.max(used, VariableBuilder.FEWEST), VariableBuilder.MOST)
    val taken = bytes
    forget()
    (Array(takeOffsets(), taken), Array.empty)
  }

  override protected def free(): Unit = {
    super.free()
    if (bytes != null) bytes.close()
    forget()
  }

  private def forget(): Unit = {
    bytes = null
    data = 0L
    room = 0L
    used = 0L
  }

  override def sizeAt(rows: Int): Long = if (rows == 0) 0 else offsetsSize(rows) + offset(rows)

  override protected def dropValues(rows: Int): Unit = used = offset(rows)
}

object VariableBuilder {
  private val FEWEST = 1024L
  // A batch of large values says little of the next one.
  private val MOST = 16L << 20
}
