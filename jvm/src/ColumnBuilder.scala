package org.apache.spark.sql.hydrofoil

import org.apache.arrow.memory.{ArrowBuf, BufferAllocator}
import org.apache.spark.sql.catalyst.expressions.{SpecializedGetters, UnsafeArrayData}
import org.apache.spark.sql.catalyst.util.{ArrayData, MapData}
import org.apache.spark.sql.types.{DataType, Decimal, DecimalType}
import org.apache.spark.sql.vectorized.ColumnVector
import org.apache.spark.unsafe.Platform
import org.apache.spark.unsafe.types.{CalendarInterval, UTF8String}

/**
 * Appends values to a column in Arrow's layout. The code that Spark generates calls the final
 * classes' `put` methods; `append` takes a value from a row, `appendRange` many from a vector.
 * Validity is kept only once there is a null. `finish` hands the column over and starts anew.
 */
abstract class ColumnBuilder(val dataType: DataType, val layout: Layout, allocator: BufferAllocator) {

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

  final def sizeInBytes: Long = sizeAt(count)

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
    val grown = math.max(math.max(rows, math.min(capacity.toLong * 2, Int.MaxValue - 64).toInt), usual)
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

  /** Marks the nulls of eight rows, each of which has a byte of `isNull`: 1 where it is null, or 0. */
  private def clearEight(row: Int, isNull: Long): Unit = if (isNull != 0L && !(layout eq Layout.Empty)) {
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

/** A builder whose values have one buffer of fixed width. */
abstract class DataBuilder(dataType: DataType, layout: Layout, allocator: BufferAllocator)
  extends ColumnBuilder(dataType, layout, allocator) {

  private[this] var buffer: ArrowBuf = _
  protected[this] var data = 0L

  override protected def resize(rows: Int): Unit = {
    buffer = ColumnBuilder.grown(allocator, buffer, layout.dataBytes(count), layout.dataBytes(rows))
    data = buffer.memoryAddress
  }

  override protected def take(): (Array[ArrowBuf], Array[Column]) = {
    if (buffer == null) resize(1)
    buffer.writerIndex(layout.dataBytes(count))
    val taken = buffer
    buffer = null
    (Array(taken), Array.empty)
  }

  override protected def free(): Unit = {
    if (buffer != null) buffer.close()
    buffer = null
  }

  override def sizeAt(rows: Int): Long = layout.dataBytes(rows) + Layout.bitmapBytes(rows)

  override protected def dropValues(rows: Int): Unit = ()

  /** Appends one by one what is not null. */
  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    var i = 0
    while (i < n) {
      if (!vector.isNullAt(from + i)) store(vector, from + i, count + i)
      i += 1
    }
  }

  /** Appends a value without asking whether it is null. */
  final def putValue(vector: ColumnVector, at: Int): Unit = {
    reserve(count + 1)
    store(vector, at, count)
    count += 1
  }

  /** Writes the value, which is not null, of a vector to a row. */
  protected def store(vector: ColumnVector, at: Int, row: Int): Unit
}

final class NullBuilder(dataType: DataType, allocator: BufferAllocator)
  extends ColumnBuilder(dataType, Layout.Empty, allocator) {

  private val none = (Array.empty[ArrowBuf], Array.empty[Column])

  override protected def resize(rows: Int): Unit = ()
  override protected def skip(): Unit = ()
  override protected def put(values: SpecializedGetters, ordinal: Int): Unit = ()
  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = ()
  override protected def take(): (Array[ArrowBuf], Array[Column]) = none
  override protected def free(): Unit = ()
  override def sizeAt(rows: Int): Long = 0
  override protected def dropValues(rows: Int): Unit = ()
}

final class BitBuilder(dataType: DataType, allocator: BufferAllocator)
  extends DataBuilder(dataType, Layout.Bits, allocator) {

  def putBoolean(value: Boolean): Unit = {
    reserve(count + 1)
    write(count, value)
    count += 1
  }

  private def write(row: Int, value: Boolean): Unit = {
    val at = data + (row >> 3)
    val bit = 1 << (row & 7)
    // The first bit of a byte is what clears whatever was there.
    val old = if ((row & 7) == 0) 0 else Platform.getByte(null, at)
    Platform.putByte(null, at, (if (value) old | bit else old & ~bit).toByte)
  }

  override protected def skip(): Unit = write(count, value = false)

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit =
    putBoolean(values.getBoolean(ordinal))

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    var i = 0
    while (i < n) {
      write(count + i, !vector.isNullAt(from + i) && vector.getBoolean(from + i))
      i += 1
    }
  }

