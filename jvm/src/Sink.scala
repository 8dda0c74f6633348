package org.apache.spark.sql.hydrofoil

import org.apache.spark.TaskContext
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet, GenericInternalRow, SortOrder}
import org.apache.spark.sql.catalyst.expressions.codegen.{CodegenContext, CodeGenerator, ExprCode, SimpleExprValue, VariableValue}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{CodegenSupport, SparkPlan, UnaryExecNode}
import org.apache.spark.sql.types._
import org.apache.spark.sql.vectorized.ColumnarBatch

/** A batch on its way through an iterator of rows. */
final class BatchRow(val batch: ArrowBatch) extends GenericInternalRow(0)

/** Opens the builder of a task; what the generated code refers to. */
final class SinkFactory(types: Array[DataType], sent: Array[Int], limits: Limits)
  extends Serializable {

  def open(): BatchSink = new BatchSink(types, sent, limits, TaskBuffers.of(TaskContext.get()))
}

/** Collects the rows of a task into batches. */
final class BatchSink(
    types: Array[DataType],
    sent: Array[Int],
    limits: Limits,
    buffers: TaskBuffers) {

  private val builder = new BatchBuilder(types, sent, limits, buffers)

  def column(i: Int): ColumnBuilder = builder.column(i)

  def rowDone(): Boolean = builder.rowDone()

  def append(row: InternalRow): Boolean = builder.append(row)

  def isEmpty: Boolean = builder.isEmpty

  def finish(): BatchRow = {
    val rows = builder.rows
    val columns = builder.finish()
    new BatchRow(ArrowBatch(columns, new Array[Int](columns.length), rows, cut = true, buffers))
  }
}

/**
 * The end of a stage of generated code that writes each value straight into its Arrow buffer: no
 * row is made on the way. It yields one [[BatchRow]] a batch, which only [[RowsToArrowExec]]
 * understands.
 *
 * @param sent the columns that go to the worker; the others pass through
 */
case class ArrowSinkExec(child: SparkPlan, sent: Seq[Attribute], limits: Limits)
  extends UnaryExecNode with CodegenSupport {

  override def simpleString(maxFields: Int): String = s"$nodeName $limits"

  override def output: Seq[Attribute] = child.output
  override def outputPartitioning: Partitioning = child.outputPartitioning
  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  private def factory: SinkFactory =
    new SinkFactory(
      child.output.map(a => Layout.stored(a.dataType)).toArray,
      sent.map(a => child.output.indexWhere(_.exprId == a.exprId)).toArray,
      limits)

  override def inputRDDs(): Seq[RDD[InternalRow]] =
    child.asInstanceOf[CodegenSupport].inputRDDs()

  @transient private var sink: String = _

  override protected def doProduce(ctx: CodegenContext): String = {
    val opener = ctx.addReferenceObj("sinkFactory", factory)
    sink = ctx.addMutableState(classOf[BatchSink].getName, "sink", v => s"$v = $opener.open();")
    // The child's loop returns early while a batch waits to be read; it is at its end here.
    s"""
       |${child.asInstanceOf[CodegenSupport].produce(ctx, this)}
       |if (!$sink.isEmpty()) {
       |  append($sink.finish());
       |}
     """.stripMargin
  }

  override def usedInputs: AttributeSet = AttributeSet.empty

  override def doConsume(ctx: CodegenContext, input: Seq[ExprCode], row: ExprCode): String = {
    val evaluated = evaluateVariables(input)
    val puts = child.output.zip(input).zipWithIndex.map { case ((attribute, value), i) =>
      (put(ctx, Layout.stored(attribute.dataType), value, i), value, attribute.dataType)
    }
    // Methods of more than 8000 bytes are never compiled by the JVM.
    val named = input.forall(v => Seq(v.isNull, v.value).forall(!_.isInstanceOf[SimpleExprValue]))
    val calls = if (puts.length <= ArrowSinkExec.COLUMNS_A_METHOD || !named) {
      puts.map(_._1)
    } else {
      puts.grouped(ArrowSinkExec.COLUMNS_A_METHOD).map(split(ctx, _)).toSeq
    }
    s"""
       |$evaluated
       |${calls.mkString("\n")}
       |if ($sink.rowDone()) {
       |  append($sink.finish());
       |}
     """.stripMargin
  }

  private def split(ctx: CodegenContext, puts: Seq[(String, ExprCode, DataType)]): String = {
    val parameters = puts.flatMap { case (_, value, dataType) =>
      Seq(("boolean", value.isNull), (CodeGenerator.javaType(dataType), value.value))
    }.collect {
      case (javaType, variable: VariableValue) => (javaType, variable.variableName)
    }.distinct
    val name = ctx.freshName("putColumns")
    val function = ctx.addNewFunction(
      name,
      s"""
         |private void $name(${parameters.map { case (t, v) => s"$t $v" }.mkString(", ")}) {
         |  ${puts.map(_._1).mkString("\n")}
         |}
       """.stripMargin)
    s"$function(${parameters.map(_._2).mkString(", ")});"
  }

  private def put(ctx: CodegenContext, dataType: DataType, value: ExprCode, i: Int): String = {
    val (cls: Class[_], method) = ArrowSinkExec.putMethod(dataType)
    val builder = ctx.addMutableState(
      cls.getName, s"column$i", v => s"$v = (${cls.getName}) $sink.column($i);", forceInline = true)
    if (cls == classOf[NullBuilder]) {
      s"$builder.putNull();"
    } else {
      s"""
         |if (${value.isNull}) {
         |  $builder.putNull();
         |} else {
         |  $builder.$method(${value.value});
         |}
       """.stripMargin
    }
  }

  override protected def doExecute(): RDD[InternalRow] = {
    val opener = factory
    child.execute().mapPartitionsInternal { rows =>
      val sink = opener.open()
      new Iterator[InternalRow] {
        override def hasNext: Boolean = rows.hasNext
        override def next(): InternalRow = {
          var full = false
          while (!full && rows.hasNext) full = sink.append(rows.next())
          sink.finish()
        }
      }
    }
  }

  override protected def withNewChildInternal(newChild: SparkPlan): ArrowSinkExec =
    copy(child = newChild)
}

