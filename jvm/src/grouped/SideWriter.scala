package org.apache.spark.sql.hydrofoil.grouped

import java.io.DataOutputStream
import java.nio.{ByteBuffer, ByteOrder}
import java.nio.channels.Channels
import java.util.Arrays

import scala.jdk.CollectionConverters._

import org.apache.arrow.memory.BufferAllocator
import org.apache.arrow.vector.{VectorSchemaRoot, VectorUnloader}
import org.apache.arrow.vector.complex.StructVector
import org.apache.arrow.vector.ipc.WriteChannel
import org.apache.arrow.vector.ipc.message.MessageSerializer
import org.apache.arrow.vector.types.pojo.{Field, FieldType, Schema}
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.UnsafeRow
import org.apache.spark.sql.execution.arrow.ArrowWriter

/**
 * Gathers the rows of one data frame of many groups into record batches.
 *
 * What stock would send as a record batch of its own is a piece here: a group, or as much of it as
 * the limits let into one batch. A record batch on the wire holds whole pieces, of as many groups
 * as fit, so that Python can give each function exactly the batches it would get from stock.
 *
 * @param schema   of the rows
 * @param inStruct send the columns as the fields of one struct column
 * @param limits   where stock ends a batch within a group
 */
private[grouped] final class SideWriter(
    schema: Schema,
    inStruct: Boolean,
    limits: PieceLimits,
    allocator: BufferAllocator) extends AutoCloseable {

  private val sent: Schema =
    if (inStruct) new Schema(java.util.List.of(SideWriter.struct(schema))) else schema
  private val root = VectorSchemaRoot.create(sent, allocator)
  private val struct: StructVector =
    if (inStruct) root.getVector(0).asInstanceOf[StructVector] else null
  private val columns: VectorSchemaRoot =
    if (inStruct) new VectorSchemaRoot(struct.getChildrenFromFields) else root
  private val writer = ArrowWriter.create(columns)
  private val unloader = new VectorUnloader(root)
  private val sizes = new PieceSizes(columns.getFieldVectors.asScala.toArray)

  private var pieces = new Array[Int](1024)
  private var count = 0
  private var gathered = 0
  private var defined = 0
  // No fewer bytes than the rows take in Arrow's memory, counted without looking there.
  private var bytesAtMost = 0L

  /** Whether what is gathered should be written before another piece begins. */
  def isFull(rowsEnough: Int): Boolean =
    gathered >= rowsEnough || bytesAtMost >= SideWriter.BYTES_ENOUGH

  def isEmpty: Boolean = count == 0

  def rows: Int = gathered

  def writeSchema(out: DataOutputStream): Unit =
    MessageSerializer.serialize(new WriteChannel(Channels.newChannel(out)), sent)

  /** Takes the next piece of a group; true if it was the group's last. */
  def take(group: Iterator[InternalRow]): Boolean = {
    val first = gathered
    val bytesBefore = bytesAtMost
    var pieceAtMost = 0L
    var open = true
    while (open && group.hasNext) {
      val row = group.next()
      writer.write(row)
      gathered += 1
      pieceAtMost += sizes.atMost(row.asInstanceOf[UnsafeRow])
      if (gathered - first >= limits.rows) {
        open = false
      } else if (pieceAtMost >= limits.bytes) {
        // As near to the limit as this only the true size tells.
        pieceAtMost = sizes.exactly(first, gathered - first)
        open = pieceAtMost < limits.bytes
      }
    }
    bytesAtMost = bytesBefore + pieceAtMost
    val last = !group.hasNext
    if (count == pieces.length) pieces = Arrays.copyOf(pieces, 2 * count)
    pieces(count) = (gathered - first) << 1 | (if (last) 1 else 0)
    count += 1
    last
  }

  /** Writes what is gathered: how many pieces, their lengths, and their rows as a record batch. */
  def flush(out: DataOutputStream): Unit = {
    out.writeInt(count)
    if (count == 0) return
    val lengths = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN)
    lengths.asIntBuffer().put(pieces, 0, count)
    out.write(lengths.array())
    writer.finish()
    if (inStruct) defineAll()
    root.setRowCount(gathered)
    val batch = unloader.getRecordBatch
    try MessageSerializer.serialize(new WriteChannel(Channels.newChannel(out)), batch)
    finally batch.close()
    writer.reset()
    count = 0
    gathered = 0
    bytesAtMost = 0L
  }

  /** Tells that no struct is null; what has been told once stays. */
  private def defineAll(): Unit =
    while (defined < gathered) {
      struct.setIndexDefined(defined)
      defined += 1
    }

  override def close(): Unit = root.close()
}

private[grouped] object SideWriter {
  // Memory stays bounded, and the worker is not kept waiting, however wide rows are.
  private val BYTES_ENOUGH = 4L << 20

  private def struct(schema: Schema): Field =
    new Field(
      "struct",
      FieldType.nullable(new org.apache.arrow.vector.types.pojo.ArrowType.Struct()),
      schema.getFields)
}
