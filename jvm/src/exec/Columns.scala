package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.sql.catalyst.expressions.Attribute
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.types.DataType

/** Attributes as the tasks know them, which are sent no attributes. */
private[exec] object Columns {

  def storedTypes(attributes: Seq[Attribute]): Array[DataType] =
    attributes.map(attribute => Layout.stored(attribute.dataType)).toArray

  /** The places of columns among those of an input. */
  def ordinals(columns: Seq[Attribute], input: Seq[Attribute]): Array[Int] =
    columns.map(column => input.indexWhere(_.exprId == column.exprId)).toArray
}
