package org.apache.spark.sql.hydrofoil.shims.v41

import org.apache.spark.sql.execution.python.{ArrowPythonRunner, ArrowPythonWithNamedArgumentRunner}
import org.apache.spark.sql.execution.python.EvalPythonExec.ArgumentMetadata
import org.apache.spark.sql.hydrofoil.shim.{Argument, BatchSource, RunnerSpec}
import org.apache.spark.sql.hydrofoil.shims.common.FedRunner
import org.apache.spark.sql.internal.SQLConf

/** Spark 4.1's, which are told of the session and of a profiler. */
final class Runner(spec: RunnerSpec, offsets: Array[Array[Int]], val source: BatchSource)
  extends ArrowPythonRunner(
    spec.functions, spec.evalType, offsets, spec.schema, spec.timeZone, spec.largeVarTypes,
    spec.conf, spec.metrics, spec.jobArtifact, spec.session, spec.profiler)
  with FedRunner

class NamedRunner(spec: RunnerSpec, named: Argument.Lists, val source: BatchSource)
  extends ArrowPythonWithNamedArgumentRunner(
    spec.functions, spec.evalType,
    named.map(_.map(each => ArgumentMetadata(each.offset, each.name))),
    spec.schema, spec.timeZone, spec.largeVarTypes,
    spec.conf, spec.metrics, spec.jobArtifact, spec.session, spec.profiler)
  with FedRunner

final class ScalarRunner(spec: RunnerSpec, named: Argument.Lists, input: BatchSource)
  extends NamedRunner(spec, named, input) {

  // Where rows are converted as pickled ones are, this many results are looked at together.
  override val batchSizeForPythonUDF: Int =
    SQLConf.get.getConf(SQLConf.PYTHON_UDF_MAX_RECORDS_PER_BATCH)
}
