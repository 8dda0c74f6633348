package org.apache.spark.sql.hydrofoil.plan

import org.apache.spark.resource.ResourceProfile
import org.apache.spark.sql.catalyst.expressions.{
  Alias, Attribute, AttributeSet, Expression, NamedArgumentExpression, PythonUDF}
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.{
  CodegenSupport, ColumnarRule, ColumnarToRowExec, FilterExec, LocalTableScanExec, ProjectExec,
  RowToColumnarExec, SparkPlan, UnionExec}
import org.apache.spark.sql.execution.adaptive.{AQEShuffleReadExec, ShuffleQueryStageExec}
import org.apache.spark.sql.execution.datasources.v2.BatchScanExec
import org.apache.spark.sql.execution.exchange.{ReusedExchangeExec, ShuffleExchangeLike}
import org.apache.spark.sql.execution.python.{
  ArrowEvalPythonExec, BatchEvalPythonExec, EvalPythonExec, MapInArrowExec, MapInPandasExec}
import org.apache.spark.sql.hydrofoil.codegen.{RowWriter, WholeUse}
import org.apache.spark.sql.hydrofoil.exec.{
  Arguments, ArrowBatchesExec, ArrowSinkExec, BatchEnds, BatchesToRowsExec, ColumnarScan,
  CompiledRowsExec, CompiledUdfExec, ComputeColumnsExec, HydrofoilEvalPythonExec,
  HydrofoilLocalBatchesExec, HydrofoilLocalScanExec, HydrofoilMapInBatchExec,
  HydrofoilSourceScanExec, LeftToSparkExec, RowsToArrowExec, SelectColumnsExec, SparkRowsExec,
  UnsafeRowsToArrowExec}
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.hydrofoil.settings.{HydrofoilConf, Limits}

/**
 * Puts Hydrofoil's operators in the place of Spark's. It runs on every stage of an adaptive query,
 * after distributions and orders are settled and before code is generated.
 */
final class HydrofoilRule extends ColumnarRule {

  override def preColumnarTransitions: Rule[SparkPlan] = ReplaceOperators

  override def postColumnarTransitions: Rule[SparkPlan] = ReplaceTransitions
}

object ReplaceOperators extends Rule[SparkPlan] {

  override def apply(plan: SparkPlan): SparkPlan =
    plan match {
      // What is collected as it is needs no task.
      case _: LocalTableScanExec => plan
      case _ if conf.getConf(HydrofoilConf.ENABLED) => replace(plan, None)
      case _ => plan
    }

  /** @param needed the attributes that the parents use; None: all that there are */
  private def replace(plan: SparkPlan, needed: Option[AttributeSet]): SparkPlan = plan match {
    case ProjectExec(columns, child) =>
      replace(child, Some(AttributeSet(columns.flatMap(_.references)))) match {
        case ours: ArrowBatchesExec if SelectColumnsExec.takes(columns) =>
          SelectColumnsExec(columns, ours)
        case other => plan.withNewChildren(Seq(other))
      }
    case filter: FilterExec =>
      filter.mapChildren(replace(_, needed.map(_ ++ filter.condition.references)))
    case left: LeftToSparkExec => left
    case eval: EvalPythonExec =>
      CompileRule(eval, needed, conf).fold(scalar(eval, needed, _), replace(_, needed))
    case compiled: CompiledUdfExec =>
      val used = AttributeSet(compiled.passThrough) ++ compiled.udf.references
      compiled.mapChildren(replace(_, Some(used)))
    case map: MapInArrowExec =>
      mapInBatch(map, map.func, map.output, map.child, map.isBarrier, map.profile,
        MapEvalTypes.ARROW)
    case map: MapInPandasExec =>
      mapInBatch(map, map.func, map.output, map.child, map.isBarrier, map.profile,
        MapEvalTypes.PANDAS)
    case scan: BatchScanExec if ColumnarScan.takes(scan.scan) =>
      Coverage.source(scan.scan.readSchema(), scan.output, conf) match {
        case Some(reason) => leave(scan, reason)
        case None => HydrofoilSourceScanExec.of(scan)
      }
    case scan: LocalTableScanExec if HydrofoilLocalBatchesExec.takes(scan) =>
      HydrofoilLocalBatchesExec(scan)
    case scan: LocalTableScanExec if HydrofoilLocalScanExec.takes(scan) =>
      HydrofoilLocalScanExec(scan)
    case other => other.mapChildren(replace(_, None))
  }

