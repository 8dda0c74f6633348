package org.apache.spark.sql.execution.python

// See ../common/Runners.scala: what the adapter calls, as Spark 4.0 has it.

object EvalPythonExec {
  case class ArgumentMetadata(offset: Int, name: Option[String])
}
