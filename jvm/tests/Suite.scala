package org.apache.spark.sql.hydrofoil.tests

import java.math.BigDecimal

import scala.collection.mutable

import org.apache.arrow.memory.{BufferAllocator, RootAllocator}
import org.apache.spark.sql.Row

/** Cases that are run one after the other, each with an allocator that is empty at its end. */
abstract class Suite {

  private val cases = mutable.ArrayBuffer.empty[(String, BufferAllocator => Unit)]

  protected def test(name: String)(body: BufferAllocator => Unit): Unit = cases += name -> body

  /** Fails, with the values, where they are not the same. */
  protected def same(actual: Any, expected: Any, what: String): Unit =
    if (Suite.shown(actual) != Suite.shown(expected)) {
      throw new AssertionError(
        s"$what\n    is       ${Suite.shown(actual)}\n    expected ${Suite.shown(expected)}")
    }

  /** Runs all cases; the answer is how many passed, and what is to be said of the others. */
  final def run(): (Int, Seq[String]) = {
    val failures = cases.toSeq.flatMap { case (name, body) =>
      val allocator = new RootAllocator()
      try {
        body(allocator)
        same(allocator.getAllocatedMemory, 0L, "memory that was not freed")
        None
      } catch {
        case error: Throwable =>
          val where = error.getStackTrace.find(_.getFileName == s"${getClass.getSimpleName}.scala")
          val line = where.map(frame => s" (${frame.getFileName}:${frame.getLineNumber})")
          Some(s"${getClass.getSimpleName}: $name${line.getOrElse("")}: $error")
      }
    }
    (cases.length - failures.length, failures)
  }
}

object Suite {

  /** A value as it is compared and printed: by what it holds, whatever class it is of. */
  def shown(value: Any): String = value match {
    case null => "null"
    case bytes: Array[Byte] => bytes.map(byte => f"$byte%02x").mkString("x", "", "")
    case values: scala.collection.Map[_, _] =>
      values.map { case (key, item) => s"${shown(key)} -> ${shown(item)}" }.mkString("{", ", ", "}")
    case values: Array[_] => values.map(shown).mkString("[", ", ", "]")
    case values: Iterable[_] => values.map(shown).mkString("[", ", ", "]")
    case row: Row => row.toSeq.map(shown).mkString("(", ", ", ")")
    case decimal: BigDecimal => decimal.toPlainString
    case other => other.toString
  }
}
