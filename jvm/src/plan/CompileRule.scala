package org.apache.spark.sql.hydrofoil.plan

import com.fasterxml.jackson.databind.JsonNode
import org.apache.spark.SparkEnv
import org.apache.spark.api.python.PythonEvalType
import org.apache.spark.sql.catalyst.expressions.{
  Alias, Attribute, AttributeSet, Expression, NamedArgumentExpression, PythonUDF}
import org.apache.spark.sql.execution.{ProjectExec, SparkPlan}
import org.apache.spark.sql.execution.python.{
  ArrowEvalPythonExec, BatchEvalPythonExec, EvalPythonExec}
import org.apache.spark.sql.hydrofoil.compiled.{
  CallArgument, CompiledFunction, Functions, Transport}
import org.apache.spark.sql.hydrofoil.exec.{Arguments, CompiledUdfExec}
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.hydrofoil.settings.HydrofoilConf
import org.apache.spark.sql.hydrofoil.shim.Shim
import org.apache.spark.sql.internal.SQLConf

/** Which functions of an operator are compiled, and the operators of those. */
private[plan] object CompileRule {

  /** A function, what it becomes and what it reads. */
  private final case class Compiled(
      udf: PythonUDF, result: Attribute, function: CompiledFunction)

  /**
   * The operator with those of its functions that are compiled above it, or gone if all are.
   *
   * @param needed the attributes that the parents use; None: all that there are
   * @return why no function is compiled, for each that has a reason, or the operators
   */
  def apply(
      eval: EvalPythonExec,
      needed: Option[AttributeSet],
      conf: SQLConf): Either[Seq[String], SparkPlan] = {
    val found = eval.udfs.zip(eval.resultAttrs).map { case (udf, result) =>
      (udf, result, compiled(udf, result, conf))
    }
    val left = found.collect { case (udf, result, Left(_)) => (udf, result) }
    val done = found.collect { case (udf, result, Right(function)) => (udf, result, function) }
    // They get the batches that they would get from Spark, which end where the child's rows say.
    val input = if (left.isEmpty) eval.child else remaining(eval, left)
    if (done.isEmpty) {
      Left(found.collect { case (udf, _, Left(Some(reason))) => s"${udf.name}: $reason" })
    } else if (!passes(input, needed)) {
      Left(Seq("a column that passes through is of a type that is left to Spark"))
    } else {
      val (columns, child) = computed(input, done.map(_._1), needed)
      val all = done.map { case (udf, result, function) =>
        Compiled(onColumns(udf, columns), result, function)
      }
      Right(all.foldRight(child)((each, child) => operator(each, child, needed, all)))
    }
  }

  /** The child with a column for each argument that is none, and these. */
  private def computed(
      child: SparkPlan,
      done: Seq[PythonUDF],
      needed: Option[AttributeSet]): (Seq[Alias], SparkPlan) = {
    val values = done.flatMap(Arguments.chain(_)._2).map(Arguments.named(_)._2)
    val columns = values.filterNot(_.isInstanceOf[Attribute]).foldLeft(Vector.empty[Alias]) {
      (known, value) =>
        if (known.exists(_.child.semanticEquals(value))) known
        else known :+ Alias(value, s"argument${known.length}")()
    }
    val used = AttributeSet(values.collect { case a: Attribute => a })
    val kept = child.output.filter(a => needed.forall(_.contains(a)) || used.contains(a))
    (columns, if (columns.isEmpty) child else ProjectExec(kept ++ columns, child))
  }

  private def onColumns(udf: PythonUDF, columns: Seq[Alias]): PythonUDF = {
    def column(argument: Expression): Expression = argument match {
      case NamedArgumentExpression(name, value) => NamedArgumentExpression(name, column(value))
      case attribute: Attribute => attribute
      case value => columns.find(_.child.semanticEquals(value)).get.toAttribute
    }
    udf.children match {
      case Seq(inner: PythonUDF) => udf.copy(children = Seq(onColumns(inner, columns)))
      case children => udf.copy(children = children.map(column))
    }
  }

  private def remaining(
      eval: EvalPythonExec,
      left: Seq[(PythonUDF, Attribute)]): SparkPlan = eval match {
    case arrow: ArrowEvalPythonExec =>
      arrow.copy(udfs = left.map(_._1), resultAttrs = left.map(_._2))
    case pickled: BatchEvalPythonExec =>
      pickled.copy(udfs = left.map(_._1), resultAttrs = left.map(_._2))
    case other => other
  }

  /** Passes all that any operator above it wants, of what its child has. */
  private def operator(
      each: Compiled,
      child: SparkPlan,
      used: Option[AttributeSet],
      all: Seq[Compiled]): SparkPlan = {
    val wanted = used.map(_ ++ AttributeSet(all.flatMap(_.udf.references)) ++
      AttributeSet(all.map(_.result)))
    val passThrough = child.output.filter(attribute => wanted.forall(_.contains(attribute)))
    CompiledUdfExec(each.udf, each.result, passThrough, child, each.function)
  }

  private def passes(input: SparkPlan, needed: Option[AttributeSet]): Boolean =
    input.output.filter(attribute => needed.forall(_.contains(attribute)))
      .forall(attribute => Layout.find(Layout.stored(attribute.dataType)).isDefined)

  /** The function compiled, or why it is not; no reason where nobody asked for it. */
  private def compiled(
      udf: PythonUDF,
      result: Attribute,
      conf: SQLConf): Either[Option[String], CompiledFunction] = {
    val plain = udf.evalType == PythonEvalType.SQL_BATCHED_UDF ||
      udf.evalType == PythonEvalType.SQL_ARROW_BATCHED_UDF
    if (!plain) return Left(None)
    val ((chain, _), inputs) = Arguments.chain(udf)
    val codes = chain.funcs.flatMap(function => Functions.codeOf(function.command))
    if (codes.isEmpty || !conf.getConf(HydrofoilConf.COMPILE) && !codes.exists(Functions.isAsked)) {
      Left(None)
    } else if (codes.length < chain.funcs.length) {
      Left(Some("the code of one that it is chained to is not known"))
    } else if (!udf.udfDeterministic) {
      Left(Some("it is nondeterministic"))
    } else if (conf.pythonUDFProfiler.isDefined) {
      Left(Some("it is to be profiled"))
    } else {
      compiled(codes, inputs.map(Arguments.named), result, transport(udf, conf)).left.map(Some(_))
    }
  }

  private def compiled(
      codes: Seq[JsonNode],
      named: Seq[(Option[String], Expression)],
      result: Attribute,
      transport: Transport): Either[String, CompiledFunction] = {
    val values = named.map(_._2)
    if (values.isEmpty) Left("it has no argument")
    else if (!values.forall(_.deterministic)) Left("an argument is nondeterministic")
    else {
      val columns = values.foldLeft(Vector.empty[Expression]) { (known, value) =>
        if (known.exists(_.semanticEquals(value))) known else known :+ value
      }
      val arguments = named.map { case (name, value) =>
        CallArgument(columns.indexWhere(_.semanticEquals(value)), name)
      }
      val types = columns.map(column => (Layout.stored(column.dataType), column.nullable))
      Functions.compile(codes, arguments, types, Layout.stored(result.dataType), transport)
    }
  }

  /** By which rules results are converted. */
  private def transport(udf: PythonUDF, conf: SQLConf): Transport = {
    // As the worker gets it: users may write a setting in other ways.
    def isOn(key: String): Boolean = Shim.get.runnerConf(conf).get(key).contains("true")
    if (udf.evalType == PythonEvalType.SQL_BATCHED_UDF || workersRows().contains("arrow")) {
      Transport.Pickled
    } else if (Shim.minor == "4.0" ||
        isOn("spark.sql.legacy.execution.pythonUDF.pandas.conversion.enabled")) {
      Transport.Pandas
    } else if (Shim.minor == "4.1") {
      Transport.EarlyArrow
    } else {
      Transport.Arrow
    }
  }

  /** Which rules the workers were told to go by, if they listen. */
  private def workersRows(): Option[String] =
    if (workersVariable("HYDROFOIL").exists(_.trim.equalsIgnoreCase("off"))) None
    else workersVariable("HYDROFOIL_ROWS")

  /** A variable of the workers, as far as the driver knows it. */
  private def workersVariable(name: String): Option[String] =
    Option(SparkEnv.get).map(_.conf).flatMap { conf =>
      // Local workers have this process's environment; that of other hosts is not known here.
      val isLocal = conf.get("spark.master", "").startsWith("local")
      def inherited = sys.env.get(name).filter(_ => isLocal)
      conf.getOption(s"spark.executorEnv.$name").orElse(inherited)
    }
}
