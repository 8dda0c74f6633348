package org.apache.spark.sql.hydrofoil.plan

import java.nio.ByteOrder

import org.apache.spark.api.python.PythonEvalType
import org.apache.spark.sql.catalyst.expressions.{Attribute, Expression}
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.execution.python.ArrowEvalPythonExec
import org.apache.spark.sql.hydrofoil.memory.Layout
import org.apache.spark.sql.hydrofoil.settings.SparkSettings
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{DataType, StructType}

object MapEvalTypes {
  val ARROW: Int = PythonEvalType.SQL_MAP_ARROW_ITER_UDF
  val PANDAS: Int = PythonEvalType.SQL_MAP_PANDAS_ITER_UDF
}

/** What Hydrofoil's operators do; each answer is the reason why one is left to Spark's, or None. */
object Coverage {

  def scalar(
      eval: ArrowEvalPythonExec,
      arguments: Seq[Expression],
      passThrough: Seq[Attribute],
      conf: SQLConf): Option[String] =
    session(conf)
      .orElse(if (arguments.isEmpty) Some("it has no argument") else None)
      .orElse(types("argument", arguments.map(a => a.sql -> a.dataType)))
      .orElse(types("column", passThrough.map(a => a.name -> a.dataType)))
      .orElse(types("result", eval.resultAttrs.map(a => a.name -> a.dataType)))

  def mapInBatch(output: Seq[Attribute], child: SparkPlan, conf: SQLConf): Option[String] =
    session(conf)
      .orElse(types("column", child.output.map(a => a.name -> a.dataType)))
      .orElse(types("result", output.map(a => a.name -> a.dataType)))

  /** @param read what the source's reader gives, where types may be that Spark has not otherwise */
  def source(read: StructType, output: Seq[Attribute], conf: SQLConf): Option[String] =
    session(conf)
      .orElse(types("column", read.map(field => field.name -> field.dataType)))
      .orElse(types("column", output.map(a => a.name -> a.dataType)))

  /** What is asked for as rows, and made of record batches by Python. */
  def frame(schema: StructType, conf: SQLConf): Option[String] =
    session(conf).orElse(types("column", schema.map(field => field.name -> field.dataType)))

  private def session(conf: SQLConf): Option[String] = {
    val codec = SparkSettings.codec(conf)
    if (codec != "none") {
      Some(s"${SparkSettings.CODEC} is $codec")
    } else if (conf.arrowUseLargeVarTypes) {
      Some("spark.sql.execution.arrow.useLargeVarTypes is true")
    } else if (ByteOrder.nativeOrder != ByteOrder.LITTLE_ENDIAN) {
      Some("this machine is big-endian")
    } else {
      None
    }
  }

  private def types(role: String, named: Seq[(String, DataType)]): Option[String] =
    named.collectFirst {
      case (name, dataType) if Layout.find(Layout.stored(dataType)).isEmpty =>
        s"the $role $name is of type ${dataType.simpleString}"
    }
}
