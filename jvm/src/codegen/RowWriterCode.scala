package org.apache.spark.sql.hydrofoil.codegen

import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.hydrofoil.memory.{Layout, RawVector}
import org.apache.spark.unsafe.Platform

/** The Java class of a [[RowWriter]] for columns of some layouts. */
private[codegen] final class RowWriterCode(layouts: Array[Layout]) {

  private val bitmapBytes = UnsafeRow.calculateBitSetWidthInBytes(layouts.length)
  private val fixedBytes = bitmapBytes + layouts.length * 8
  private val base = Platform.BYTE_ARRAY_OFFSET
  private val groups = layouts.indices.grouped(RowWriterCode.COLUMNS_A_METHOD).toSeq

  def source: String = {
    // A few columns go without methods of their own: the JVM would not inline them.
    val (whole, methods) =
      if (groups.length == 1) (writes(groups.head), Seq.empty)
      else (groups.indices.map(g => s"end = write$g(position, end);").mkString("\n"), writeMethods)
    s"""
       |import org.apache.spark.sql.catalyst.expressions.UnsafeRow;
       |import ${classOf[RawVector].getName};
       |import ${classOf[RowWriter].getName};
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
       |  ${(openMethods ++ methods).mkString("\n")}
       |}
     """.stripMargin
  }

  private def openMethods: Seq[String] = groups.zipWithIndex.map { case (columns, g) =>
    s"""
       |${columns.map(declare).mkString("\n")}
       |
       |void open$g(RawVector[] vectors) {
       |  ${columns.map(open).mkString("\n")}
       |}
     """.stripMargin
  }

  private def writeMethods: Seq[String] = groups.zipWithIndex.map { case (columns, g) =>
    s"""
       |int write$g(int position, int end) {
       |  ${writes(columns)}
       |  return end;
       |}
     """.stripMargin
  }

  /** Writes some columns' values and, where a word of the bitmap ends with them, that. */
  private def writes(columns: Seq[Int]): String = {
    val bitmap = base + (columns.head >> 6 << 3)
    val put =
      if ((columns.last & 63) == 63 || columns.last == layouts.length - 1) {
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

  private def declare(c: Int): String =
    s"long validity$c, second$c, third$c, limit$c, start$c;"

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
        val bits = s"Platform.getByte(null, validity$c + (at >> 3))"
        s"validity$c != 0L && ($bits >> (int) (at & 7) & 1) == 0"
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

private object RowWriterCode {
  // The JVM never compiles methods of more than 8000 bytes; 16 divides a bitmap's word.
  private val COLUMNS_A_METHOD = 16
}