  override def appendRows(block: UnsafeRows, column: Int, from: Int, n: Int): Unit = {
    reserve(count + n)
    clearNulls(block, column, from, n)
    val field = block.fieldOffset(column)
    var i = 0
    while (i < n) {
      // What is null is zero in Spark's rows.
      write(count + i, Platform.getBoolean(block.base, block.at(from + i) + field))
      i += 1
    }
    count += n
  }

  override protected def store(vector: ColumnVector, at: Int, row: Int): Unit =
    write(row, vector.getBoolean(at))
}

final class FixedBuilder(dataType: DataType, layout: Layout.Fixed, allocator: BufferAllocator)
  extends DataBuilder(dataType, layout, allocator) {

  private[this] val width = layout.width

  def putByte(value: Byte): Unit = {
    reserve(count + 1)
    Platform.putByte(null, data + count, value)
    count += 1
  }

  def putShort(value: Short): Unit = {
    reserve(count + 1)
    Platform.putShort(null, data + (count.toLong << 1), value)
    count += 1
  }

  def putInt(value: Int): Unit = {
    reserve(count + 1)
    Platform.putInt(null, data + (count.toLong << 2), value)
    count += 1
  }

  def putLong(value: Long): Unit = {
    reserve(count + 1)
    Platform.putLong(null, data + (count.toLong << 3), value)
    count += 1
  }

  def putFloat(value: Float): Unit = {
    reserve(count + 1)
    Platform.putFloat(null, data + (count.toLong << 2), value)
    count += 1
  }

  def putDouble(value: Double): Unit = {
    reserve(count + 1)
    Platform.putDouble(null, data + (count.toLong << 3), value)
    count += 1
  }

  /** Zeros: uninitialized memory must not reach a worker. */
  override protected def skip(): Unit =
    Platform.setMemory(null, data + count.toLong * width, width, 0)

  // A float's bits and a double's are an integer's of the same width.
  override protected def put(values: SpecializedGetters, ordinal: Int): Unit = width match {
    case 1 => putByte(values.getByte(ordinal))
    case 2 => putShort(values.getShort(ordinal))
    case 4 if dataType == org.apache.spark.sql.types.FloatType => putFloat(values.getFloat(ordinal))
    case 4 => putInt(values.getInt(ordinal))
    case 8 if dataType == org.apache.spark.sql.types.DoubleType =>
      putDouble(values.getDouble(ordinal))
    case 8 => putLong(values.getLong(ordinal))
  }

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    val to = data + count.toLong * width
    if (!Vectors.copyFixed(vector, dataType, from, n, width, to)) {
      Platform.setMemory(null, to, n.toLong * width, 0)
      super.putRange(vector, from, n)
    }
  }

  override protected def store(vector: ColumnVector, at: Int, row: Int): Unit = width match {
    case 1 => Platform.putByte(null, data + row, vector.getByte(at))
    case 2 => Platform.putShort(null, data + (row.toLong << 1), vector.getShort(at))
    case 4 if dataType == org.apache.spark.sql.types.FloatType =>
      Platform.putFloat(null, data + (row.toLong << 2), vector.getFloat(at))
    case 4 => Platform.putInt(null, data + (row.toLong << 2), vector.getInt(at))
    case 8 if dataType == org.apache.spark.sql.types.DoubleType =>
      Platform.putDouble(null, data + (row.toLong << 3), vector.getDouble(at))
    case 8 => Platform.putLong(null, data + (row.toLong << 3), vector.getLong(at))
  }

  override def appendRows(block: UnsafeRows, column: Int, from: Int, n: Int): Unit = {
    reserve(count + n)
    clearNulls(block, column, from, n)
    // What is null is zero in Spark's rows, and so it is here.
    val base = block.base
    val field = block.fieldOffset(column)
    var to = data + count.toLong * width
    var row = from
    val until = from + n
    width match {
      case 8 =>
        while (row < until) {
          Platform.putLong(null, to, Platform.getLong(base, block.at(row) + field))
          to += 8
          row += 1
        }
      case 4 =>
        while (row < until) {
          Platform.putInt(null, to, Platform.getInt(base, block.at(row) + field))
          to += 4
          row += 1
        }
      case 2 =>
        while (row < until) {
          Platform.putShort(null, to, Platform.getShort(base, block.at(row) + field))
          to += 2
          row += 1
        }
      case 1 =>
        while (row < until) {
          Platform.putByte(null, to, Platform.getByte(base, block.at(row) + field))
          to += 1
          row += 1
        }
    }
    count += n
  }

  override def appendElements(values: ArrayData): Unit = values match {
    case unsafe: UnsafeArrayData if FixedBuilder.isDense(unsafe) =>
      val n = unsafe.numElements()
      reserve(count + n)
      val first = unsafe.getBaseOffset + UnsafeArrayData.calculateHeaderPortionInBytes(n)
      Platform.copyMemory(
        unsafe.getBaseObject, first, null, data + count.toLong * width, n.toLong * width)
      count += n
    case other => super.appendElements(other)
  }
}