  /** @param reasons why functions that might have been compiled are not */
  private def scalar(
      plan: EvalPythonExec,
      needed: Option[AttributeSet],
      reasons: Seq[String]): SparkPlan = plan match {
    case eval: ArrowEvalPythonExec =>
      val passThrough =
        eval.child.output.filter(attribute => needed.forall(_.contains(attribute)))
      val arguments = eval.udfs.flatMap(Arguments.chain(_)._2).map(Arguments.named(_)._2)
      Coverage.scalar(eval, arguments, passThrough, conf) match {
        case Some(reason) => leave(eval, (reason +: reasons).mkString("; not compiled: "))
        case None =>
          val used = AttributeSet(arguments.flatMap(_.references) ++ passThrough)
          evaluate(eval, arguments, passThrough, replace(eval.child, Some(used)))
            .copy(notCompiled = reasons)
      }
    case pickled: BatchEvalPythonExec =>
      val reason = "its rows are pickled; spark.sql.execution.pythonUDF.arrow.enabled and " +
        "useArrow=True send them as Arrow"
      leave(pickled, (reason +: reasons).mkString("; not compiled: "))
    case other => other.mapChildren(replace(_, None))
  }

  private def leave(plan: SparkPlan, reason: String): SparkPlan = {
    val made = plan.mapChildren(replace(_, None))
    // Spark's operator takes batches as its child yields them. Ours are none that it would get.
    LeftToSparkExec(reason, if (!made.supportsColumnar) made else made.mapChildren {
      case ours @ (_: ArrowBatchesExec | _: CompiledUdfExec) => ProjectExec(ours.output, ours)
      case other => other
    })
  }

  private def mapInBatch(
      plan: SparkPlan,
      func: Expression,
      output: Seq[Attribute],
      child: SparkPlan,
      isBarrier: Boolean,
      profile: Option[ResourceProfile],
      evalType: Int): SparkPlan = Coverage.mapInBatch(output, child, conf) match {
    case Some(reason) => leave(plan, reason)
    case None =>
      HydrofoilMapInBatchExec(
        func.asInstanceOf[PythonUDF], output, replace(child, None), isBarrier, profile, evalType)
  }

  /** Arguments that are more than columns are computed below, where Spark generates code for it. */
  private def evaluate(
      eval: ArrowEvalPythonExec,
      arguments: Seq[Expression],
      passThrough: Seq[Attribute],
      child: SparkPlan): HydrofoilEvalPythonExec = {
    val ends = BatchEnds.of(eval)
    // A nondeterministic argument equals no other, not even itself.
    val computed = arguments.filterNot(_.isInstanceOf[Attribute]).foldLeft(Vector.empty[Alias]) {
      (known, value) =>
        if (known.exists(alias => alias.child.semanticEquals(value))) known
        else known :+ Alias(value, s"argument${known.length}")()
    }
    val columns = (passThrough ++ arguments.collect { case a: Attribute => a }).distinctBy(_.exprId)
    val input =
      if (computed.isEmpty && (child.supportsColumnar || columns.length == child.output.length)) {
        child
      } else if (ends == BatchEnds.OfInput) {
        ComputeColumnsExec(columns, computed, child)
      } else if (computed.exists(alias => WholeUse.of(alias.child).nonEmpty)) {
        ProjectExec(columns ++ computed, SparkRowsExec(child))
      } else {
        ProjectExec(columns ++ computed, child)
      }

    def column(argument: Expression): Expression = argument match {
      case NamedArgumentExpression(name, value) => NamedArgumentExpression(name, column(value))
      case attribute: Attribute => attribute
      case value =>
        computed.find(a => (a.child eq value) || a.child.semanticEquals(value)).get.toAttribute
    }
    def onColumns(udf: PythonUDF): PythonUDF = udf.children match {
      case Seq(inner: PythonUDF) => udf.copy(children = Seq(onColumns(inner)))
      case children => udf.copy(children = children.map(column))
    }
    HydrofoilEvalPythonExec(
      eval.udfs.map(onColumns), eval.resultAttrs, passThrough, input, eval.evalType, ends)
  }
}

