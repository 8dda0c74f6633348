package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.api.python.ChainedPythonFunctions
import org.apache.spark.sql.catalyst.expressions.{
  Attribute, Expression, NamedArgumentExpression, PythonFuncExpression, PythonUDF}
import org.apache.spark.sql.hydrofoil.shim.Argument
import org.apache.spark.sql.types.{StructField, StructType}

/** The functions of an operator, each a chain, and where its child's rows have their arguments. */
final case class Arguments(
    functions: Seq[(ChainedPythonFunctions, Long)],
    metadata: Argument.Lists,
    ordinals: Array[Int],
    schema: StructType)

object Arguments {

  /** The chain of functions that are called on one another's results, and the first's arguments. */
  def chain(
      function: PythonFuncExpression): ((ChainedPythonFunctions, Long), Seq[Expression]) =
    function.children match {
      case Seq(inner: PythonFuncExpression) =>
        val ((chained, _), children) = chain(inner)
        ((ChainedPythonFunctions(chained.funcs :+ function.func), function.resultId.id), children)
      case children => (alone(function), children)
    }

  /** A function that is called on what it is given. */
  def alone(function: PythonFuncExpression): (ChainedPythonFunctions, Long) =
    (ChainedPythonFunctions(Seq(function.func)), function.resultId.id)

  /** An argument's name, where it has one, and its value. */
  def named(argument: Expression): (Option[String], Expression) = argument match {
    case NamedArgumentExpression(name, value) => (Some(name), value)
    case value => (None, value)
  }

  /** Arguments that are columns of the child, each sent once however often it is used. */
  def of(udfs: Seq[PythonUDF], input: Seq[Attribute]): Arguments = {
    val (functions, inputs) = udfs.map(chain).unzip
    val values = inputs.flatten.map(named(_)._2.asInstanceOf[Attribute]).foldLeft(
      Vector.empty[Attribute]) { (known, attribute) =>
        if (known.exists(_.exprId == attribute.exprId)) known else known :+ attribute
      }
    val metadata = inputs.map(_.map { argument =>
      val (name, value) = named(argument)
      Argument(
        values.indexWhere(_.exprId == value.asInstanceOf[Attribute].exprId), name)
    }.toArray).toArray
    val schema = StructType(values.zipWithIndex.map { case (attribute, i) =>
      StructField(s"_$i", attribute.dataType)
    })
    Arguments(
      functions,
      metadata,
      Columns.ordinals(values, input),
      schema)
  }
}
