package org.apache.spark.sql.hydrofoil.build

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters
import org.apache.spark.sql.catalyst.util.ArrayData
import org.apache.spark.sql.hydrofoil.memory.{Column, Layout}
import org.apache.spark.sql.types.{DataType, DecimalType}
import org.apache.spark.sql.vectorized.ColumnVector
import org.apache.spark.unsafe.Platform

/**
 * Appends values to a column in Arrow's layout. The code that Spark generates calls the final
 * classes' `put` methods; `append` takes a value from a row, `appendRange` many from a vector.
 * Validity is kept only once there is a null. `finish` hands the column over and starts anew.
 */
abstract class ColumnBuilder(
    val dataType: DataType,
    val layout: Layout,
    allocator: BufferAllocator) {

  protected[this] var count = 0
  protected[this] var capacity = 0
  // Rows to begin with: those of the batch before.
  private[this] var usual = ColumnBuilder.FEWEST
  private[this] var nulls = 0
  private[this] var bitmap: ArrowBuf = _
  private[this] var bitmapAddress = 0L

  final def rows: Int = count

  /** Grows whatever holds one entry a row to `rows`. */
  protected def resize(rows: Int): Unit

  /** Leaves a null's place in whatever holds one entry a row. */
  protected def skip(): Unit

  /** Appends the value, which is not null, at an ordinal. */
  protected def put(values: SpecializedGetters, ordinal: Int): Unit

  /** Appends values of a vector, of which `isNull` need not be asked where it has none. */
  protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit

  /** Hands over the buffers after the validity, and the children. */
  protected def take(): (Array[ArrowBuf], Array[Column])

  /** Frees what has not been handed over. */
  protected def free(): Unit

  /** Bytes of the first `rows` rows as Arrow counts them, for Spark's bound of bytes. */
  def sizeAt(rows: Int): Long

  /** Forgets the values of the rows from `rows` on; `count` still has them. */
  protected def dropValues(rows: Int): Unit

  /** Keeps the first `rows` rows only. */
  final def truncate(rows: Int): Unit = {
    dropValues(rows)
    var row = rows
    while (nulls > 0 && row < count) {
      if (isNull(row)) {
        val at = bitmapAddress + (row >> 3)
        Platform.putByte(null, at, (Platform.getByte(null, at) | (1 << (row & 7))).toByte)
        nulls -= 1
      }
      row += 1
    }
    count = rows
  }

  final def append(values: SpecializedGetters, ordinal: Int): Unit = {
    if (values.isNullAt(ordinal)) putNull() else put(values, ordinal)
  }

  /** Appends a column's values of a block of rows. */
  def appendRows(block: UnsafeRows, column: Int, from: Int, n: Int): Unit = {
    var i = 0
    while (i < n) {
      append(block.row(from + i), column)
      i += 1
    }
  }

  /** Appends all elements of an array. */
  def appendElements(values: ArrayData): Unit = {
    val n = values.numElements()
    var i = 0
    while (i < n) {
      append(values, i)
      i += 1
    }
  }

  final def putNull(): Unit = {
    reserve(count + 1)
    clear(count)
    skip()
    count += 1
  }

  final def appendRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    reserve(count + n)
    if (vector.hasNull) {
      val bytes = Vectors.nullBytes(vector)
      var i = 0
      while (i < n) {
        if (bytes != null && (count + i & 7) == 0 && n - i >= 8) {
          clearEight(count + i, Platform.getLong(bytes, Platform.BYTE_ARRAY_OFFSET + from + i))
          i += 8
        } else {
          if (vector.isNullAt(from + i)) clear(count + i)
          i += 1
        }
      }
    }
    putRange(vector, from, n)
    count += n
  }

  /** Makes room for `rows` rows in all. */
  final def reserve(rows: Int): Unit = if (rows > capacity) {
    val doubled = math.min(capacity.toLong * 2, Int.MaxValue - 64L).toInt
    val grown = math.max(math.max(rows, doubled), usual)
    resize(grown)
    capacity = grown
    if (bitmap != null) growBitmap(grown)
  }

  final protected def isNull(row: Int): Boolean =
    bitmap != null && ((Platform.getByte(null, bitmapAddress + (row >> 3)) >> (row & 7)) & 1) == 0

  private def clear(row: Int): Unit = if (!(layout eq Layout.Empty)) {
    if (bitmap == null) growBitmap(capacity)
    val at = bitmapAddress + (row >> 3)
    Platform.putByte(null, at, (Platform.getByte(null, at) & ~(1 << (row & 7))).toByte)
    nulls += 1
  }

  /** Marks the nulls of eight rows, each with a byte of `isNull`: 1 where it is null, or 0. */
  private def clearEight(row: Int, isNull: Long): Unit =
    if (isNull != 0L && !(layout eq Layout.Empty)) {
      if (bitmap == null) growBitmap(capacity)
      // The factor moves the lowest bit of the i-th byte to the i-th bit of the highest.
      val bits = (isNull * 0x0102040810204080L >>> 56).toInt
      Platform.putByte(null, bitmapAddress + (row >> 3), (~bits).toByte)
      nulls += Integer.bitCount(bits)
    }

  /** Marks the nulls of a block's column, the first of whose rows goes where the values end. */
  protected final def clearNulls(block: UnsafeRows, column: Int, from: Int, n: Int): Unit =
    if (block.hasNull(column)) {
      var i = 0
      while (i < n) {
        if (block.isNull(from + i, column)) clear(count + i)
        i += 1
      }
    }

  private def growBitmap(rows: Int): Unit = {
    val bytes = (Layout.bitmapBytes(rows) + 7) & ~7L
    val used = if (bitmap == null) 0L else bitmap.capacity
    bitmap = ColumnBuilder.grown(allocator, bitmap, math.min(used, bytes), bytes)
    bitmapAddress = bitmap.memoryAddress
    Platform.setMemory(null, bitmapAddress + used, bitmap.capacity - used, 0xff.toByte)
  }

  final def finish(): Column = {
    usual = math.max(count, ColumnBuilder.FEWEST)
    val (buffers, children) = take()
    if (bitmap != null) bitmap.writerIndex(Layout.bitmapBytes(count))
    val all = new Array[ArrowBuf](buffers.length + (if (layout eq Layout.Empty) 0 else 1))
    if (!(layout eq Layout.Empty)) all(0) = bitmap
    System.arraycopy(buffers, 0, all, all.length - buffers.length, buffers.length)
    val column = new Column(
      dataType, layout, count, if (layout eq Layout.Empty) count else nulls, all, children)
    bitmap = null
    restart()
    column
  }

  final def release(): Unit = {
    free()
    restart()
  }

  private def restart(): Unit = {
    if (bitmap != null) bitmap.close()
    bitmap = null
    bitmapAddress = 0L
    nulls = 0
    count = 0
    capacity = 0
  }
}

