package org.apache.spark.sql.hydrofoil.grouped

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, UnsafeProjection}
import org.apache.spark.sql.execution.GroupedIterator

/**
 * The columns of one data frame of a group.
 *
 * @param sent    what goes to Python: a key that is among the values too goes once
 * @param offsets what Python is told of them: how many numbers follow, how many keys there are, the
 *                keys' places in `sent`, and the values'
 */
private[grouped] final case class GroupColumns(sent: Seq[Attribute], offsets: Array[Int])

private[grouped] object GroupColumns {
  /** @param columns the keys, then the values */
  def of(columns: Seq[Attribute], grouping: Seq[Attribute]): GroupColumns = {
    val values = columns.drop(grouping.length)
    val among = grouping.map(key => values.indexWhere(key.semanticEquals))
    val keysOnly = grouping.zip(among).collect { case (key, -1) => key }
    val places = Iterator.from(0)
    val keys = among.map {
      case -1 => places.next()
      case place => keysOnly.length + place
    }
    val sent = keysOnly ++ values
    val rest = keysOnly.length until sent.length
    GroupColumns(sent, Array(1 + keys.length + rest.length, keys.length) ++ keys ++ rest)
  }
}

private[grouped] object Groups {
  /** Each group's key and rows, which have `columns` only and are UnsafeRows. */
  def of(
      rows: Iterator[InternalRow],
      grouping: Seq[Attribute],
      input: Seq[Attribute],
      columns: Seq[Attribute]): Iterator[(InternalRow, Iterator[InternalRow])] = {
    val projection = UnsafeProjection.create(columns, input)
    GroupedIterator(rows, grouping, input).map { case (key, group) => (key, group.map(projection)) }
  }
}
