package org.apache.spark.sql.hydrofoil.bridge

import java.io.ByteArrayInputStream
import java.nio.channels.Channels
import java.util.{Iterator => JavaIterator}

import org.apache.arrow.vector.{VectorLoader, VectorSchemaRoot}
import org.apache.arrow.vector.ipc.ReadChannel
import org.apache.arrow.vector.ipc.message.MessageSerializer
import org.apache.spark.TaskContext
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.util.ArrowUtils
import org.apache.spark.sql.vectorized.{ArrowColumnVector, ColumnarBatch, ColumnVector}
import org.apache.spark.util.TaskCompletionListener

/**
 * Reads record batches of one schema in a task, which frees their memory at its end. A batch is
 * there until the next one is read.
 */
private final class BatchReader(schema: Array[Byte]) extends TaskCompletionListener {

  private val allocator =
    ArrowUtils.rootAllocator.newChildAllocator("hydrofoil rows", 0, Long.MaxValue)
  TaskContext.get().addTaskCompletionListener(this)

  private val root =
    VectorSchemaRoot.create(MessageSerializer.deserializeSchema(channel(schema)), allocator)
  private val loader = new VectorLoader(root)
  private val batch = {
    val vectors = root.getFieldVectors
    val columns = new Array[ColumnVector](vectors.size)
    var i = 0
    while (i < columns.length) {
      columns(i) = new ArrowColumnVector(vectors.get(i))
      i += 1
    }
    new ColumnarBatch(columns)
  }

  def read(message: Array[Byte]): JavaIterator[InternalRow] = {
    val buffers = MessageSerializer.deserializeRecordBatch(channel(message), allocator)
    try loader.load(buffers) finally buffers.close()
    batch.setNumRows(root.getRowCount)
    batch.rowIterator()
  }

  override def onTaskCompletion(context: TaskContext): Unit = {
    if (root != null) root.close()
    allocator.close()
  }

  private def channel(bytes: Array[Byte]): ReadChannel =
    new ReadChannel(Channels.newChannel(new ByteArrayInputStream(bytes)))
}