/** Where Spark would turn rows into its own vectors for our operators, writes Arrow's instead. */
object ReplaceTransitions extends Rule[SparkPlan] {

  override def apply(plan: SparkPlan): SparkPlan =
    rows(plan, generated = false, AttributeSet.empty).transformUp {
    case eval: HydrofoilEvalPythonExec =>
      val arguments = Arguments.of(eval.udfs, eval.child.output).ordinals.map(eval.child.output(_))
      eval.mapChildren(sink(_, arguments.toSeq, eval.limits))
    case compiled: CompiledUdfExec =>
      compiled.mapChildren(sink(_, compiled.arguments, compiled.limits))
    case map: HydrofoilMapInBatchExec => map.mapChildren(sink(_, map.child.output, map.limits))
  }

  /**
   * Generated code reads our vectors itself; other parents, and who takes the result, get rows.
   *
   * @param whole the nested columns that the generated code above uses as a whole
   */
  private def rows(plan: SparkPlan, generated: Boolean, whole: AttributeSet): SparkPlan =
    plan match {
      case ColumnarToRowExec(ours: ArrowBatchesExec) =>
        val used = ours.output.filter(whole.contains)
        BatchesToRowsExec(below(ours, AttributeSet.empty), generated, used)
      case ProjectExec(columns, ColumnarToRowExec(compiled: CompiledUdfExec))
          if !generated && SelectColumnsExec.takes(columns) &&
            RowWriter.takes(columns.map(c => Layout.stored(c.dataType)).toArray) =>
        CompiledRowsExec(columns, below(compiled, AttributeSet.empty))
      case ColumnarToRowExec(compiled: CompiledUdfExec) =>
        BatchesToRowsExec(below(compiled, AttributeSet.empty), generated = true, Nil)
      // As Spark's operators would be, which yield rows: each child becomes rows by itself.
      case ColumnarToRowExec(union: UnionExec) if union.exists(_.isInstanceOf[ArrowBatchesExec]) =>
        below(union.withNewChildren(union.children.map(ColumnarToRowExec(_))), whole)
      case other => below(other, whole)
    }

  private def below(plan: SparkPlan, whole: AttributeSet): SparkPlan = {
    val seen = WholeUse.below(plan, whole)
    plan.mapChildren(rows(_, plan.isInstanceOf[CodegenSupport], seen))
  }

  private def sink(child: SparkPlan, sent: Seq[Attribute], limits: Limits): SparkPlan =
    child match {
      case RowToColumnarExec(rows) if isShuffle(rows) => UnsafeRowsToArrowExec(rows, sent, limits)
      case RowToColumnarExec(rows) => RowsToArrowExec(ArrowSinkExec(rows, sent, limits))
      case columnar => columnar
    }

  /** Whether rows come from a shuffle as they were written to it. */
  private def isShuffle(plan: SparkPlan): Boolean = plan match {
    case _: ShuffleExchangeLike | _: ReusedExchangeExec => true
    case _: ShuffleQueryStageExec | _: AQEShuffleReadExec => true
    case _ => false
  }
}
