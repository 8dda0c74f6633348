package org.apache.spark.sql.hydrofoil.tests

import scala.util.Try

import org.apache.spark.{SparkConf, SparkContext}
import org.apache.spark.sql.hydrofoil.memory.{Column, SpillFile}
import org.apache.spark.sql.types.{ArrayType, BinaryType}

/** Columns that are read from disk are those that were written, in any order, encrypted as well. */
final class SpillFileTests extends Suite {

  Seq(false, true).foreach { encrypted =>
    val how = if (encrypted) ", encrypted" else ""

    test(s"columns of all types$how, read again in another order") { allocator =>
      withSpark(encrypted) {
        val file = new SpillFile
        val groups = Seq(Values.flat, Values.nested, Values.all.reverse)
        val starts = groups.map { group =>
          val columns = group.map { case (dataType, values) =>
            Values.column(dataType, values, allocator)
          }.toArray
          try file.write(columns)
          finally columns.foreach(_.release())
        }
        same(allocator.getAllocatedMemory, 0L, "memory of what was written")
        groups.zip(starts).reverse.foreach { case (group, start) =>
          val read = file.read(start, group.map(_._1).toArray, allocator)
          group.zip(read).foreach { case ((dataType, values), column) =>
            same(Values.of(column), values, dataType.simpleString)
            same(column.nullCount, values.count(_ == null), s"nulls of ${dataType.simpleString}")
          }
          read.foreach(_.release())
        }
        file.close()
      }
    }

    test(s"a column larger than the chunks that are written at once$how") { allocator =>
      withSpark(encrypted) {
        val (dataType, some) = Values.flat.last
        val values = Seq.fill(2000)(some).flatten
        val file = new SpillFile
        val column = Values.column(dataType, values, allocator)
        val start = file.write(Array(column))
        column.release()
        val read: Array[Column] = file.read(start, Array(dataType), allocator)
        same(Values.of(read(0)), values, dataType.simpleString)
        read.foreach(_.release())
        file.close()
      }
    }
  }

  test("what can't be read to its end leaves no memory") { allocator =>
    withSpark(encrypted = false) {
      val file = new SpillFile
      // Read as one of arrays, the bytes are an element's buffers, of which the last is missing.
      val column = Values.column(BinaryType, Seq(null, Array.fill[Byte](16)(-1)), allocator)
      val start = file.write(Array(column))
      column.release()
      val read = Try(file.read(start, Array(ArrayType(BinaryType)), allocator))
      same(read.failed.map(_.getClass.getSimpleName).getOrElse("none"), "EOFException", "the error")
      file.close()
    }
  }

  /** Files are made and encrypted by what Spark has running. */
  private def withSpark(encrypted: Boolean)(body: => Unit): Unit = {
    val conf = new SparkConf()
      .setMaster("local[1]")
      .setAppName("tests")
      .set("spark.ui.enabled", "false")
      .set("spark.log.level", "ERROR")
      .set("spark.io.encryption.enabled", encrypted.toString)
    val context = new SparkContext(conf)
    try body
    finally context.stop()
  }
}
