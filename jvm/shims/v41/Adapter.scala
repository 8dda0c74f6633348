package org.apache.spark.sql.hydrofoil.shims.v41

import org.apache.arrow.vector.types.pojo.Schema
import org.apache.spark.sql.hydrofoil.shim.{Argument, BatchSource, Exchange, RunnerSpec}
import org.apache.spark.sql.hydrofoil.shims.common.LatestShim
import org.apache.spark.sql.types.StructType
import org.apache.spark.sql.util.ArrowUtils

/** Spark 4.1. */
final class Adapter extends LatestShim {

  override def runner(spec: RunnerSpec, offsets: Array[Array[Int]], input: BatchSource): Exchange =
    new Runner(spec, offsets, input)

  override def namedRunner(spec: RunnerSpec, named: Argument.Lists, input: BatchSource): Exchange =
    new NamedRunner(spec, named, input)

  override def scalarRunner(spec: RunnerSpec, named: Argument.Lists, input: BatchSource): Exchange =
    new ScalarRunner(spec, named, input)

  override def arrowSchema(
      schema: StructType,
      sides: Int,
      timeZone: String,
      largeVarTypes: Boolean): Schema =
    ArrowUtils.toArrowSchema(schema, timeZone, true, largeVarTypes)
}
