package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.sql.execution.vectorized.{OnHeapColumnVector, WritableColumnVector}
import org.apache.spark.sql.types.DataType
import org.apache.spark.sql.vectorized.{ColumnarBatch, ColumnVector}

/** Runs a function over batches, and counts the rows that trip its guards. */
private[compiled] final class GuardedLoop(setting: GuardedTask.Setting) {

  private var trips = new Array[Byte](GuardedLoop.FEWEST)
  private var dirty = false
  private var vector = GuardedLoop.vector(GuardedLoop.FEWEST, setting.resultType)
  private val columns = new Array[ColumnVector](setting.arguments.length)
  // Of the last rows, more or less: how many were tried, and how many tripped.
  private var tried = 0L
  private var tripped = 0L
  private val tripMetric = setting.metrics("rowsTripped")

  /** The results of the last batch; they last until the next. */
  def results: ColumnVector = vector

  /** Whether so many rows trip that it is better not to try. */
  def isVain: Boolean =
    tried >= GuardedLoop.RESPITE && tripped * GuardedLoop.ONE_IN > tried

  /** Evaluates the function for a batch; the answer is how many rows go to Python. */
  def run(batch: ColumnarBatch): Int = {
    val rows = batch.numRows
    if (rows > trips.length) {
      trips = new Array[Byte](rows)
      vector = GuardedLoop.vector(rows, setting.resultType)
    } else {
      if (dirty) java.util.Arrays.fill(trips, 0.toByte)
      vector match {
        case values: WritableColumnVector => values.reset()
        case _ =>
      }
    }
    dirty = false
    var i = 0
    while (i < columns.length) {
      columns(i) = batch.column(setting.arguments(i))
      i += 1
    }
    val found = setting.loop.run(columns, rows, vector, trips)
    if (found > 0) {
      dirty = true
      count(rows, found)
    }
    if (tried > GuardedLoop.MEMORY) {
      tried /= 2
      tripped /= 2
    }
    tried += rows
    tripped += found
    found
  }

  private def count(rows: Int, found: Int): Unit = {
    tripMetric += found
    var i = 0
    while (i < rows) {
      if (trips(i) != 0) setting.reasons(trips(i) - 1) += 1
      i += 1
    }
  }

  /** The rows of the last batch that go to Python. */
  def positions(rows: Int): Array[Int] = {
    val places = new Array[Int](trips.iterator.take(rows).count(_ != 0))
    var n = 0
    var i = 0
    while (n < places.length) {
      if (trips(i) != 0) {
        places(n) = i
        n += 1
      }
      i += 1
    }
    places
  }
}

private object GuardedLoop {

  private def vector(rows: Int, dataType: DataType): ColumnVector =
    if (TextVector.holds(dataType)) new TextVector(rows) else new OnHeapColumnVector(rows, dataType)

  private val FEWEST = 4096
  private val RESPITE = 1000
  private val MEMORY = 1L << 16
  private val ONE_IN = 6
}
