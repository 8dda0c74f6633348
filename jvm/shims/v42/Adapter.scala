package org.apache.spark.sql.hydrofoil.shims.v42

import org.apache.spark.sql.hydrofoil.shim.{Argument, BatchSource, Exchange, RunnerSpec}
import org.apache.spark.sql.hydrofoil.shims.common.LatestShim

/** Spark 4.2 and 4.3, whose runners are the same to us. */
final class Adapter extends LatestShim {

  override def runner(spec: RunnerSpec, offsets: Array[Array[Int]], input: BatchSource): Exchange =
    new Runner(spec, offsets, input)

  override def namedRunner(spec: RunnerSpec, named: Argument.Lists, input: BatchSource): Exchange =
    new NamedRunner(spec, named, input)

  override def scalarRunner(spec: RunnerSpec, named: Argument.Lists, input: BatchSource): Exchange =
    new ScalarRunner(spec, named, input)
}
