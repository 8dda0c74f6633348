package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, AttributeSet}
import org.apache.spark.sql.catalyst.expressions.codegen.{
  CodegenContext, CodeGenerator, ExprCode, SimpleExprValue, VariableValue}
import org.apache.spark.sql.execution.{CodegenSupport, SparkPlan}
import org.apache.spark.sql.hydrofoil.build.{
  BitBuilder, ColumnBuilder, DecimalBuilder, FixedBuilder, IntervalBuilder, ListBuilder, MapBuilder,
  NullBuilder, StructBuilder, VariableBuilder}
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.hydrofoil.settings.Limits
import org.apache.spark.sql.types.{BinaryType, DataType, DoubleType, FloatType}

/**
 * The end of a stage of generated code that writes each value straight into its Arrow buffer: no
 * row is made on the way. It yields one [[BatchRow]] a batch, which only [[RowsToArrowExec]]
 * understands.
 *
 * @param sent the columns that go to the worker; the others pass through
 */
case class ArrowSinkExec(child: SparkPlan, sent: Seq[Attribute], limits: Limits)
  extends SameRowsExec with CodegenSupport {

  override def simpleString(maxFields: Int): String = s"$nodeName $limits"

  private def factory: SinkFactory =
    new SinkFactory(
      Columns.storedTypes(child.output),
      Columns.ordinals(sent, child.output),
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
    val method = ArrowSinkExec.putMethod(dataType)
    val cls = method.builder.getName
    val builder = ctx.addMutableState(
      cls,
      s"column$i",
      v => s"$v = ($cls) $sink.column($i);",
      forceInline = true)
    if (method.builder == classOf[NullBuilder]) {
      s"$builder.putNull();"
    } else {
      s"""
         |if (${value.isNull}) {
         |  $builder.putNull();
         |} else {
         |  $builder.${method.name}(${value.value});
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

  private final case class Method(builder: Class[_ <: ColumnBuilder], name: String)

  private def putMethod(dataType: DataType): Method =
    Layout.of(dataType) match {
      case Layout.Empty => Method(classOf[NullBuilder], "putNull")
      case Layout.Bits => Method(classOf[BitBuilder], "putBoolean")
      case Layout.Fixed(1) => Method(classOf[FixedBuilder], "putByte")
      case Layout.Fixed(2) => Method(classOf[FixedBuilder], "putShort")
      case Layout.Fixed(4) if dataType == FloatType => Method(classOf[FixedBuilder], "putFloat")
      case Layout.Fixed(4) => Method(classOf[FixedBuilder], "putInt")
      case Layout.Fixed(_) if dataType == DoubleType => Method(classOf[FixedBuilder], "putDouble")
      case Layout.Fixed(_) => Method(classOf[FixedBuilder], "putLong")
      case Layout.Decimal128 => Method(classOf[DecimalBuilder], "putDecimal")
      case Layout.MonthDayNano => Method(classOf[IntervalBuilder], "putInterval")
      case Layout.Variable if dataType == BinaryType =>
        Method(classOf[VariableBuilder], "putBinary")
      case Layout.Variable => Method(classOf[VariableBuilder], "putUTF8String")
      case Layout.Elements => Method(classOf[ListBuilder], "putArray")
      case Layout.Entries => Method(classOf[MapBuilder], "putMap")
      case Layout.Fields => Method(classOf[StructBuilder], "putStruct")
    }
}
