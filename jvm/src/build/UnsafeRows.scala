package org.apache.spark.sql.hydrofoil.build

import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.unsafe.Platform

/**
 * Copies of some of Spark's rows, one behind the other, of which each column is read by itself:
 * what would be done for each value, to ask for its place and for room where it goes, is done once
 * a column. The rows are few enough to stay in the processor's nearest cache meanwhile.
 */
final class UnsafeRows(fields: Int) {

  private[this] val bitmapBytes = UnsafeRow.calculateBitSetWidthInBytes(fields)
  private[this] val starts = new Array[Int](UnsafeRows.MOST + 1)
  private[this] val nullWords = new Array[Long](bitmapBytes >> 3)
  private[this] val cursor = new UnsafeRow(fields)
  private[this] var memory = new Array[Byte](UnsafeRows.BYTES)
  private[this] var count = 0

  def rows: Int = count

  def clear(): Unit = {
    count = 0
    java.util.Arrays.fill(nullWords, 0L)
  }

  /** Copies a row; false where it is the block's last. */
  def add(row: UnsafeRow): Boolean = {
    val start = starts(count)
    val end = start + row.getSizeInBytes
    if (end > memory.length) memory = java.util.Arrays.copyOf(memory, end)
    val at = Platform.BYTE_ARRAY_OFFSET + start
    Platform.copyMemory(row.getBaseObject, row.getBaseOffset, memory, at, row.getSizeInBytes)
    var word = 0
    while (word < nullWords.length) {
      nullWords(word) |= Platform.getLong(memory, at + (word << 3))
      word += 1
    }
    count += 1
    starts(count) = end
    count < UnsafeRows.MOST && end < UnsafeRows.BYTES
  }

  /** What the addresses of this class's answers are relative to. */
  def base: Array[Byte] = memory

  /** Where a row begins. */
  def at(row: Int): Long = Platform.BYTE_ARRAY_OFFSET + starts(row)

  /** From a row's begin to the word of a column. */
  def fieldOffset(column: Int): Int = bitmapBytes + (column << 3)

  /** Whether any row has a null in the column. */
  def hasNull(column: Int): Boolean = (nullWords(column >> 6) >> (column & 63) & 1L) != 0L

  def isNull(row: Int, column: Int): Boolean =
    (Platform.getLong(memory, at(row) + (column >> 6 << 3)) >> (column & 63) & 1L) != 0L

  /** The row itself, until the next call. */
  def row(i: Int): UnsafeRow = {
    cursor.pointTo(memory, at(i), starts(i + 1) - starts(i))
    cursor
  }
}

object UnsafeRows {
  private val MOST = 256
  private val BYTES = 32 * 1024
}