object FixedBuilder {

  /** Whether an array has no nulls. */
  private def isDense(values: UnsafeArrayData): Boolean = {
    // After the number of elements, in the first word, there is a bit for each.
    val until = values.getBaseOffset + UnsafeArrayData.calculateHeaderPortionInBytes(
      values.numElements())
    var at = values.getBaseOffset + 8
    while (at < until && Platform.getLong(values.getBaseObject, at) == 0L) at += 8
    at >= until
  }
}

final class DecimalBuilder(decimal: DecimalType, allocator: BufferAllocator)
  extends DataBuilder(decimal, Layout.Decimal128, allocator) {

  private[this] val precision = decimal.precision
  private[this] val scale = decimal.scale

  def putDecimal(value: Decimal): Unit = {
    // As Spark's own writer: what does not fit the type is null.
    if (value.changePrecision(precision, scale)) {
      reserve(count + 1)
      write(count, value)
      count += 1
    } else {
      putNull()
    }
  }

  private def write(row: Int, value: Decimal): Unit = {
    val at = data + (row.toLong << 4)
    if (precision <= Decimal.MAX_LONG_DIGITS) {
      val unscaled = value.toUnscaledLong
      Platform.putLong(null, at, unscaled)
      Platform.putLong(null, at + 8, unscaled >> 63)
    } else {
      val bytes = value.toJavaBigDecimal.unscaledValue.toByteArray
      val sign = (bytes(0) >> 7).toByte
      var i = 0
      while (i < 16) {
        val from = bytes.length - 1 - i
        Platform.putByte(null, at + i, if (from >= 0) bytes(from) else sign)
        i += 1
      }
    }
  }

  override protected def skip(): Unit = Platform.setMemory(null, data + (count.toLong << 4), 16, 0)

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit =
    putDecimal(values.getDecimal(ordinal, precision, scale))

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    Platform.setMemory(null, data + (count.toLong << 4), n.toLong << 4, 0)
    super.putRange(vector, from, n)
  }

  override protected def store(vector: ColumnVector, at: Int, row: Int): Unit =
    write(row, vector.getDecimal(at, precision, scale))
}

final class IntervalBuilder(dataType: DataType, allocator: BufferAllocator)
  extends DataBuilder(dataType, Layout.MonthDayNano, allocator) {

  def putInterval(value: CalendarInterval): Unit = {
    reserve(count + 1)
    write(count, value)
    count += 1
  }

  private def write(row: Int, value: CalendarInterval): Unit = {
    val at = data + (row.toLong << 4)
    Platform.putInt(null, at, value.months)
    Platform.putInt(null, at + 4, value.days)
    Platform.putLong(null, at + 8, Math.multiplyExact(value.microseconds, 1000L))
  }

  override protected def skip(): Unit = Platform.setMemory(null, data + (count.toLong << 4), 16, 0)

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit =
    putInterval(values.getInterval(ordinal))

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    Platform.setMemory(null, data + (count.toLong << 4), n.toLong << 4, 0)
    super.putRange(vector, from, n)
  }

  override protected def store(vector: ColumnVector, at: Int, row: Int): Unit =
    write(row, vector.getInterval(at))
}

