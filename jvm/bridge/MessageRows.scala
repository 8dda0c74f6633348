package org.apache.spark.sql.hydrofoil.bridge

import java.util.{Iterator => JavaIterator, NoSuchElementException}

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.types.StructType

/** The rows of one message after the other. A row is there until the next one is asked for. */
private final class MessageRows(
    messages: JavaIterator[Array[Byte]],
    schema: StructType,
    arrowSchema: Array[Byte])
  extends JavaIterator[InternalRow] {

  private var rows: JavaIterator[InternalRow] = _
  // Made when they are needed: few rows come without record batches, most without pickles.
  private var batches: BatchReader = _
  private var pickles: PickleReader = _

  override def hasNext: Boolean = {
    while ((rows == null || !rows.hasNext) && messages.hasNext) rows = read(messages.next())
    rows != null && rows.hasNext
  }

  override def next(): InternalRow = {
    if (!hasNext) throw new NoSuchElementException
    rows.next()
  }

  private def read(message: Array[Byte]): JavaIterator[InternalRow] =
    if (message(0) == MessageRows.FIRST_OF_BATCH) {
      if (batches == null) batches = new BatchReader(arrowSchema)
      batches.read(message)
    } else {
      if (pickles == null) pickles = new PickleReader(schema)
      pickles.read(message)
    }
}

private object MessageRows {

  /** Arrow's messages begin with four bytes that are -1, pickles with 0x80. */
  final val FIRST_OF_BATCH: Byte = -1
}
