package org.apache.spark.sql.hydrofoil.grouped

import java.io.DataOutputStream

import org.apache.arrow.vector.types.pojo.Schema
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.hydrofoil.memory.TaskBuffers
import org.apache.spark.sql.hydrofoil.shim.BatchSource

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
private[grouped] final class GroupsWriter(
    schemas: Seq[Schema],
    inStruct: Boolean,
    limits: PieceLimits,
    groups: Iterator[Array[Iterator[InternalRow]]],
    metrics: Map[String, SQLMetric],
    buffers: TaskBuffers) extends BatchSource {

  private val sides = schemas.map(new SideWriter(_, inStruct, limits, buffers.allocator)).toArray
  buffers.atEnd(() => sides.foreach(_.close()))

  private val bytesSent = metrics("pythonDataSent")
  private val rowsSent = metrics("rowsSent")
  private val batchesSent = metrics("batchesSent")
  private val groupsSent = metrics("groupsSent")

  private var started = false
  // Small at first, so that the worker begins while the next rows are gathered.
  private var rowsEnough = GroupsWriter.FIRST_ROWS
  private val rowsMost = math.min(limits.rows, GroupsWriter.MOST_ROWS)
  private var group: Array[Iterator[InternalRow]] = _
  private var side = 0

  override def writesSchema: Boolean = true

  /** Writes the next chunk; false once the end is written. */
  override protected def write(out: DataOutputStream): Boolean = {
    val before = out.size()
    if (!started) {
      started = true
      out.writeInt(GroupsWriter.MAGIC)
      out.writeInt(sides.length)
      sides.foreach(_.writeSchema(out))
    }
    gather()
    val more = !sides.forall(_.isEmpty)
    if (more) {
      sides.foreach { side =>
        rowsSent += side.rows
        batchesSent += (if (side.isEmpty) 0 else 1)
        side.flush(out)
      }
      rowsEnough = math.min(2 * rowsEnough, rowsMost)
      buffers.settle()
    } else {
      out.writeInt(GroupsWriter.END)
      sides.foreach(_.close())
    }
    bytesSent += out.size() - before
    more
  }

  private def gather(): Unit = {
    while (!sides.exists(_.isFull(rowsEnough)) && (group != null || groups.hasNext)) {
      if (group == null) {
        group = groups.next()
        side = 0
      }
      if (sides(side).take(group(side))) {
        side += 1
        if (side == sides.length) {
          group = null
          groupsSent += 1
        }
      }
    }
  }
}

private[grouped] object GroupsWriter {
  /** What data begins with; stock's worker takes it for a number of data frames that it refuses. */
  val MAGIC = 0x48464731
  /** In the place of a chunk. */
  val END: Int = -1

  private val FIRST_ROWS = 512
  private val MOST_ROWS = 10000
}
