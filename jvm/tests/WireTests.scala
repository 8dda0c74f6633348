package org.apache.spark.sql.hydrofoil.tests

import java.io.{ByteArrayInputStream, ByteArrayOutputStream}
import java.nio.channels.Channels

import org.apache.arrow.memory.BufferAllocator
import org.apache.arrow.vector.ipc.{ArrowStreamReader, WriteChannel}
import org.apache.arrow.vector.ipc.message.MessageSerializer
import org.apache.spark.sql.hydrofoil.exchange.Wire
import org.apache.spark.sql.types.{DataType, StructField, StructType}
import org.apache.spark.sql.util.ArrowUtils
import org.apache.spark.sql.vectorized.{ArrowColumnVector, ColumnarBatch, ColumnVector}

/** Arrow's own reader finds the values in what is written, which no code of ours reads again. */
final class WireTests extends Suite {

  Values.all.foreach { case (dataType, values) =>
    val name = dataType.simpleString

    test(s"$name, read by Arrow") { allocator =>
      val sent = written(dataType, values, wrapped = false, allocator)
      same(received(sent, dataType, values.length, allocator), values, name)
    }

    test(s"$name in a struct column, read by Arrow") { allocator =>
      val struct = StructType(Seq(StructField("field", dataType)))
      val sent = written(dataType, values, wrapped = true, allocator)
      val expected = values.map(value => Seq(value))
      same(received(sent, struct, values.length, allocator).map(asRow), expected, name)
    }
  }

  private def asRow(value: Any): Seq[Any] = value.asInstanceOf[org.apache.spark.sql.Row].toSeq

  private def written(
      dataType: DataType,
      values: Seq[Any],
      wrapped: Boolean,
      allocator: BufferAllocator): Array[Byte] = {
    val column = Values.column(dataType, values, allocator)
    val out = new ByteArrayOutputStream
    val bytes = new Wire(allocator).write(Array(column), values.length, wrapped, out)
    column.release()
    same(out.size, bytes, "bytes that were written")
    out.toByteArray
  }

  private def received(
      sent: Array[Byte],
      dataType: DataType,
      rows: Int,
      allocator: BufferAllocator): Seq[Any] = {
    val schema = StructType(Seq(StructField("value", dataType)))
    val stream = new ByteArrayOutputStream
    MessageSerializer.serialize(
      new WriteChannel(Channels.newChannel(stream)),
      ArrowUtils.toArrowSchema(schema, "UTC", false))
    stream.write(sent)
    val reader = new ArrowStreamReader(new ByteArrayInputStream(stream.toByteArray), allocator)
    try {
      same(reader.loadNextBatch(), true, "whether there is a batch")
      val vector: ColumnVector = new ArrowColumnVector(reader.getVectorSchemaRoot.getVector(0))
      val batch = new ColumnarBatch(Array(vector), rows)
      Values.of(dataType, (0 until rows).iterator.map(batch.getRow))
    } finally reader.close()
  }
}
