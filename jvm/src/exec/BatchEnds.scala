package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.api.python.PythonEvalType
import org.apache.spark.sql.execution.python.ArrowEvalPythonExec
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.types.{
  BooleanType, CalendarIntervalType, DataType, DateType, DayTimeIntervalType, NullType, NumericType,
  TimestampNTZType, TimestampType, YearMonthIntervalType}

/** What decides where the batches for a scalar function end, so that it sees those of Spark. */
sealed abstract class BatchEnds

object BatchEnds {

  /** Nothing that the function could see. */
  case object Unseen extends BatchEnds

  /** The settings for rows and bytes. */
  case object BySettings extends BatchEnds

  /** The child's batches, whatever the settings. */
  case object OfInput extends BatchEnds

  /** The setting for rows alone. */
  case object ByRows extends BatchEnds

  def of(eval: ArrowEvalPythonExec): BatchEnds =
    if (!seen(eval.evalType, eval.resultAttrs.map(_.dataType))) Unseen
    // From 4.2 on, Spark sends the batches of a child that has some,
    else if (!eval.supportsColumnar) BySettings
    // and itself yields batches of so many rows as the setting says.
    else if (eval.child.isInstanceOf[ArrowEvalPythonExec]) ByRows
    else OfInput

  /**
   * Whether it makes a difference to a function where its batches end. To a function of single rows
   * it does by what it returns: results are converted when the batch ends, so that one object which
   * was returned for several rows has by then what the last of them put into it. Strings are made
   * of any object, and so belong to these results.
   */
  private def seen(evalType: Int, results: Seq[DataType]): Boolean =
    evalType != PythonEvalType.SQL_ARROW_BATCHED_UDF || !results.forall(isOfUnchanging)

  private def isOfUnchanging(dataType: DataType): Boolean = dataType match {
    case _: NumericType | BooleanType | NullType => true
    case DateType | TimestampType | TimestampNTZType | CalendarIntervalType => true
    case _: DayTimeIntervalType | _: YearMonthIntervalType => true
    case other => Layout.isTime(other)
  }
}
