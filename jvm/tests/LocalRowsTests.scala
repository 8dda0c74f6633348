package org.apache.spark.sql.hydrofoil.tests

import java.io.{ByteArrayInputStream, ByteArrayOutputStream, ObjectInputStream, ObjectOutputStream}
import java.math.BigDecimal
import java.util.Arrays

import org.apache.arrow.memory.BufferAllocator
import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.Literal
import org.apache.spark.sql.catalyst.plans.logical.LocalRelation
import org.apache.spark.sql.catalyst.types.DataTypeUtils
import org.apache.spark.sql.execution.LocalTableScanExec
import org.apache.spark.sql.hydrofoil.exchange.Wire
import org.apache.spark.sql.hydrofoil.exec.HydrofoilLocalBatchesExec
import org.apache.spark.sql.hydrofoil.local.LocalRows
import org.apache.spark.sql.types._

/** Record batches are to all who read them the sequence of the rows that Spark makes of them. */
final class LocalRowsTests extends Suite {

  Values.all.foreach { case (dataType, few) =>
    val name = dataType.simpleString
    val schema = StructType(Seq(StructField("value", dataType)))
    val values = Iterator.continually(few).flatten.take(61).toSeq

    def rows(allocator: BufferAllocator, sizes: Int*): LocalRows =
      LocalRows.of(messages(dataType, values, sizes, allocator), schema, "UTC").get

    test(s"$name, row by row") { allocator =>
      val made = rows(allocator, 24, 0, 13, 24)
      val expected = Values.rows(dataType, values).toVector
      same(made == expected, true, "ours equal to Spark's")
      same(expected == made, true, "Spark's equal to ours")
      same(made.hashCode, expected.hashCode, "hash")
      same(made.indices.map(made) == expected, true, "each by its place")
      same(made.slice(20, 40) == expected.slice(20, 40), true, "a slice")
      same(made.take(30).drop(20) == expected.slice(20, 30), true, "a slice of a slice")
      same(made.takeRight(7) == expected.takeRight(7), true, "the last")
      same(made.dropRight(70).isEmpty && made.take(-1).isEmpty, true, "none")
      same(made.map(_.copy()) == expected, true, "mapped")
      same(made.filter(_.isNullAt(0)) == expected.filter(_.isNullAt(0)), true, "filtered")
    }

    test(s"$name, in partitions") { allocator =>
      val all = rows(allocator, 24, 0, 13, 24)
      Seq(all -> values, all.slice(3, 59) -> values.slice(3, 59)).foreach { case (local, wanted) =>
        Seq(1, 2, 7, 30).foreach { n =>
          local.partitions(n).zipWithIndex.foreach { case (batches, i) =>
            val got = batches.toSeq.flatMap { batch =>
              val columns = batch.columnsIn(allocator, local.types)
              val read = Values.of(columns(0), batch.start).take(batch.rows).toVector
              same(read.length, batch.rows, "rows of a batch")
              columns.foreach(_.release())
              read
            }
            val (from, until) = (i * wanted.length / n, (i + 1) * wanted.length / n)
            same(got, wanted.slice(from, until), s"partition $i of $n")
          }
        }
      }
    }

    test(s"$name, equal and serialized") { allocator =>
      val made = rows(allocator, 24, 13, 24)
      same(made == rows(allocator, 24, 13, 24), true, "equal to the same batches")
      same(made == rows(allocator, 60, 1), true, "equal to other batches of the same rows")
      same(made.hashCode, rows(allocator, 60, 1).hashCode, "hash")
      same(made == made.take(60), false, "equal to fewer")
      same(made == made.drop(1).take(61), false, "equal to others")
      val out = new ByteArrayOutputStream
      new ObjectOutputStream(out).writeObject(made.take(50))
      val in = new ObjectInputStream(new ByteArrayInputStream(out.toByteArray))
      same(in.readObject() == made.take(50), true, "equal after serialization")
    }
  }

