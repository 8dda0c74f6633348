package org.apache.spark.sql.hydrofoil

import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.catalyst.expressions.codegen.{CodeAndComment, CodeFormatter, CodeGenerator}
import org.apache.spark.sql.types.{DataType, Decimal, DecimalType}
import org.apache.spark.unsafe.Platform

/**
 * Spark's rows from vectors, one at a time, by code that is generated for the types of the columns. All
 * rows lie in the same array, where each is written over the one before.
 *
 * A projection of Spark's does the same by way of an object for each string.
 */
abstract class RowWriter(fixedBytes: Int) {

  private[this] var array = new Array[Byte](fixedBytes + RowWriter.ROOM)

  /** The next rows are those of these vectors. */
  def open(vectors: Array[RawVector]): Unit

  /** Lets `row` be the row of the vectors at `position`. */
  def write(row: UnsafeRow, position: Int): Unit

  protected final def bytes: Array[Byte] = array

  /** Copies a value to `end` of the row, padded with zeros up to a whole word; returns where it ends. */
  protected final def append(from: Long, length: Int, end: Int, limit: Long): Int = {
    if (end.toLong + length + RowWriter.BEYOND > array.length) grow(end.toLong + length)
    val to = Platform.BYTE_ARRAY_OFFSET + end
    if (length <= 16 && from + 16 <= limit) {
      // Two words, needed or not, take less time than to decide which.
      Platform.putLong(array, to, Platform.getLong(null, from) & low(math.min(length, 8)))
      Platform.putLong(array, to + 8, Platform.getLong(null, from + 8) & low(math.max(length - 8, 0)))
    } else {
      appendLong(from, length, to, limit)
    }
    end + (length + 7 & ~7)
  }

  private def appendLong(from: Long, length: Int, to: Long, limit: Long): Unit = {
    val whole = length & ~7
    Platform.copyMemory(null, from, array, to, whole)
    if (length > whole) {
      var word = 0L
      if (from + whole + 8 <= limit) {
        word = Platform.getLong(null, from + whole) & low(length - whole)
      } else {
        var k = length
        while (k > whole) {
          k -= 1
          word = word << 8 | Platform.getByte(null, from + k) & 0xffL
        }
      }
      Platform.putLong(array, to + whole, word)
    }
  }

  /** The lowest bytes, from 0 to 8, of a word. */
  private def low(bytes: Int): Long = ~(-1L << (bytes << 2) << (bytes << 2))

  private def grow(size: Long): Unit = {
    val wanted = size + RowWriter.BEYOND
    if (wanted > RowWriter.LARGEST) {
      throw new UnsupportedOperationException(
        s"A row of $size bytes is larger than what Spark's rows hold, ${RowWriter.LARGEST}")
    }
    array = java.util.Arrays.copyOf(array, math.min(wanted * 5 / 4, RowWriter.LARGEST).toInt)
  }
}

object RowWriter {

  // The JVM's largest arrays are a little smaller than the largest integer.
  private val LARGEST = Int.MaxValue - 64L
  private val ROOM = 256
  // Bytes beyond a value's first that may be written to.
  private val BEYOND = 16
  // The JVM never compiles methods of more than 8000 bytes; 16 divides a bitmap's word.
  private val COLUMNS_A_METHOD = 16
  // A class has no more than 65535 constants, some twenty of which each column takes.
  private val MOST_COLUMNS = 1000

  /** Whether rows of the stored types can be written. */
  def takes(types: Array[DataType]): Boolean = types.length <= MOST_COLUMNS && types.forall { dataType =>
    Layout.of(dataType) match {
      case Layout.Empty | Layout.Bits | Layout.Fixed(_) | Layout.Variable => true
      case Layout.Decimal128 =>
        dataType.asInstanceOf[DecimalType].precision <= Decimal.MAX_LONG_DIGITS
      case _ => false
    }
  }

  def of(types: Array[DataType]): RowWriter = {
    val body = code(types.map(Layout.of))
    val source = CodeFormatter.stripOverlappingComments(new CodeAndComment(body, Map.empty))
    CodeGenerator.compile(source)._1.generate(Array.empty).asInstanceOf[RowWriter]
  }

