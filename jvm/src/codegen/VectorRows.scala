package org.apache.spark.sql.hydrofoil.codegen

import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.catalyst.expressions.codegen.{
  CodeAndComment, CodeFormatter, CodeGenerator, UnsafeRowWriter}
import org.apache.spark.sql.types.{DataType, DecimalType}
import org.apache.spark.sql.vectorized.ColumnVector

/** Writes rows of vectors of any class, by code for their types, which are those of `RowWriter`. */
abstract class VectorRows {

  /** Takes the vectors of the next rows. */
  def open(vectors: Array[ColumnVector]): Unit

  /** The row at a position; it lasts until the next. */
  def row(position: Int): UnsafeRow
}

object VectorRows {

  def of(types: Array[DataType]): VectorRows =
    CodeGenerator.compile(source(types))._1.generate(Array.empty).asInstanceOf[VectorRows]

  private def source(types: Array[DataType]): CodeAndComment = {
    val fields = types.indices.map(i => s"private ColumnVector c$i;")
    val opens = types.indices.map(i => s"c$i = vectors[$i];")
    val methods = types.zipWithIndex.map { case (dataType, i) =>
      s"private void write$i(int row) {\n${write(dataType, i)}\n}"
    }
    val body = s"""
      |import org.apache.spark.sql.vectorized.ColumnVector;
      |
      |public Object generate(Object[] references) {
      |  return new SpecificRows();
      |}
      |
      |class SpecificRows extends ${classOf[VectorRows].getName} {
      |  private final ${classOf[UnsafeRowWriter].getName} writer =
      |    new ${classOf[UnsafeRowWriter].getName}(${types.length}, 64);
      |  ${fields.mkString("\n")}
      |
      |  public void open(ColumnVector[] vectors) {
      |    ${opens.mkString("\n")}
      |  }
      |
      |  ${methods.mkString("\n")}
      |
      |  public UnsafeRow row(int row) {
      |    writer.reset();
      |    writer.zeroOutNullBytes();
      |    ${types.indices.map(i => s"write$i(row);").mkString("\n")}
      |    return writer.getRow();
      |  }
      |}
      """.stripMargin
    CodeFormatter.stripOverlappingComments(new CodeAndComment(body, Map.empty))
  }

  private def write(dataType: DataType, i: Int): String = {
    val value = CodeGenerator.getValueFromVector(s"c$i", dataType, "row")
    val more = dataType match {
      case decimal: DecimalType => s", ${decimal.precision}, ${decimal.scale}"
      case _ => ""
    }
    s"if (c$i.isNullAt(row)) writer.setNullAt($i);\nelse writer.write($i, $value$more);"
  }
}
