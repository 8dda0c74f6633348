package org.apache.spark.sql.hydrofoil.tests

import java.math.BigDecimal

import org.apache.arrow.memory.BufferAllocator
import org.apache.arrow.vector.VectorSchemaRoot
import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.execution.arrow.ArrowWriter
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector
import org.apache.spark.sql.hydrofoil.build.{ColumnBuilder, DecimalBuilder, UnsafeRows}
import org.apache.spark.sql.types.{
  ArrayType, DataType, Decimal, DecimalType, IntegerType, LongType, StringType, StructField,
  StructType}
import org.apache.spark.sql.util.ArrowUtils

/** Columns hold what was put into their builders, whichever way it was put there. */
final class BuilderTests extends Suite {

  Values.all.foreach { case (dataType, values) =>
    val name = dataType.simpleString

    test(s"$name from rows, more of them than there was room for") { allocator =>
      val many = Seq.fill(100)(values).flatten
      val column = Values.column(dataType, many, allocator)
      try {
        same(Values.of(column), many, name)
        same(Values.of(column, 3), many.drop(3), s"$name from row 3 on")
        same(column.nullCount, many.count(_ == null), s"nulls of $name")
      } finally column.release()
    }

    test(s"$name from a column of ours") { allocator =>
      val source = Values.column(dataType, values, allocator)
      val vector = source.vector(1)
      built(dataType, allocator, values.tail ++ values.slice(1, 2)) { builder =>
        builder.appendRange(vector, 0, values.length - 1)
        builder.appendRange(vector, 0, 1)
      }
      source.release()
    }

    test(s"$name from a block of Spark's rows") { allocator =>
      val block = new UnsafeRows(1)
      Values.rows(dataType, values).foreach(row => block.add(row))
      built(dataType, allocator, values ++ values.tail) { builder =>
        builder.appendRows(block, 0, 0, values.length)
        builder.appendRows(block, 0, 1, values.length - 1)
      }
    }

    test(s"$name without its last rows, and more after that") { allocator =>
      built(dataType, allocator, values.take(2) ++ values) { builder =>
        val rows = Values.rows(dataType, values)
        rows.foreach(builder.append(_, 0))
        builder.truncate(2)
        rows.foreach(builder.append(_, 0))
      }
    }

    test(s"$name takes the bytes that Arrow counts") { allocator =>
      val builder = ColumnBuilder.of(dataType, allocator)
      val rows = Values.rows(dataType, values)
      rows.foreach(builder.append(_, 0))
      (1 to rows.length).foreach { n =>
        same(builder.sizeAt(n), arrowBytes(dataType, rows.take(n), allocator), s"$n rows of $name")
      }
      builder.release()
    }
  }

  Values.flat.tail.foreach { case (dataType, values) =>
    Seq(false, true).foreach { offHeap =>
      val name = s"${dataType.simpleString} from a vector ${if (offHeap) "off" else "on"} the heap"
      test(name) { allocator =>
        // Enough of them for the words by which nulls are read.
        val many = Seq.fill(5)(values).flatten
        val vector = Values.vector(dataType, many, offHeap)
        built(dataType, allocator, many.drop(3) ++ many) { builder =>
          builder.appendRange(vector, 3, many.length - 3)
          builder.appendRange(vector, 0, many.length)
        }
        vector.close()
      }
    }
  }

  test("arrays of a vector whose elements lie in another order, with gaps") { allocator =>
    val vector = new OnHeapColumnVector(4, ArrayType(IntegerType))
    val elements = vector.arrayData
    elements.reserve(10)
    (0 until 10).foreach(i => elements.putInt(i, i))
    vector.putArray(0, 4, 2)
    vector.putArray(1, 6, 1)
    vector.putNull(2)
    vector.putArray(3, 0, 3)
    built(ArrayType(IntegerType), allocator, Seq(Seq(4, 5), Seq(6), null, Seq(0, 1, 2))) {
      _.appendRange(vector, 0, 4)
    }
    vector.close()
  }

  test("a decimal that does not fit its type is null") { allocator =>
    val dataType = DecimalType(4, 2)
    built(dataType, allocator, Seq(null, new BigDecimal("1.24"))) {
      case builder: DecimalBuilder =>
        builder.putDecimal(Decimal("123.4"))
        builder.putDecimal(Decimal("1.236"))
      case other => throw new AssertionError(other.getClass)
    }
  }

  test("a builder that was handed over begins anew, without the nulls that were") { allocator =>
    val builder = ColumnBuilder.of(StringType, allocator)
    builder.putNull()
    builder.finish().release()
    Values.rows(StringType, Seq("a", "b")).foreach(builder.append(_, 0))
    val column = builder.finish()
    same(column.nullCount, 0, "nulls")
    same(Values.of(column), Seq("a", "b"), "values")
    column.release()
  }

  test("what is released is freed, at any row") { allocator =>
    val builder = ColumnBuilder.of(StructType.fromDDL("a ARRAY<STRING>, b BIGINT"), allocator)
    builder.putNull()
    builder.release()
    builder.putNull()
    same(builder.rows, 1, "rows after a release")
    builder.release()
  }

  test("no rows at all are a column") { allocator =>
    Values.all.foreach { case (dataType, _) =>
      built(dataType, allocator, Seq.empty)(_ => ())
    }
    built(LongType, allocator, Seq.empty)(_.truncate(0))
  }

  private def built(dataType: DataType, allocator: BufferAllocator, expected: Seq[Any])(
      fill: ColumnBuilder => Unit): Unit = {
    val builder = ColumnBuilder.of(dataType, allocator)
    val column =
      try {
        fill(builder)
        builder.finish()
      } finally builder.release()
    try {
      same(Values.of(column), expected, dataType.simpleString)
      same(column.nullCount, expected.count(_ == null), s"nulls of ${dataType.simpleString}")
    } finally column.release()
  }

  /** By the writer that Spark's own operators use. */
  private def arrowBytes(
      dataType: DataType,
      rows: Seq[UnsafeRow],
      allocator: BufferAllocator): Long = {
    val schema = StructType(Seq(StructField("value", dataType)))
    val root =
      VectorSchemaRoot.create(ArrowUtils.toArrowSchema(schema, "UTC", false), allocator)
    try {
      val writer = ArrowWriter.create(root)
      rows.foreach(writer.write)
      writer.sizeInBytes().toLong
    } finally root.close()
  }
}
