package org.apache.spark.sql.hydrofoil.exchange

/**
 * How many rows a batch should have for a function of single rows: few at first, then as many as
 * the worker answers in about `TARGET` nanoseconds.
 */
final class Pace(most: Int) {

  private var size = math.min(Pace.FIRST, most)
  private var last = System.nanoTime()

  def rows: Int = size

  /** Takes note of an answer of so many rows; the size of the batches to come. */
  def answered(answer: Int): Int = {
    val now = System.nanoTime()
    val perRow = math.max((now - last).toDouble / math.max(answer, 1), 1.0)
    last = now
    size = math.max(1, math.min(math.min(Pace.TARGET / perRow, size * 4.0), most.toDouble)).toInt
    size
  }
}

object Pace {
  private val FIRST = 1024
  private val TARGET = 250e6
}
