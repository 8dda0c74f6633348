package org.apache.spark.sql.hydrofoil

import org.apache.spark.{JobArtifactSet, TaskContext}
import org.apache.spark.api.python.{ChainedPythonFunctions, PythonEvalType}
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, Expression, NamedArgumentExpression, PythonUDF}
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.sql.execution.metric.SQLMetric
import org.apache.spark.sql.types.{StructField, StructType}
import org.apache.spark.sql.vectorized.ColumnarBatch

/**
 * Evaluates scalar Python functions over record batches: only their arguments cross to the worker,
 * and the columns that pass through stay in the batch they came in.
 *
 * @param passThrough the child's columns that the parents need, in the child's order
 * @param ends where the batches end that go to the worker
 */
case class HydrofoilEvalPythonExec(
    udfs: Seq[PythonUDF],
    resultAttrs: Seq[Attribute],
    passThrough: Seq[Attribute],
    child: SparkPlan,
    evalType: Int,
    ends: BatchEnds)
  extends UnaryExecNode with ColumnarPythonExec {

  override def output: Seq[Attribute] = passThrough ++ resultAttrs

  override def producedAttributes: AttributeSet = AttributeSet(resultAttrs)

  override def simpleString(maxFields: Int): String =
    s"$nodeName ${udfs.mkString("[", ", ", "]")}, ${PythonEvalType.toString(evalType)}"

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] = {
    val arguments = Arguments.of(udfs, child.output)
    val task = new EvalTask(
      RunnerSpec(
        arguments.functions,
        evalType,
        arguments.metadata,
        arguments.schema,
        conf.sessionLocalTimeZone,
        Shim.get.runnerConf(conf),
        pythonMetrics,
        jobArtifactUUID,
        sessionUUID,
        conf.pythonUDFProfiler),
      arguments.ordinals,
      passThrough.map(a => child.output.indexWhere(_.exprId == a.exprId)).toArray,
      child.output.map(a => Layout.stored(a.dataType)).toArray,
      resultAttrs.map(a => Layout.stored(a.dataType)).toArray,
      limits,
      conf.getConf(HydrofoilConf.PASS_THROUGH_MEMORY),
      metrics)
    child.executeColumnar().mapPartitionsInternal(task.run(_, TaskContext.get()))
  }

  /** The limits of the batches that go to the worker. */
  def limits: Limits = ends match {
    case BatchEnds.Unseen => Limits.ofUnseen(conf)
    case BatchEnds.OfInput => Limits.ofInput
    case BatchEnds.ByRows => Limits.of(conf).copy(bytes = Int.MaxValue)
    case BatchEnds.BySettings => Limits.of(conf)
  }

  override protected def withNewChildInternal(newChild: SparkPlan): HydrofoilEvalPythonExec =
    copy(child = newChild)
}

/** The functions of an operator, each a chain, and where their arguments are in its child's rows. */
final case class Arguments(
    functions: Seq[(ChainedPythonFunctions, Long)],
    metadata: Array[Array[Argument]],
    ordinals: Array[Int],
    schema: StructType)

object Arguments {

  /** The chain of functions that are called on one another's results, and the first's arguments. */
  def chain(udf: PythonUDF): ((ChainedPythonFunctions, Long), Seq[Expression]) =
    udf.children match {
      case Seq(inner: PythonUDF) =>
        val ((chained, _), children) = chain(inner)
        ((ChainedPythonFunctions(chained.funcs :+ udf.func), udf.resultId.id), children)
      case children => ((ChainedPythonFunctions(Seq(udf.func)), udf.resultId.id), children)
    }

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
      values.map(a => input.indexWhere(_.exprId == a.exprId)).toArray,
      schema)
  }
}
