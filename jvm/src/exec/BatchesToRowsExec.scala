package org.apache.spark.sql.hydrofoil.exec

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, UnsafeProjection}
import org.apache.spark.sql.catalyst.expressions.codegen.{
  CodegenContext, CodeGenerator, ExprCode, FalseLiteral, JavaCode}
import org.apache.spark.sql.catalyst.expressions.codegen.Block._
import org.apache.spark.sql.execution.{
  CodegenSupport, ColumnarToRowExec, ColumnarToRowTransition, InputAdapter, SparkPlan}
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.sql.hydrofoil.codegen.{RowWriter, UnsafeValues}
import org.apache.spark.sql.hydrofoil.compiled.{PyStr, TextVector}
import org.apache.spark.sql.hydrofoil.memory.{Layout, RawVector}
import org.apache.spark.sql.vectorized.{ColumnarBatch, ColumnVector}

/**
 * Rows of record batches, in the place of Spark's `ColumnarToRowExec`.
 *
 * @param generated
 *   whether the parent's generated code is to read the batches' values itself. Without, rows are
 *   written for a parent that takes them one by one, such as a writer, an exchange or a collect: a
 *   stage of generated code would put each into a list first.
 * @param whole
 *   the nested columns that expressions of the parent's generated code use as they are. Those get
 *   values of the classes that they would get from Spark's rows, because a vector's structs, arrays
 *   and maps are neither compared, nor kept, nor printed.
 */
case class BatchesToRowsExec(child: SparkPlan, generated: Boolean, whole: Seq[Attribute])
  extends ColumnarToRowTransition with SameRowsExec with CodegenSupport {

  override def simpleString(maxFields: Int): String = nodeName

  override lazy val metrics: Map[String, SQLMetric] = Map(
    "numOutputRows" -> SQLMetrics.createMetric(sparkContext, "number of output rows"),
    "numInputBatches" -> SQLMetrics.createMetric(sparkContext, "number of input batches"))

  /** Whether all vectors are ours; a compiled function's are until a row trips a guard. */
  private def areRaw: Boolean = child match {
    // What stands between generated code and an operator that has none.
    case InputAdapter(operator) => operator.isInstanceOf[ArrowBatchesExec]
    case operator => operator.isInstanceOf[ArrowBatchesExec]
  }

  override protected def doExecute(): RDD[InternalRow] =
    if (areRaw) executeRaw() else ColumnarToRowExec(child).execute()

  private def executeRaw(): RDD[InternalRow] = {
    val rows = longMetric("numOutputRows")
    val inputs = longMetric("numInputBatches")
    val attributes = output
    val types = Columns.storedTypes(attributes)
    child.executeColumnar().mapPartitionsInternal { batches =>
      if (RowWriter.takes(types)) {
        new WrittenRows(batches, types, rows, inputs)
      } else {
        new BatchRows(batches, UnsafeProjection.create(attributes, attributes), rows, inputs)
      }
    }
  }

  override def supportCodegen: Boolean = generated

  // The loop below is where a limit above stops.
  override protected def canCheckLimitNotReached: Boolean = true

  override def inputRDDs(): Seq[RDD[InternalRow]] =
    // The type of the elements is erased, and the code below knows it.
    Seq(child.executeColumnar().asInstanceOf[RDD[InternalRow]])

  override protected def doProduce(ctx: CodegenContext): String = {
    val batchClass = classOf[ColumnarBatch].getName
    val vectorClass = (if (areRaw) classOf[RawVector] else classOf[ColumnVector]).getName
    val input = ctx.addMutableState("scala.collection.Iterator", "input", v => s"$v = inputs[0];")
    val batch = ctx.addMutableState(batchClass, "batch")
    val begin = ctx.addMutableState(CodeGenerator.JAVA_INT, "nextRow")
    val vectors = output.indices.map(i => ctx.addMutableState(vectorClass, s"vector$i"))
    val nested = nestedValues(ctx, vectors)
    val assigns = vectors.zipWithIndex.map { case (v, i) =>
      val opens = nested.get(v).map(values => s" $values.open($v);").getOrElse("")
      s"$v = ($vectorClass) $batch.column($i);$opens"
    }
    val nextBatch = ctx.freshName("nextBatch")
    val next = ctx.addNewFunction(
      nextBatch,
      s"""
         |private void $nextBatch() throws java.io.IOException {
         |  $batch = null;
         |  if ($input.hasNext()) {
         |    $batch = ($batchClass) $input.next();
         |    ${metricTerm(ctx, "numInputBatches")}.add(1);
         |    ${metricTerm(ctx, "numOutputRows")}.add($batch.numRows());
         |    $begin = 0;
         |    ${assigns.mkString("\n")}
         |  }
         |}
       """.stripMargin)
    ctx.currentVars = null
    loop(ctx, batch, begin, next, vectors, nested)
  }

  /** What reads the nested columns that are used as a whole, by the name of their vector. */
  private def nestedValues(ctx: CodegenContext, vectors: Seq[String]): Map[String, String] =
    output.zip(vectors).collect {
      case (attribute, vector) if whole.contains(attribute) =>
        val dataType = ctx.addReferenceObj("nestedType", Layout.stored(attribute.dataType))
        val values = classOf[UnsafeValues].getName
        vector -> ctx.addMutableState(values, "nested", v => s"$v = new $values($dataType);")
    }.toMap

  /** Goes through the rows of all batches, from the row that was to be next. */
  private def loop(
      ctx: CodegenContext,
      batch: String,
      begin: String,
      next: String,
      vectors: Seq[String],
      nested: Map[String, String]): String = {
    val row = ctx.freshName("row")
    val end = ctx.freshName("end")
    val values = output.zip(vectors).map { case (attribute, vector) =>
      if (areRaw || CodeGenerator.javaType(attribute.dataType) != "UTF8String") {
        BatchesToRowsExec.value(ctx, vector, nested.get(vector), row, attribute)
      } else {
        BatchesToRowsExec.text(ctx, vector, row, attribute)
      }
    }
    val stop = if (parent.needStopCheck) s"if (shouldStop()) { $begin = $row + 1; return; }" else ""
    s"""
       |if ($batch == null) {
       |  $next();
       |}
       |while ($limitNotReachedCond $batch != null) {
       |  int $end = $batch.numRows();
       |  for (int $row = $begin; $row < $end; $row++) {
       |    ${consume(ctx, values).trim}
       |    $stop
       |  }
       |  $begin = $end;
       |  $batch.closeIfFreeable();
       |  $next();
       |}
       |if ($batch != null) {
       |  $batch.close();
       |}
     """.stripMargin
  }

  override protected def withNewChildInternal(newChild: SparkPlan): BatchesToRowsExec =
    copy(child = newChild)
}

