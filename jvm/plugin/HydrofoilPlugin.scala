package org.hydrofoil.spark

import org.apache.spark.api.plugin.{DriverPlugin, ExecutorPlugin, SparkPlugin}
import org.apache.spark.sql.hydrofoil.plugin.HydrofoilDriver

/**
 * Turns all of Hydrofoil on by one setting: `spark.plugins`. Spark loads it on drivers before the
 * scheduler starts, so that executors get the settings that it makes.
 *
 * It is made for Java 8 and of Java's own classes alone: on Spark 3.5, whose Scala and Java may be
 * older than this jar's other classes, it has to be loaded, too.
 */
final class HydrofoilPlugin extends SparkPlugin {

  override def driverPlugin(): DriverPlugin = new HydrofoilDriver

  override def executorPlugin(): ExecutorPlugin = null
}
