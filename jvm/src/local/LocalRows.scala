package org.apache.spark.sql.hydrofoil.local

import scala.collection.immutable.{AbstractSeq, IndexedSeq}
import scala.util.hashing.MurmurHash3

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.types.{DataType, StructField, StructType}

/**
 * A local relation's rows that are record batches. To whoever reads them they are the rows that
 * Spark would have made of these; whoever knows better takes the batches.
 */
final class LocalRows private (source: LocalBatches, from: Int, until: Int)
  extends AbstractSeq[InternalRow] with IndexedSeq[InternalRow] with Serializable {

  /** The stored types of the columns. */
  def types: Array[DataType] = source.types

  /** The record batches of so many partitions, whose rows are those that Spark would put there. */
  def partitions(n: Int): Seq[Array[LocalBatch]] = {
    def end(i: Int): Int = from + (i.toLong * length / n).toInt
    (0 until n).map(i => source.parts(end(i), end(i + 1)))
  }

  override def length: Int = until - from

  override def apply(i: Int): InternalRow = {
    if (i < 0 || i >= length) throw new IndexOutOfBoundsException(s"row $i of $length")
    source.row(from + i)
  }

  override def iterator: Iterator[InternalRow] = source.rows(from, until)

  override def slice(first: Int, end: Int): LocalRows = {
    val begin = from + math.min(math.max(first, 0), length)
    val stop = from + math.min(math.max(end, 0), length)
    if (begin == from && stop == until) this
    else new LocalRows(source, begin, math.max(begin, stop))
  }

  override def take(n: Int): LocalRows = slice(0, n)
  override def drop(n: Int): LocalRows = slice(n, length)
  override def takeRight(n: Int): LocalRows = slice(length - math.max(n, 0), length)
  override def dropRight(n: Int): LocalRows = slice(0, length - math.max(n, 0))

  override def map[B](f: InternalRow => B): IndexedSeq[B] =
    if (LocalRows.looksForPlans(f) && LocalRows.isNone(f(LocalRows.NONE))) {
      this.asInstanceOf[IndexedSeq[B]]
    } else {
      Vector.from(iterator.map(f))
    }

  override def flatMap[B](f: InternalRow => IterableOnce[B]): IndexedSeq[B] =
    if (LocalRows.looksForPlans(f) && f(LocalRows.NONE).iterator.isEmpty) Vector.empty
    else Vector.from(iterator.flatMap(f))

  override def equals(other: Any): Boolean = other match {
    case rows: LocalRows if length != rows.length => false
    case rows: LocalRows if rows.isOf(source, from) => true
    case _ => super.equals(other)
  }

  private def isOf(others: LocalBatches, begin: Int): Boolean =
    begin == from && ((others eq source) || source.sameBytes(others))

  // That of any sequence of these rows, which are the same for good.
  private lazy val hash = MurmurHash3.seqHash(this)

  override def hashCode: Int = hash
}

object LocalRows {

  /**
   * The rows of messages that are record batches; None where Spark has to read them at once, which
   * says what is wrong with them.
   */
  def of(
      messages: Array[Array[Byte]],
      schema: StructType,
      timeZone: String): Option[LocalRows] = {
    val stored = StructType(schema.fields.map { field =>
      StructField(field.name, Layout.stored(field.dataType), field.nullable)
    })
    val batches = messages.map(Message.batch(_, stored))
    if (batches.exists(_.isEmpty) || batches.iterator.flatten.map(_.rows.toLong).sum > MOST) None
    else {
      val source = new LocalBatches(schema, timeZone, batches.flatten.filter(_.rows > 0))
      Some(new LocalRows(source, 0, source.length))
    }
  }

  private val MOST = Int.MaxValue.toLong

  /** A row that is nobody's. */
  private val NONE = new UnsafeRow(0)

  private def isNone(value: Any): Boolean = value match {
    case same: AnyRef => same eq NONE
    case _ => false
  }

  private val PLANS = Seq("plans.QueryPlan", "trees.TreeNode")
    .map(name => s"org.apache.spark.sql.catalyst.$name$$$$Lambda")

  /**
   * Whether a function is one by which Spark's planner goes through all that an operator is made
   * of, looking for expressions and operators. It does so many times a query, and leaves the same
   * whatever a row is, because a row is neither.
   */
  private def looksForPlans(f: AnyRef): Boolean = PLANS.exists(f.getClass.getName.startsWith)
}