object BatchesToRowsExec {

  /** The variables of a string of any vector, which is made in one place for the same reason. */
  private def text(
      ctx: CodegenContext,
      vector: String,
      row: String,
      attribute: Attribute): ExprCode = {
    val value = JavaCode.variable(ctx.freshName("value"), attribute.dataType)
    val isNull = JavaCode.isNullVariable(ctx.freshName("isNull"))
    val names = Seq("base", "at", "length", "text").map(ctx.freshName)
    val (base, at, length, text) = (names(0), names(1), names(2), names(3))
    val (raw, own) = (classOf[RawVector].getName, classOf[TextVector].getName)
    val code = code"""
      boolean $isNull = $vector.isNullAt($row);
      Object $base = null;
      long $at = 0L;
      int $length = 0;
      if (!$isNull) {
        if ($vector instanceof $own) {
          ${classOf[PyStr].getName} $text = (($own) $vector).get($row);
          $base = $text.base();
          $at = $text.offset();
          $length = $text.numBytes();
        } else if ($vector instanceof $raw) {
          $at = (($raw) $vector).textAddress($row);
          $length = (($raw) $vector).textLength($row);
        } else {
          UTF8String $text = $vector.getUTF8String($row);
          $base = $text.getBaseObject();
          $at = $text.getBaseOffset();
          $length = $text.numBytes();
        }
      }
      UTF8String $value = UTF8String.fromAddress($base, $at, $length);
    """
    ExprCode(code, isNull, value)
  }

  /**
   * The variables of a column's value. A string is made in one place, null or not: the JVM's
   * compiler leaves an object out that only one place makes and that goes nowhere, and with it the
   * four volatile fields that Spark's strings write, which take longer than most of what is done
   * with a string.
   */
  private def value(
      ctx: CodegenContext,
      vector: String,
      nested: Option[String],
      row: String,
      attribute: Attribute): ExprCode = {
    val dataType = attribute.dataType
    val javaType = CodeGenerator.javaType(dataType)
    val value = JavaCode.variable(ctx.freshName("value"), dataType)
    val isNull =
      if (attribute.nullable) JavaCode.isNullVariable(ctx.freshName("isNull")) else FalseLiteral
    val read =
      if (javaType == "UTF8String") s"$vector.text($row, $isNull)"
      else nested.map(UnsafeValues.read(_, Layout.stored(dataType), row))
        .getOrElse(CodeGenerator.getValueFromVector(vector, dataType, row))
    val code =
      if (!attribute.nullable) code"$javaType $value = $read;"
      else if (javaType == "UTF8String") {
        code"""
          boolean $isNull = $vector.isNullAt($row);
          $javaType $value = $read;
        """
      } else {
        code"""
          boolean $isNull = $vector.isNullAt($row);
          $javaType $value = $isNull ? ${CodeGenerator.defaultValue(dataType)} : ($read);
        """
      }
    ExprCode(code, isNull, value)
  }
}
