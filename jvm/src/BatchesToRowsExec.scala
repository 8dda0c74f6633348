package org.apache.spark.sql.hydrofoil

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, GenericInternalRow, SortOrder, UnsafeProjection, UnsafeRow}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{ColumnarToRowTransition, SparkPlan}
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.sql.types.{DataType, Decimal}
import org.apache.spark.sql.vectorized.{ColumnarArray, ColumnarBatch, ColumnarMap, ColumnarRow}
import org.apache.spark.unsafe.types.{CalendarInterval, UTF8String}

/**
 * Rows of record batches for a parent that takes them one by one, such as a writer or an exchange.
 * A stage of generated code would put each into a list before it hands it over.
 */
case class BatchesToRowsExec(child: SparkPlan) extends ColumnarToRowTransition {

  override def output: Seq[Attribute] = child.output
  override def outputPartitioning: Partitioning = child.outputPartitioning
  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  override lazy val metrics: Map[String, SQLMetric] = Map(
    "numOutputRows" -> SQLMetrics.createMetric(sparkContext, "number of output rows"),
    "numInputBatches" -> SQLMetrics.createMetric(sparkContext, "number of input batches"))

  override protected def doExecute(): RDD[InternalRow] = {
    val rows = longMetric("numOutputRows")
    val inputs = longMetric("numInputBatches")
    val attributes = output
    val types = attributes.map(a => Layout.stored(a.dataType)).toArray
    child.executeColumnar().mapPartitionsInternal { batches =>
      if (RowBlock.takes(types)) {
        new BlockRows(batches, types, rows, inputs)
      } else {
        new BatchRows(batches, UnsafeProjection.create(attributes, attributes), rows, inputs)
      }
    }
  }

  override protected def withNewChildInternal(newChild: SparkPlan): BatchesToRowsExec =
    copy(child = newChild)
}

/** Rows of batches; the last one that was handed out is written over by the next. */
private abstract class Rows(batches: Iterator[ColumnarBatch], rows: SQLMetric, inputs: SQLMetric)
  extends Iterator[InternalRow] {

  protected[this] var vectors: Array[RawVector] = _
  protected[this] var position = 0
  protected[this] var end = 0

  /** The row at `position`. */
  protected def row(): InternalRow

  override def hasNext: Boolean = position < end || advance()

  override def next(): InternalRow = {
    if (!hasNext) throw new NoSuchElementException("no more rows")
    val current = row()
    position += 1
    current
  }

  private def advance(): Boolean = {
    while (batches.hasNext) {
      val batch = batches.next()
      vectors = Array.tabulate(batch.numCols)(batch.column(_).asInstanceOf[RawVector])
      position = 0
      end = batch.numRows
      restart()
      inputs += 1
      rows += end
      if (end > 0) return true
    }
    false
  }

  /** Another batch has begun. */
  protected def restart(): Unit
}

/** Rows of plain columns, a block at a time. */
private final class BlockRows(
    batches: Iterator[ColumnarBatch],
    types: Array[DataType],
    rows: SQLMetric,
    inputs: SQLMetric)
  extends Rows(batches, rows, inputs) {

  private[this] val block = new RowBlock(types)
  private[this] val current = new UnsafeRow(types.length)
  private[this] var begin = 0
  private[this] var filled = 0

  override protected def restart(): Unit = {
    begin = 0
    filled = 0
  }

  override protected def row(): InternalRow = {
    if (position == filled) {
      begin = position
      filled = position + block.fill(vectors, position, end)
    }
    block.point(current, position - begin)
    current
  }
}

/** Rows of any columns, one by one. */
private final class BatchRows(
    batches: Iterator[ColumnarBatch],
    toUnsafe: UnsafeProjection,
    rows: SQLMetric,
    inputs: SQLMetric)
  extends Rows(batches, rows, inputs) {

  private[this] val view = new RawRow

  override protected def restart(): Unit = view.vectors = vectors

  override protected def row(): InternalRow = {
    view.row = position
    toUnsafe(view)
  }
}

/**
 * A row of vectors of one final class, for generated code to read without a virtual call. It has no
 * values of its own, and its getters are those that Spark's projections call.
 */
private final class RawRow extends GenericInternalRow(0) {

  var vectors: Array[RawVector] = _
  var row = 0

  override def numFields: Int = vectors.length
  override def isNullAt(i: Int): Boolean = vectors(i).isNullAt(row)
  override def getBoolean(i: Int): Boolean = vectors(i).getBoolean(row)
  override def getByte(i: Int): Byte = vectors(i).getByte(row)
  override def getShort(i: Int): Short = vectors(i).getShort(row)
  override def getInt(i: Int): Int = vectors(i).getInt(row)
  override def getLong(i: Int): Long = vectors(i).getLong(row)
  override def getFloat(i: Int): Float = vectors(i).getFloat(row)
  override def getDouble(i: Int): Double = vectors(i).getDouble(row)
  override def getDecimal(i: Int, precision: Int, scale: Int): Decimal =
    vectors(i).getDecimal(row, precision, scale)
  override def getUTF8String(i: Int): UTF8String = vectors(i).getUTF8String(row)
  override def getBinary(i: Int): Array[Byte] = vectors(i).getBinary(row)
  override def getInterval(i: Int): CalendarInterval = vectors(i).getInterval(row)
  override def getStruct(i: Int, fields: Int): ColumnarRow = vectors(i).getStruct(row)
  override def getArray(i: Int): ColumnarArray = vectors(i).getArray(row)
  override def getMap(i: Int): ColumnarMap = vectors(i).getMap(row)
}
