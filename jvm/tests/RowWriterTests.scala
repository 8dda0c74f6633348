package org.apache.spark.sql.hydrofoil.tests

import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.hydrofoil.codegen.RowWriter
import org.apache.spark.sql.hydrofoil.memory.Column
import org.apache.spark.sql.types.{DataType, DecimalType, StringType}

/** Rows that are written are, byte for byte, those that Spark's projections make. */
final class RowWriterTests extends Suite {

  private val written = Values.flat.filter(each => RowWriter.takes(Array(each._1)))

  test("which types it takes") { _ =>
    val left = Values.all.map(_._1).diff(written.map(_._1)).map(_.simpleString)
    val nested = Values.nested.map(_._1.simpleString)
    same(left, Seq(DecimalType(38, 4).simpleString, "interval") ++ nested, "types left out")
    same(RowWriter.takes(Array.fill(1000)(StringType)), true, "1000 columns")
    same(RowWriter.takes(Array.fill(1001)(StringType)), false, "1001 columns")
  }

  written.foreach { case (dataType, values) =>
    test(s"a column of ${dataType.simpleString}") { allocator =>
      val column = Values.column(dataType, values, allocator)
      compare(Array(dataType), Array(column), Seq(values))
      column.release()
    }
  }

  test("strings of every length up to three words, at their buffer's end too") { allocator =>
    val values = (0 to 24).map(length => "abcdefghijklmnopqrstuvwxyz".take(length)) :+ null
    (values +: values.map(Seq(_))).foreach { each =>
      val column = Values.column(StringType, each, allocator)
      compare(Array(StringType), Array(column), Seq(each))
      column.release()
    }
  }

  // Of as many columns as make one method and several, and one word of nulls and several.
  Seq(16, 17, 64, 65, 130).foreach { n =>
    test(s"$n columns of all types") { allocator =>
      val types = Array.tabulate(n)(i => written(i % written.length)._1)
      val values = (0 until n).map { i =>
        val some = written(i % written.length)._2
        Seq.tabulate(5)(row => some((i + row) % some.length))
      }
      val columns = types.indices.map(i => Values.column(types(i), values(i), allocator)).toArray
      compare(types, columns, values)
      columns.foreach(_.release())
    }
  }

  /** @param values of each column */
  private def compare(
      types: Array[DataType],
      columns: Array[Column],
      values: Seq[Seq[Any]]): Unit = {
    val writer = RowWriter.of(types)
    val row = new UnsafeRow(types.length)
    Seq(0, 1).filter(_ < columns.head.rows).foreach { start =>
      writer.open(columns.map(_.vector(start)))
      (start until columns.head.rows).foreach { i =>
        writer.write(row, i - start)
        same(row.getBytes, Values.row(types, values.map(_(i))).getBytes, s"row $i from $start on")
      }
    }
  }
}
