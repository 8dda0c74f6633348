package org.apache.spark.sql.hydrofoil.local

import java.lang.ref.SoftReference
import java.util.Arrays

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection
import org.apache.spark.sql.catalyst.types.DataTypeUtils
import org.apache.spark.sql.execution.arrow.ArrowConverters
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.types.{DataType, StructType}

/** Record batches of a data frame. A batch becomes rows, by Spark's code, when one is asked for. */
private[local] final class LocalBatches(
    private val schema: StructType,
    timeZone: String,
    private val batches: Array[LocalBatch])
  extends Serializable {

  val types: Array[DataType] = schema.fields.map(field => Layout.stored(field.dataType))

  // Where each batch begins, and where the last one ends.
  private val starts = batches.scanLeft(0)(_ + _.rows)

  // Rows take more memory than the batches that they can be made of again.
  @transient private lazy val decoded = new Array[SoftReference[Array[InternalRow]]](batches.length)
  @transient private lazy val toUnsafe = {
    val attributes = DataTypeUtils.toAttributes(schema)
    UnsafeProjection.create(attributes, attributes)
  }

  def length: Int = starts.last

  /** The row at a place. */
  def row(at: Int): InternalRow = {
    val batch = batchOf(at)
    rows(batch)(at - starts(batch))
  }

  /** The rows from one place on and before another. */
  def rows(from: Int, until: Int): Iterator[InternalRow] =
    if (from >= until) Iterator.empty
    else {
      Iterator.range(batchOf(from), batchOf(until - 1) + 1).flatMap { batch =>
        val first = starts(batch)
        rows(batch).iterator.slice(from - first, until - first)
      }
    }

  /** The same as record batches. */
  def parts(from: Int, until: Int): Array[LocalBatch] =
    if (from >= until) Array.empty
    else {
      (batchOf(from) to batchOf(until - 1)).map { i =>
        val (first, batch) = (starts(i), batches(i))
        batch.part(math.max(from - first, 0), math.min(until - first, batch.rows), types)
      }.toArray
    }

  /** Whether the bytes are those of others; where they are not, rows can be equal all the same. */
  def sameBytes(other: LocalBatches): Boolean =
    schema == other.schema && batches.length == other.batches.length &&
      batches.indices.forall(i => Arrays.equals(batches(i).bytes, other.batches(i).bytes))

  private def batchOf(at: Int): Int = {
    val found = Arrays.binarySearch(starts, at)
    if (found >= 0) found else -found - 2
  }

  private def rows(batch: Int): Array[InternalRow] = synchronized {
    val known = decoded(batch)
    val rows = if (known == null) null else known.get
    if (rows != null) rows
    else {
      val message = Iterator.single(batches(batch).bytes)
      val made = ArrowConverters
        .fromBatchIterator(message, schema, timeZone, false, false, null)
        .map(toUnsafe(_).copy(): InternalRow)
        .toArray
      decoded(batch) = new SoftReference(made)
      made
    }
  }
}
