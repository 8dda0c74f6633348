package org.hydrofoil.spark

import org.apache.spark.sql.SparkSessionExtensions

class HydrofoilExtensions extends (SparkSessionExtensions => Unit) {
  override def apply(extensions: SparkSessionExtensions): Unit = ()
}
