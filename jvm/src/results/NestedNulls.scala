package org.apache.spark.sql.hydrofoil.results

import org.apache.arrow.vector.FieldVector
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection
import org.apache.spark.sql.types.{ArrayType, DataType, MapType, StructType}
import org.apache.spark.sql.vectorized.{ArrowColumnVector, ColumnarBatch, ColumnVector}

/**
 * Nulls within values of a type that has none there, which Arrow lets a function return. Spark
 * reads such a value without asking whether it is null, and its reader of Arrow's vectors fails.
 */
private[results] object NestedNulls {

  /** Fails as Spark does for such a null, wherever it is some row's. */
  def fail(vector: FieldVector, dataType: DataType): Unit = if (mayBe(vector, dataType)) {
    val toUnsafe = UnsafeProjection.create(Array(dataType))
    val columns = Array[ColumnVector](new ArrowColumnVector(vector))
    val rows = new ColumnarBatch(columns, vector.getValueCount).rowIterator
    while (rows.hasNext) toUnsafe(rows.next())
  }

  /** Whether there are any; those below a null are no row's. */
  private def mayBe(vector: FieldVector, dataType: DataType): Boolean = {
    val inner = vector.getChildrenFromFields
    def within(child: FieldVector, of: DataType, nullable: Boolean): Boolean =
      !nullable && child.getNullCount > 0 || mayBe(child, of)
    dataType match {
      case ArrayType(element, nullable) => within(inner.get(0), element, nullable)
      case MapType(key, value, nullable) =>
        val entries = inner.get(0).getChildrenFromFields
        within(entries.get(0), key, false) || within(entries.get(1), value, nullable)
      case StructType(fields) => fields.indices.exists { i =>
        within(inner.get(i), fields(i).dataType, fields(i).nullable)
      }
      case _ => false
    }
  }
}