  private def code(layouts: Array[Layout]): String = {
    val bitmapBytes = UnsafeRow.calculateBitSetWidthInBytes(layouts.length)
    val fixedBytes = bitmapBytes + layouts.length * 8
    val base = Platform.BYTE_ARRAY_OFFSET
    val groups = layouts.indices.grouped(COLUMNS_A_METHOD).toSeq
    def body(columns: Seq[Int]): String = {
      val bitmap = base + (columns.head >> 6 << 3)
      val put = if ((columns.last & 63) == 63 || columns.last == layouts.length - 1) {
        s"Platform.putLong(bytes(), ${bitmap}L, nulls);"
      } else {
        "this.nulls = nulls;"
      }
      s"""
         |long nulls = ${if ((columns.head & 63) == 0) "0L" else "this.nulls"};
         |${columns.map(c => write(c, layouts(c), base + bitmapBytes + c * 8)).mkString("\n")}
         |$put
       """.stripMargin
    }
    val opens = groups.zipWithIndex.map { case (columns, g) =>
      s"""
         |${columns.map(c => s"long validity$c, second$c, third$c, limit$c, start$c;").mkString("\n")}
         |
         |void open$g(RawVector[] vectors) {
         |  ${columns.map(open).mkString("\n")}
         |}
       """.stripMargin
    }
    // A few columns go without methods of their own: the JVM would not inline them.
    val (whole, writes) = if (groups.length == 1) (body(groups.head), Seq.empty) else {
      val methods = groups.zipWithIndex.map { case (columns, g) =>
        s"""
           |int write$g(int position, int end) {
           |  ${body(columns)}
           |  return end;
           |}
         """.stripMargin
      }
      (groups.indices.map(g => s"end = write$g(position, end);").mkString("\n"), methods)
    }
    s"""
       |import org.apache.spark.sql.catalyst.expressions.UnsafeRow;
       |import org.apache.spark.sql.hydrofoil.RawVector;
       |import org.apache.spark.sql.hydrofoil.RowWriter;
       |import org.apache.spark.unsafe.Platform;
       |
       |public Object generate(Object[] references) {
       |  return new SpecificRowWriter();
       |}
       |
       |class SpecificRowWriter extends RowWriter {
       |  private long nulls;
       |
       |  public SpecificRowWriter() {
       |    super($fixedBytes);
       |  }
       |
       |  public void open(RawVector[] vectors) {
       |    ${groups.indices.map(g => s"open$g(vectors);").mkString("\n")}
       |  }
       |
       |  public void write(UnsafeRow row, int position) {
       |    int end = $fixedBytes;
       |    $whole
       |    row.pointTo(bytes(), ${base}L, end);
       |  }
       |
       |  ${(opens ++ writes).mkString("\n")}
       |}
     """.stripMargin
  }

  private def open(c: Int): String =
    s"""
       |start$c = vectors[$c].start();
       |validity$c = vectors[$c].validityAddress();
       |second$c = vectors[$c].secondAddress();
       |third$c = vectors[$c].thirdAddress();
       |limit$c = third$c + vectors[$c].thirdCapacity();
     """.stripMargin

  private def write(c: Int, layout: Layout, field: Long): String = {
    def get(javaType: String, shift: Int, mask: String = "") =
      s"Platform.get$javaType(null, second$c + (at << $shift))$mask"
    val value = layout match {
      case Layout.Empty => "0L"
      case Layout.Bits => s"Platform.getByte(null, second$c + (at >> 3)) >> (int) (at & 7) & 1L"
      case Layout.Fixed(1) => get("Byte", 0, " & 0xffL")
      case Layout.Fixed(2) => get("Short", 1, " & 0xffffL")
      case Layout.Fixed(4) => get("Int", 2, " & 0xffffffffL")
      case Layout.Fixed(_) => get("Long", 3)
      // As its column is no wider than a long, so is each value's.
      case Layout.Decimal128 => get("Long", 4)
      case _ => "(long) end << 32 | length"
    }
    val put = s"Platform.putLong(bytes(), ${field}L, $value);"
    val isNull = layout match {
      case Layout.Empty => "true"
      case _ =>
        s"validity$c != 0L && (Platform.getByte(null, validity$c + (at >> 3)) >> (int) (at & 7) & 1) == 0"
    }
    val variable =
      s"""
         |int begin = ${get("Int", 2)};
         |int length = Platform.getInt(null, second$c + (at + 1 << 2)) - begin;
         |int next = append(third$c + begin, length, end, limit$c);
         |$put
         |end = next;
       """.stripMargin
    s"""
       |{
       |  long at = start$c + position;
       |  if ($isNull) {
       |    nulls |= 1L << ${c & 63};
       |    Platform.putLong(bytes(), ${field}L, 0L);
       |  } else {
       |    ${if (layout eq Layout.Variable) variable else put}
       |  }
       |}
     """.stripMargin
  }
}
