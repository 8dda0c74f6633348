package org.apache.spark.sql.hydrofoil.local

import org.apache.arrow.memory.ArrowBuf
import org.apache.spark.sql.hydrofoil.memory.{Column, Layout}
import org.apache.spark.sql.types.DataType

/**
 * Where the buffers of a column are in a body of bytes.
 *
 * @param from where each buffer begins, in the order of [[Column]]; -1 where there is none
 * @param sizes their bytes
 */
private[local] final class ColumnBytes(
    val rows: Int,
    val nulls: Int,
    val from: Array[Int],
    val sizes: Array[Int],
    val children: Array[ColumnBytes])
  extends Serializable {

  /** The column of a stored type in a buffer that holds the body, of which it takes references. */
  def column(dataType: DataType, body: ArrowBuf): Column = {
    val types = Layout.childTypes(dataType)
    val inner = Column.all(children.length)(i => children(i).column(types(i), body))
    val buffers = Array.tabulate(from.length) { i =>
      if (from(i) < 0) null
      else {
        body.getReferenceManager.retain()
        body.slice(from(i).toLong, sizes(i).toLong)
      }
    }
    new Column(dataType, Layout.of(dataType), rows, nulls, buffers, inner)
  }
}
