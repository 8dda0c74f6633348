package org.apache.spark.sql.hydrofoil.exchange

import java.util.ArrayDeque

import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.hydrofoil.memory.{Column, Spillable, SpillFile, TaskBuffers}
import org.apache.spark.sql.types.DataType

/**
 * The columns that a function's results are to be joined to, in the order of their rows. What waits
 * longer than `bound` bytes, or than Spark's memory manager allows, waits on disk; a function that
 * reads all of its input before it answers holds no more than that.
 */
final class PassThrough(
    types: Array[DataType],
    bound: Long,
    spilled: SQLMetric,
    buffers: TaskBuffers)
  extends Spillable {

  private final class Entry(var columns: Array[Column], val rows: Int, val bytes: Long) {
    var at = -1L
  }

  private val entries = new ArrayDeque[Entry]
  private var file: SpillFile = _
  private var inMemory = 0L
  private var start = 0

  buffers.spillWith(this)
  buffers.atEnd(() => close())

  /** Takes over the columns. */
  def add(columns: Array[Column], rows: Int): Unit = {
    val entry = new Entry(columns, rows, columns.map(_.bytes).sum)
    entries.addLast(entry)
    inMemory += entry.bytes
    if (inMemory > bound && (entries.peekFirst ne entry)) toDisk(entry)
    buffers.settle()
  }

  /** Rows until the end of the first batch that waits; 0 where none does. */
  def available: Int = if (entries.isEmpty) 0 else entries.peekFirst.rows - start

  /** The columns of the next `n` rows, at most `available`, and the row that they begin at. */
  def take(n: Int): (Array[Column], Int) = {
    val entry = entries.peekFirst
    if (entry.columns == null) fromDisk(entry)
    val from = start
    start += n
    if (start == entry.rows) {
      entries.removeFirst()
      inMemory -= entry.bytes
      start = 0
      (entry.columns, from)
    } else {
      (entry.columns.map(_.retain()), from)
    }
  }

  override def spill(bytes: Long): Long = {
    var freed = 0L
    val newest = entries.descendingIterator()
    while (freed < bytes && newest.hasNext) {
      val entry = newest.next()
      // The first is in use, or will be in a moment.
      if (entry.columns != null && (entry ne entries.peekFirst)) {
        toDisk(entry)
        freed += entry.bytes
      }
    }
    freed
  }

  private def toDisk(entry: Entry): Unit = if (entry.bytes > 0) {
    if (file == null) file = new SpillFile
    entry.at = file.write(entry.columns)
    entry.columns.foreach(_.release())
    entry.columns = null
    inMemory -= entry.bytes
    spilled += entry.bytes
  }

  private def fromDisk(entry: Entry): Unit = {
    entry.columns = file.read(entry.at, types, buffers.allocator)
    inMemory += entry.bytes
  }

  private def close(): Unit = {
    entries.forEach(entry => if (entry.columns != null) entry.columns.foreach(_.release()))
    entries.clear()
    if (file != null) file.close()
  }
}
