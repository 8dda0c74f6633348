package org.apache.spark.sql.hydrofoil.compiled

import java.io.DataOutputStream

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection
import org.apache.spark.sql.hydrofoil.build.ColumnBuilder
import org.apache.spark.sql.hydrofoil.exchange.{Part, TimedResults, Wire}
import org.apache.spark.sql.hydrofoil.memory.{ArrowBatch, Column, TaskBuffers}
import org.apache.spark.sql.hydrofoil.results.{Adoption, Results => ResultVectors}
import org.apache.spark.sql.hydrofoil.shim.{Argument, BatchSource, RunnerSpec, Shim}
import org.apache.spark.sql.types.DataType

/** Rows that go to Python: their arguments. */
private[compiled] trait PythonRows {

  /** The arguments of the next rows; null at the end. The caller releases them. */
  def nextPart(): Part
}

/** Calls the function itself for rows, as it would be called for all of them. */
abstract class PythonHalf extends Serializable {

  /** Results in the order of the rows, some at a time, at least one; null at the end. */
  private[compiled] def answers(rows: PythonRows, setting: GuardedTask.Setting): () => Column
}

/** Rows that go as record batches. */
final class ArrowHalf(spec: RunnerSpec, arguments: Argument.Lists) extends PythonHalf {

  private[compiled] override def answers(
      rows: PythonRows, setting: GuardedTask.Setting): () => Column = {
    val buffers = TaskBuffers.of(setting.context)
    val source = new ArrowRows(rows, setting, buffers)
    val results = new TimedResults(
      Shim.get.scalarRunner(spec, arguments, source).results(setting.context),
      source,
      setting.metrics)
    () => next(results, setting, buffers)
  }

  private def next(
      results: TimedResults, setting: GuardedTask.Setting, buffers: TaskBuffers): Column = {
    var batch = results.nextOrNull()
    while (batch != null && batch.numRows == 0) batch = results.nextOrNull()
    if (batch == null) null
    else {
      val expected = Seq(setting.resultType)
      val actual = (0 until batch.numCols).map(batch.column(_).dataType)
      if (!DataType.equalsIgnoreCompatibleCollation(expected, actual)) {
        throw Shim.get.scalarMismatch(expected, actual)
      }
      Adoption.adopt(ResultVectors.vector(batch, 0), setting.resultType, buffers.allocator)
    }
  }
}

private final class ArrowRows(
    rows: PythonRows, setting: GuardedTask.Setting, buffers: TaskBuffers)
  extends BatchSource {

  private val wire = new Wire(buffers.allocator)
  private val bytesSent = setting.metrics("pythonDataSent")
  private val rowsSent = setting.metrics("rowsSent")
  private val batchesSent = setting.metrics("batchesSent")

  override protected def write(out: DataOutputStream): Boolean = {
    val part = rows.nextPart()
    if (part != null) {
      try bytesSent += wire.write(part.columns, part.rows, wrapped = false, out)
      finally part.release()
      rowsSent += part.rows
      batchesSent += 1
    }
    part != null
  }
}

/** Rows that go pickled, by Spark's own code. */
final class PickledHalf(pickled: PickledRows) extends PythonHalf {

  private[compiled] override def answers(
      rows: PythonRows, setting: GuardedTask.Setting): () => Column = {
    val buffers = TaskBuffers.of(setting.context)
    // A batch's row gives values of what is null, which Spark's pickler would take.
    val project = UnsafeProjection.create(setting.arguments.map(setting.childTypes(_)))
    val arguments = new PickledArguments(rows, buffers).map(project)
    val results = pickled.results(arguments, setting.context)
    val builder = ColumnBuilder.of(setting.resultType, buffers.allocator)
    buffers.atEnd(() => builder.release())
    () => {
      while (builder.rows < PickledHalf.ROWS && results.hasNext) builder.append(results.next(), 0)
      if (builder.rows == 0) null else builder.finish()
    }
  }
}

private object PickledHalf {
  private val ROWS = 128
}

/** The rows of parts, one by one; a row lasts until the next. */
private final class PickledArguments(rows: PythonRows, buffers: TaskBuffers)
  extends Iterator[InternalRow] {

  private var batch: ArrowBatch = _
  private var left = java.util.Collections.emptyIterator[InternalRow]()

  override def hasNext: Boolean = {
    while (!left.hasNext) {
      if (batch != null) batch.close()
      batch = null
      val part = rows.nextPart()
      if (part == null) return false
      batch = ArrowBatch.whole(part.columns, part.rows, buffers)
      left = batch.rowIterator()
    }
    true
  }

  override def next(): InternalRow = {
    hasNext
    left.next()
  }
}

/** Python's answers as they come, taken as they are needed. */
private[compiled] final class Answers(source: () => Column, buffers: TaskBuffers) {

  private var column: Column = _
  private var position = 0

  buffers.atEnd(() => drop())

  private def drop(): Unit = {
    if (column != null) column.release()
    column = null
  }

  def available: Int = if (column == null) 0 else column.rows - position

  /** Waits for more, once there are none; false where there is nothing more to come. */
  def receive(): Boolean = {
    drop()
    column = source()
    position = 0
    buffers.settle()
    column != null
  }

  private def need(): Unit =
    if (available == 0 && !receive()) {
      throw new IllegalStateException("Python gave fewer results than it was sent rows")
    }

  /** The column of the next `n` results, at most `available`, and where they begin. */
  def take(n: Int): (Column, Int) = {
    val from = position
    position += n
    (column.retain(), from)
  }

  /** Appends the next `n` results. */
  def append(builder: ColumnBuilder, n: Int): Unit = {
    var left = n
    while (left > 0) {
      need()
      val some = math.min(left, available)
      builder.appendRange(column.vector(0), position, some)
      position += some
      left -= some
    }
  }
}