object ColumnBuilder {

  private val FEWEST = 64

  def of(dataType: DataType, allocator: BufferAllocator): ColumnBuilder = {
    val layout = Layout.of(dataType)
    def children = Layout.childTypes(dataType).map(of(_, allocator))
    layout match {
      case Layout.Empty => new NullBuilder(dataType, allocator)
      case Layout.Bits => new BitBuilder(dataType, allocator)
      case fixed: Layout.Fixed => new FixedBuilder(dataType, fixed, allocator)
      case Layout.Decimal128 => new DecimalBuilder(dataType.asInstanceOf[DecimalType], allocator)
      case Layout.MonthDayNano => new IntervalBuilder(dataType, allocator)
      case Layout.Variable => new VariableBuilder(dataType, allocator)
      case Layout.Elements => new ListBuilder(dataType, children(0), allocator)
      case Layout.Entries =>
        val entries = children
        new MapBuilder(dataType, entries(0), entries(1), allocator)
      case Layout.Fields => new StructBuilder(dataType, children, allocator)
    }
  }

  /** A vector's values, value by value by its getters, as a column of the type. */
  def copied(
      vector: ColumnVector, dataType: DataType, rows: Int, allocator: BufferAllocator): Column = {
    val builder = of(dataType, allocator)
    try {
      builder.appendRange(vector, 0, rows)
      builder.finish()
    } catch {
      case error: Throwable =>
        builder.release()
        throw error
    }
  }

  /** A buffer of at least `bytes` that begins with the first `used` bytes of `old`, now closed. */
  def grown(allocator: BufferAllocator, old: ArrowBuf, used: Long, bytes: Long): ArrowBuf = {
    val buffer = allocator.buffer(bytes)
    if (old != null) {
      Platform.copyMemory(null, old.memoryAddress, null, buffer.memoryAddress, used)
      old.close()
    }
    buffer
  }
}