/** A builder that has an offset for each row. */
abstract class OffsetBuilder(dataType: DataType, layout: Layout, allocator: BufferAllocator)
  extends ColumnBuilder(dataType, layout, allocator) {

  private[this] var buffer: ArrowBuf = _
  protected[this] var offsets = 0L

  /** Where the next value begins. */
  protected def end: Int

  override protected def resize(rows: Int): Unit = {
    val first = buffer == null
    buffer = ColumnBuilder.grown(
      allocator, buffer, (count + 1).toLong << 2, (rows.toLong + 1) << 2)
    offsets = buffer.memoryAddress
    if (first) Platform.putInt(null, offsets, 0)
  }

  /** Ends row `row` where the values end by now. */
  protected final def endRow(row: Int): Unit =
    Platform.putInt(null, offsets + ((row + 1).toLong << 2), end)

  /** Where the values of row `row` begin, or of the row after the last. */
  protected final def offset(row: Int): Int =
    if (row == 0) 0 else Platform.getInt(null, offsets + (row.toLong << 2))

  /** Bytes of validity and offsets. */
  protected final def offsetsSize(rows: Int): Long =
    Layout.bitmapBytes(rows) + ((rows + 1).toLong << 2)

  /** Appends rows from where their elements lie, those that follow one another at once. */
  protected final def putElements(
      source: ElementSource,
      children: Array[ColumnBuilder],
      from: Int,
      n: Int): Unit = {
    val vectors = children.indices.map(source.child).toArray
    var begin = 0
    var length = 0
    def flush(): Unit = if (length > 0) {
      var c = 0
      while (c < children.length) {
        children(c).appendRange(vectors(c), begin, length)
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

  override protected def skip(): Unit = endRow(count)

  protected final def takeOffsets(): ArrowBuf = {
    if (buffer == null) resize(1)
    buffer.writerIndex((count + 1).toLong << 2)
    val taken = buffer
    buffer = null
    taken
  }

  override protected def free(): Unit = {
    if (buffer != null) buffer.close()
    buffer = null
  }
}

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

  private[this] val text = dataType != org.apache.spark.sql.types.BinaryType

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

final class ListBuilder(dataType: DataType, element: ColumnBuilder, allocator: BufferAllocator)
  extends OffsetBuilder(dataType, Layout.Elements, allocator) {

  override protected def end: Int = element.rows

  def putArray(value: ArrayData): Unit = {
    reserve(count + 1)
    write(value)
    endRow(count)
    count += 1
  }

  private def write(value: ArrayData): Unit = element.appendElements(value)

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit =
    putArray(values.getArray(ordinal))

  private[this] val elements = Array(element)

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    val source = Vectors.elements(vector)
    if (source != null) {
      putElements(source, elements, from, n)
    } else {
      var i = 0
      while (i < n) {
        if (!isNull(count + i)) write(vector.getArray(from + i))
        endRow(count + i)
        i += 1
      }
    }
  }

  override protected def take(): (Array[ArrowBuf], Array[Column]) =
    (Array(takeOffsets()), Array(element.finish()))

  override protected def free(): Unit = {
    super.free()
    element.release()
  }

  override def sizeAt(rows: Int): Long =
    if (rows == 0) 0 else offsetsSize(rows) + element.sizeAt(offset(rows))

  override protected def dropValues(rows: Int): Unit = element.truncate(offset(rows))
}

final class MapBuilder(
    dataType: DataType,
    key: ColumnBuilder,
    value: ColumnBuilder,
    allocator: BufferAllocator)
  extends OffsetBuilder(dataType, Layout.Entries, allocator) {

  override protected def end: Int = key.rows

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

  private[this] val entries = Array(key, value)

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    val source = Vectors.elements(vector)
    if (source != null) {
      putElements(source, entries, from, n)
    } else {
      var i = 0
      while (i < n) {
        if (!isNull(count + i)) write(vector.getMap(from + i))
        endRow(count + i)
        i += 1
      }
    }
  }

  override protected def take(): (Array[ArrowBuf], Array[Column]) =
    (Array(takeOffsets()), Array(key.finish(), value.finish()))

  override protected def free(): Unit = {
    super.free()
    key.release()
    value.release()
  }

  override def sizeAt(rows: Int): Long = if (rows == 0) {
    0
  } else {
    val entries = offset(rows)
    offsetsSize(rows) + Layout.bitmapBytes(entries) + key.sizeAt(entries) + value.sizeAt(entries)
  }

  override protected def dropValues(rows: Int): Unit = {
    key.truncate(offset(rows))
    value.truncate(offset(rows))
  }
}

final class StructBuilder(
    dataType: DataType,
    fields: Array[ColumnBuilder],
    allocator: BufferAllocator)
  extends ColumnBuilder(dataType, Layout.Fields, allocator) {

  override protected def resize(rows: Int): Unit = ()

  override protected def skip(): Unit = fields.foreach(_.putNull())

  def putStruct(values: SpecializedGetters): Unit = {
    reserve(count + 1)
    write(values)
    count += 1
  }

  private def write(values: SpecializedGetters): Unit = {
    var i = 0
    while (i < fields.length) {
      fields(i).append(values, i)
      i += 1
    }
  }

  override protected def put(values: SpecializedGetters, ordinal: Int): Unit =
    putStruct(values.getStruct(ordinal, fields.length))

  override protected def putRange(vector: ColumnVector, from: Int, n: Int): Unit = {
    if (vector.hasNull) {
      var i = 0
      while (i < n) {
        if (isNull(count + i)) skip() else write(vector.getStruct(from + i))
        i += 1
      }
    } else {
      var i = 0
      while (i < fields.length) {
        fields(i).appendRange(vector.getChild(i), from, n)
        i += 1
      }
    }
  }

  override protected def take(): (Array[ArrowBuf], Array[Column]) =
    (Array.empty, fields.map(_.finish()))

  override protected def free(): Unit = fields.foreach(_.release())

  override def sizeAt(rows: Int): Long = {
    var bytes = Layout.bitmapBytes(rows)
    var i = 0
    while (i < fields.length) {
      bytes += fields(i).sizeAt(rows)
      i += 1
    }
    bytes
  }

  override protected def dropValues(rows: Int): Unit = fields.foreach(_.truncate(rows))
}