object ArrowSinkExec {

  private val COLUMNS_A_METHOD = 16

  private def putMethod(dataType: DataType): (Class[_ <: ColumnBuilder], String) =
    Layout.of(dataType) match {
      case Layout.Empty => (classOf[NullBuilder], "putNull")
      case Layout.Bits => (classOf[BitBuilder], "putBoolean")
      case Layout.Fixed(1) => (classOf[FixedBuilder], "putByte")
      case Layout.Fixed(2) => (classOf[FixedBuilder], "putShort")
      case Layout.Fixed(4) if dataType == FloatType => (classOf[FixedBuilder], "putFloat")
      case Layout.Fixed(4) => (classOf[FixedBuilder], "putInt")
      case Layout.Fixed(_) if dataType == DoubleType => (classOf[FixedBuilder], "putDouble")
      case Layout.Fixed(_) => (classOf[FixedBuilder], "putLong")
      case Layout.Decimal128 => (classOf[DecimalBuilder], "putDecimal")
      case Layout.MonthDayNano => (classOf[IntervalBuilder], "putInterval")
      case Layout.Variable if dataType == BinaryType => (classOf[VariableBuilder], "putBinary")
      case Layout.Variable => (classOf[VariableBuilder], "putUTF8String")
      case Layout.Elements => (classOf[ListBuilder], "putArray")
      case Layout.Entries => (classOf[MapBuilder], "putMap")
      case Layout.Fields => (classOf[StructBuilder], "putStruct")
    }
}

/** The rows of a child as record batches in Arrow's layout, written by [[ArrowSinkExec]]. */
case class RowsToArrowExec(child: SparkPlan) extends UnaryExecNode with ArrowBatchesExec {

  override def output: Seq[Attribute] = child.output
  override def outputPartitioning: Partitioning = child.outputPartitioning
  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  override protected def doExecuteColumnar(): RDD[ColumnarBatch] =
    child.execute().mapPartitionsInternal(_.map(_.asInstanceOf[BatchRow].batch))

  override protected def withNewChildInternal(newChild: SparkPlan): RowsToArrowExec =
    copy(child = newChild)
}
