package org.apache.spark.sql.hydrofoil.grouped

import java.io.DataOutputStream

import org.apache.arrow.vector.types.pojo.Schema

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.util.ArrowUtils

/**
 * Writes a task's groups to Hydrofoil's worker as few large record batches.
 *
 * The format, integers as Java writes them unless said otherwise:
 * {{{
 *   data  = MAGIC, number of sides, schema message of each side, chunk*, END
 *   chunk = for each side: number of pieces, [length of each piece, record batch message]
 * }}}
 * A side is one of the data frames that a group has. A length is a little-endian int: twice the
 * number of the piece's rows, plus one if it is the last piece of its group. A side without pieces
 * has neither lengths nor a batch. Schemas and batches are Arrow IPC messages.
 *
 * @param groups of each group, an iterator over the rows of each side; all rows are UnsafeRows.
 *               They are read one after the other.
 */
final class GroupsWriter(
    schemas: Seq[Schema],
    inStruct: Boolean,
    limits: Limits,
    groups: Iterator[Array[Iterator[InternalRow]]]) extends AutoCloseable {

  private val allocator =
    ArrowUtils.rootAllocator.newChildAllocator("groups to Python", 0, Long.MaxValue)
  private val sides = schemas.map(new SideWriter(_, inStruct, limits, allocator)).toArray
  private var started = false
  private var closed = false
  // Small at first, so that the worker begins while the next rows are gathered.
  private var rowsEnough = GroupsWriter.FirstRows
  private val rowsMost = math.min(limits.rows, GroupsWriter.MostRows)
  private var group: Array[Iterator[InternalRow]] = _
  private var side = 0

  /** Writes the next chunk; false once the end is written. */
  def write(out: DataOutputStream): Boolean = {
    if (!started) {
      started = true
      out.writeInt(GroupsWriter.Magic)
      out.writeInt(sides.length)
      sides.foreach(_.writeSchema(out))
    }
    gather()
    if (sides.forall(_.isEmpty)) {
      out.writeInt(GroupsWriter.End)
      close()
      false
    } else {
      sides.foreach(_.flush(out))
      rowsEnough = math.min(2 * rowsEnough, rowsMost)
      true
    }
  }

  private def gather(): Unit = {
    while (!sides.exists(_.isFull(rowsEnough)) && (group != null || groups.hasNext)) {
      if (group == null) {
        group = groups.next()
        side = 0
      }
      if (sides(side).take(group(side))) {
        side += 1
        if (side == sides.length) group = null
      }
    }
  }

  override def close(): Unit = if (!closed) {
    closed = true
    sides.foreach(_.close())
    allocator.close()
  }
}

object GroupsWriter {
  /** What data begins with; stock's worker takes it for a number of data frames that it refuses. */
  val Magic = 0x48464731
  /** In the place of a chunk. */
  val End: Int = -1

  private val FirstRows = 512
  private val MostRows = 10000
}
