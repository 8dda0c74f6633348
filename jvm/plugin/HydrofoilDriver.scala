package org.apache.spark.sql.hydrofoil.plugin

import java.util.{ArrayList => JavaList, Collections, Map => JavaMap}

import org.apache.spark.{SparkConf, SparkContext}
import org.apache.spark.api.plugin.{DriverPlugin, PluginContext}
import org.apache.spark.sql.hydrofoil.files.LocalFiles
import org.slf4j.LoggerFactory

/**
 * Sets what turns Hydrofoil on for an application that is starting, and says so in one line. What
 * the user has set is left as it is.
 */
final class HydrofoilDriver extends DriverPlugin {

  private val log = LoggerFactory.getLogger("org.hydrofoil.spark.HydrofoilPlugin")
  private val made = new JavaList[String]
  private val left = new JavaList[String]

  override def init(context: SparkContext, plugin: PluginContext): JavaMap[String, String] = {
    // An environment that turns Hydrofoil off is for the workers as well.
    var i = 0
    while (i < HydrofoilDriver.PASSED_ON.length) {
      passOn(context, HydrofoilDriver.PASSED_ON(i), System.getenv(HydrofoilDriver.PASSED_ON(i)))
      i += 1
    }
    i = 0
    while (i < HydrofoilDriver.FOR_WORKERS.length) {
      val variable = HydrofoilDriver.variableOf(HydrofoilDriver.FOR_WORKERS(i))
      if (!context.conf.contains(HydrofoilDriver.FOR_WORKERS(i)))
        passOn(context, variable, System.getenv(variable))
      i += 1
    }
    val off = System.getenv("HYDROFOIL")
    if (off != null && off.trim.equalsIgnoreCase("off")) {
      log.warn("Hydrofoil is off: HYDROFOIL=off is in the driver's environment")
    } else {
      tellWorkers(context)
      turnOn(context)
    }
    Collections.emptyMap[String, String]
  }

  /** Daemons and workers see no settings of Spark's: they are variables of the executors. */
  private def tellWorkers(context: SparkContext): Unit = {
    var i = 0
    while (i < HydrofoilDriver.FOR_WORKERS.length) {
      val name = HydrofoilDriver.FOR_WORKERS(i)
      val variable = HydrofoilDriver.variableOf(name)
      val value = context.conf.get(name, null)
      val key = HydrofoilDriver.executorEnv(variable)
      if (value != null && !context.conf.contains(key)) {
        if (context.isLocal) {
          // There is no executor whose environment is still to be made.
          left.add(name + " (with a local master set " + key + "=" + value + ")")
        } else {
          passOn(context, variable, value)
          made.add(key + "=" + value)
        }
      }
      i += 1
    }
  }

  private def turnOn(context: SparkContext): Unit = {
    val conf = context.conf
    if (set(conf, HydrofoilDriver.DAEMON, "hydrofoil.daemon")) {
      // Another daemon has a worker of its own.
      set(conf, HydrofoilDriver.WORKER, "hydrofoil.worker")
      var i = 0
      while (i < HydrofoilDriver.WHY_DIED.length) {
        set(conf, HydrofoilDriver.WHY_DIED(i), "true")
        i += 1
      }
    }
    if (context.version.startsWith("3.")) {
      left.add(HydrofoilDriver.EXTENSIONS + " (the JVM's operators need Spark 4)")
      LocalFiles.turnOn(context)
    } else {
      append(conf, HydrofoilDriver.EXTENSIONS, "org.hydrofoil.spark.HydrofoilExtensions")
    }
    if (!made.isEmpty) conf.set(HydrofoilDriver.APPLIED, String.join(", ", made))
    val did = if (made.isEmpty) "had nothing to set" else "set " + String.join(", ", made)
    val not = if (left.isEmpty) "" else "; left " + String.join(", ", left)
    log.warn("Hydrofoil's plugin " + did + not)
  }

  /** Makes a setting that the user has not made; whether it has the value now. */
  private def set(conf: SparkConf, key: String, value: String): Boolean = {
    val present = conf.get(key, null)
    if (present == null) {
      conf.set(key, value)
      made.add(key + "=" + value)
    } else if (present != value) {
      left.add(key + "=" + present)
    }
    present == null || present == value
  }

  /** Adds an item to a setting that is a list. */
  private def append(conf: SparkConf, key: String, item: String): Unit = {
    val present = conf.get(key, "").trim
    val items = new JavaList[String]
    val parts = present.split(",")
    var i = 0
    while (i < parts.length) {
      items.add(parts(i).trim)
      i += 1
    }
    if (!items.contains(item)) {
      val value = if (present.isEmpty) item else present + "," + item
      conf.set(key, value)
      made.add(key + "=" + value)
    }
  }

  /** Gives executors a variable, unless they are to have another value. */
  private def passOn(context: SparkContext, name: String, value: String): Unit = {
    val key = HydrofoilDriver.executorEnv(name)
    if (value != null && !context.conf.contains(key)) {
      context.conf.set(key, value)
      // Spark has gathered the variables of that setting already, for those that start executors.
      context.executorEnvs.update(name, value)
    }
  }
}

object HydrofoilDriver {
  final val DAEMON = "spark.python.daemon.module"
  final val WORKER = "spark.python.worker.module"
  final val EXTENSIONS = "spark.sql.extensions"

  /** With these a JVM reads why a worker died from a file, to which Hydrofoil's daemon adds. */
  final val WHY_DIED = Array(
    "spark.python.worker.faulthandler.enabled",
    "spark.sql.execution.pyspark.udf.faulthandler.enabled"
  )

  /** Settings that daemons and workers read as variables; see settings/for_workers.py. */
  final val FOR_WORKERS = Array(
    "spark.hydrofoil.daemon.inner",
    "spark.hydrofoil.showValues",
    "spark.hydrofoil.keepFailedBatches",
    "spark.hydrofoil.failures.folder",
    "spark.hydrofoil.slowRow",
    "spark.hydrofoil.worker.memory",
    "spark.hydrofoil.models.memory",
    "spark.hydrofoil.models.linger"
  )

  /** Variables of the driver's that its workers need too, beside those of such settings. */
  final val PASSED_ON = Array("HYDROFOIL", "HYDROFOIL_TRACE", "HYDROFOIL_AFTER_FORK")

  /** What this has set, for the environment page of the UI. */
  final val APPLIED = "spark.hydrofoil.plugin.applied"

  /** Such as HYDROFOIL_SHOW_VALUES for spark.hydrofoil.showValues. */
  def variableOf(setting: String): String = {
    val name = new java.lang.StringBuilder
    var i = "spark.".length
    while (i < setting.length) {
      val c = setting.charAt(i)
      if (Character.isUpperCase(c)) name.append('_')
      name.append(if (c == '.') '_' else Character.toUpperCase(c))
      i += 1
    }
    name.toString
  }

  def executorEnv(variable: String): String = "spark.executorEnv." + variable
}
