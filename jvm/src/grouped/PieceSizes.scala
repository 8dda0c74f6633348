package org.apache.spark.sql.hydrofoil.grouped

import org.apache.arrow.vector.{
  BaseFixedWidthVector, BaseLargeVariableWidthVector, BaseVariableWidthVector, FieldVector,
  NullVector}
import org.apache.arrow.vector.complex.{LargeListVector, ListVector, StructVector}
import org.apache.spark.sql.catalyst.expressions.UnsafeRow

/** How many bytes some rows of Arrow vectors take, as if these rows were all there are. */
private[grouped] final class PieceSizes(vectors: Array[FieldVector]) {

  // Null structs take their fields' room in Arrow, and none in a row: what a row's structs may
  // take is known unless structs are items of something.
  private val countable = vectors.forall(v => !PieceSizes.hasStructItems(v, inItems = false))
  private val perRow = vectors.map(PieceSizes.fixedBytes).sum

  /** No fewer bytes than a row takes. */
  def atMost(row: UnsafeRow): Long =
    if (countable) perRow + 2L * row.getSizeInBytes else Long.MaxValue / 4

  /** The bytes of `count` rows from `first` on, which have been written. */
  def exactly(first: Int, count: Int): Long = {
    var total = 0L
    var i = 0
    while (i < vectors.length) {
      // Offsets of trailing nulls are not there before.
      vectors(i).setValueCount(first + count)
      total += PieceSizes.bytes(vectors(i), first, count)
      i += 1
    }
    total
  }
}

private[grouped] object PieceSizes {

  private def bits(count: Int): Long = (count + 7) / 8

  private def bytes(vector: FieldVector, first: Int, count: Int): Long = vector match {
    case _ if count == 0 => 0
    case _: NullVector => 0
    case fixed: BaseFixedWidthVector => fixed.getBufferSizeFor(count)
    case text: BaseVariableWidthVector =>
      bits(count) + 4L * (count + 1) + text.getStartOffset(first + count) -
        text.getStartOffset(first)
    case text: BaseLargeVariableWidthVector =>
      val offsets = text.getOffsetBuffer
      bits(count) + 8L * (count + 1) + offsets.getLong(8L * (first + count)) -
        offsets.getLong(8L * first)
    case list: ListVector =>
      val offsets = list.getOffsetBuffer
      val begin = offsets.getInt(4L * first)
      val end = offsets.getInt(4L * (first + count))
      bits(count) + 4L * (count + 1) + bytes(list.getDataVector, begin, end - begin)
    case list: LargeListVector =>
      val offsets = list.getOffsetBuffer
      val begin = offsets.getLong(8L * first).toInt
      val end = offsets.getLong(8L * (first + count)).toInt
      bits(count) + 8L * (count + 1) + bytes(list.getDataVector, begin, end - begin)
    case struct: StructVector =>
      var total = bits(count)
      struct.getChildrenFromFields.forEach(child => total += bytes(child, first, count))
      total
    case other => other.getBufferSizeFor(first + count).toLong
  }

  private def hasStructItems(vector: FieldVector, inItems: Boolean): Boolean = vector match {
    case struct: StructVector =>
      inItems || struct.getChildrenFromFields.stream().anyMatch(hasStructItems(_, inItems = false))
    case list: ListVector => hasStructItems(list.getDataVector, inItems = true)
    case list: LargeListVector => hasStructItems(list.getDataVector, inItems = true)
    case _ => false
  }

  /** What a row takes besides the bytes of its own values. */
  private def fixedBytes(vector: FieldVector): Long = vector match {
    case struct: StructVector =>
      1 + struct.getChildrenFromFields.stream().mapToLong(fixedBytes(_)).sum()
    case _ => 32
  }
}
