package org.hydrofoil.spark

import org.apache.spark.internal.Logging
import org.apache.spark.sql.SparkSessionExtensions
import org.apache.spark.sql.hydrofoil.files.LocalFiles
import org.apache.spark.sql.hydrofoil.plan.{GroupedRule, HydrofoilRule}
import org.apache.spark.sql.hydrofoil.shim.Shim

/**
 * The JVM's half of Hydrofoil: set `spark.sql.extensions` to this class's name. On a Spark that
 * this jar has no adapter for it changes nothing and says so once.
 */
final class HydrofoilExtensions extends (SparkSessionExtensions => Unit) with Logging {

  override def apply(extensions: SparkSessionExtensions): Unit = {
    if (Shim.running.isDefined) {
      extensions.injectColumnar(_ => new HydrofoilRule)
      extensions.injectColumnar(_ => new GroupedRule)
      LocalFiles.turnOn()
    } else {
      logWarning(s"Hydrofoil's columnar exchange is off: this jar serves Spark 4.0 to 4.3, not " +
        s"${org.apache.spark.SPARK_VERSION}. Python functions run by Spark's own operators.")
    }
  }
}
