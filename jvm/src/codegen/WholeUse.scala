package org.apache.spark.sql.hydrofoil.codegen

import org.apache.spark.sql.catalyst.expressions.{
  Alias, Attribute, AttributeSet, Expression, GetArrayItem, GetStructField, IsNotNull, IsNull, Size}
import org.apache.spark.sql.execution.{CodegenSupport, FilterExec, ProjectExec, SparkPlan}

/**
 * Which nested columns expressions use as a whole. Of the others only parts of flat types are read,
 * or they are handed on unseen, for which a view of their vectors does.
 */
object WholeUse {

  /**
   * The columns of a parent's children that generated code uses as a whole.
   *
   * @param above those of the parent's own columns that generated code above it so uses
   */
  def below(parent: SparkPlan, above: AttributeSet): AttributeSet = parent match {
    case ProjectExec(columns, _) => AttributeSet.fromAttributeSets(columns.map {
      case column: Attribute => handedOn(column, above.contains(column))
      case alias @ Alias(column: Attribute, _) =>
        handedOn(column, above.contains(alias.toAttribute))
      case other => of(other)
    })
    case filter: FilterExec => of(filter.condition) ++ above
    case _: CodegenSupport =>
      AttributeSet(parent.children.flatMap(_.output).filter(isNested))
    // It gets rows, which have no views.
    case _ => AttributeSet.empty
  }

  /** The columns that the expression uses as a whole. */
  def of(expression: Expression): AttributeSet = expression match {
    case column: Attribute => handedOn(column, seen = true)
    case IsNull(column: Attribute) => handedOn(column, seen = false)
    case IsNotNull(column: Attribute) => handedOn(column, seen = false)
    case Size(column: Attribute, _) => handedOn(column, seen = false)
    case part if !isNested(part) && path(part).isDefined =>
      AttributeSet.fromAttributeSets(path(part).get.map(of))
    case other => AttributeSet.fromAttributeSets(other.children.map(of))
  }

  /** The ordinals on the way from a column to a part of it; None for other expressions. */
  private def path(part: Expression): Option[Seq[Expression]] = part match {
    case _: Attribute => Some(Seq.empty)
    case GetStructField(inner, _, _) => path(inner)
    case GetArrayItem(inner, ordinal, _) => path(inner).map(_ :+ ordinal)
    case _ => None
  }

  private def handedOn(column: Attribute, seen: Boolean): AttributeSet =
    if (seen && isNested(column)) AttributeSet(column) else AttributeSet.empty

  private def isNested(expression: Expression): Boolean =
    UnsafeValues.isNested(expression.dataType)
}