  test("the planner goes through a relation, and the rows stay as they are") { allocator =>
    val schema = StructType(Seq(StructField("value", LongType)))
    val sent = messages(LongType, Seq(1L, 2L, null), Seq(3), allocator)
    val local = LocalRows.of(sent, schema, "UTC").get
    // Whoever reads a row now fails.
    sent.foreach(Arrays.fill(_, 0.toByte))
    val relation = LocalRelation(DataTypeUtils.toAttributes(schema), local)
    same(relation.clone().asInstanceOf[LocalRelation].data eq local, true, "a clone's rows")
    same(relation.expressions.length, 1, "expressions")
    val changed = relation.transformAllExpressions { case literal: Literal => literal }
    same(changed.asInstanceOf[LocalRelation].data eq local, true, "rows of what is transformed")
    val normal = relation.canonicalized.asInstanceOf[LocalRelation]
    same(normal.data eq local, true, "rows in normal form")
    same(relation.newInstance().data eq local, true, "rows of an instance")
    same(relation.maxRows, Some(3L), "rows at most")
    same(relation.toString.contains("LocalRelation [value#"), true, relation.toString)
    var failed = false
    try local.head: InternalRow
    catch { case _: Exception => failed = true }
    same(failed, true, "reading a row fails")
  }

  test("what is not exactly a batch of the schema is left to Spark") { allocator =>
    def taken(sent: Array[Byte], fields: StructField*): Boolean =
      LocalRows.of(Array(sent), StructType(fields), "UTC").isDefined
    val sent = messages(StringType, Seq("a", null, "text"), Seq(3), allocator).head
    val text = StructField("a", StringType)
    same(taken(sent, text), true, "its own schema")
    same(taken(sent, text.copy(nullable = false)), false, "no nulls")
    same(taken(sent, text, text), false, "a column more")
    same(taken(sent), false, "a column less")
    same(taken(sent, text.copy(dataType = LongType)), false, "longs")
    same(taken(sent, text.copy(dataType = ArrayType(StringType))), false, "arrays")
    same(taken(sent.dropRight(8), text), false, "too short")
    same(taken(sent.drop(8), text), false, "no beginning")
    same(taken(Array.empty, text), false, "nothing")
  }

  test("decimals of more digits than their type has are left to Spark") { allocator =>
    def taken(precision: Int, text: String*): Boolean = {
      val values = text.map(one => if (one == null) null else new BigDecimal(one))
      val sent = messages(DecimalType(38, 2), values, Seq(values.length), allocator)
      val schema = StructType(Seq(StructField("a", DecimalType(precision, 2))))
      LocalRows.of(sent, schema, "UTC").isDefined
    }
    // At 19 and 20 digits, a number's first half is needed.
    Seq(3, 5, 18, 19, 20, 21, 37).foreach { digits =>
      val largest = "9" * (digits - 2) + ".99"
      val beyond = "1" + "0" * (digits - 2) + ".00"
      same(taken(digits, "0.00", largest, null, "-" + largest), true, s"$digits digits")
      same(taken(digits, "0.00", beyond), false, s"a digit more than $digits")
      same(taken(digits, "0.00", "-" + beyond), false, s"-, a digit more than $digits")
      same(taken(digits + 1, beyond, "-" + beyond), true, s"${digits + 1} digits")
    }
  }

  test("tasks get the batches, whatever the user's serializer takes") { allocator =>
    val schema = StructType(Seq(StructField("value", LongType)))
    val sent = messages(LongType, Seq(1L, 2L, null), Seq(2, 1), allocator)
    val local = LocalRows.of(sent, schema, "UTC").get
    val session = SparkSession
      .builder()
      .master("local[1]")
      .config("spark.ui.enabled", "false")
      .config("spark.log.level", "OFF")
      .config("spark.serializer", "org.apache.spark.serializer.KryoSerializer")
      .config("spark.kryo.registrationRequired", "true")
      .getOrCreate()
    try {
      val scan = LocalTableScanExec(DataTypeUtils.toAttributes(schema), local, None)
      val rows = HydrofoilLocalBatchesExec(scan).executeColumnar().map(_.numRows).collect()
      same(rows.sum, 3, "rows that tasks got")
    } finally session.stop()
  }

  /** Values in record batches of so many rows. */
  private def messages(
      dataType: DataType,
      values: Seq[Any],
      sizes: Seq[Int],
      allocator: BufferAllocator): Array[Array[Byte]] = {
    val ends = sizes.scanLeft(0)(_ + _)
    ends.zip(ends.drop(1)).map { case (from, until) =>
      val column = Values.column(dataType, values.slice(from, until), allocator)
      try new Wire(allocator).message(Array(column), until - from)
      finally column.release()
    }.toArray
  }
}
