package org.apache.spark.sql.hydrofoil.shims.v40

import org.apache.spark.sql.execution.python.{ArrowPythonRunner, ArrowPythonWithNamedArgumentRunner}
import org.apache.spark.sql.execution.python.EvalPythonExec.ArgumentMetadata
import org.apache.spark.sql.hydrofoil.shim.{Argument, BatchSource, RunnerSpec}
import org.apache.spark.sql.hydrofoil.shims.common.FedRunner

/** Spark 4.0's, which are told of a profiler. */
final class Runner(spec: RunnerSpec, offsets: Array[Array[Int]], val source: BatchSource)
  extends ArrowPythonRunner(
    spec.functions, spec.evalType, offsets, spec.schema, spec.timeZone, spec.largeVarTypes,
    spec.conf, spec.metrics, spec.jobArtifact, spec.profiler)
  with FedRunner

final class NamedRunner(spec: RunnerSpec, named: Argument.Lists, val source: BatchSource)
  extends ArrowPythonWithNamedArgumentRunner(
    spec.functions, spec.evalType,
    named.map(_.map(each => ArgumentMetadata(each.offset, each.name))),
    spec.schema, spec.timeZone, spec.largeVarTypes,
    spec.conf, spec.metrics, spec.jobArtifact, spec.profiler)
  with FedRunner
