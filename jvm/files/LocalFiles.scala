package org.apache.spark.sql.hydrofoil.files

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.util.Shell
import org.apache.spark.SparkContext
import org.hydrofoil.spark.HydrofoilLocalFs

/** Has Spark write the checkpoints of streams to local disks by [[HydrofoilLocalFs]]. */
object LocalFiles {

  /** Whether to, where `COLUMNAR` is on; for queries that start later. */
  final val ENABLED = "spark.hydrofoil.columnar.localFiles"
  final val COLUMNAR = "spark.hydrofoil.columnar.enabled"

  private final val IMPLEMENTATION = "fs.AbstractFileSystem.file.impl"
  private final val DEFAULTS = "core-default.xml"
  private final val JAR = "hydrofoil-spark.jar"

  // Where Spark lists what it brings to executors; on YARN it moves what spark.jars had.
  private final val JARS = Array("spark.jars", "spark.yarn.dist.jars")

  def turnOn(): Unit = {
    val active = SparkContext.getActive
    if (active.isDefined) turnOn(active.get)
  }

  /**
   * Names the class to Hadoop for this application, unless somebody has named one, or an executor
   * might not find this one: a query that looks at a checkpoint would fail.
   */
  def turnOn(context: SparkContext): Unit = {
    val hadoop = context.hadoopConfiguration
    val name = classOf[HydrofoilLocalFs].getName
    val wanted = !Shell.WINDOWS && context.getConf.getBoolean(ENABLED, true)
    if (wanted && isHadoopsChoice(hadoop) && isEverywhere(context) && isFound(hadoop, name)) {
      hadoop.set(IMPLEMENTATION, name)
    }
  }

  /** What a session has set is in the settings that Spark gives Hadoop for its queries. */
  def isOn(conf: Configuration): Boolean =
    conf.getBoolean(ENABLED, true) && conf.getBoolean(COLUMNAR, true)

  private def isHadoopsChoice(hadoop: Configuration): Boolean = {
    val sources = hadoop.getPropertySources(IMPLEMENTATION)
    sources == null || sources.length == 1 && sources(0) == DEFAULTS
  }

  private def isEverywhere(context: SparkContext): Boolean = {
    var found = context.isLocal
    var i = 0
    while (i < JARS.length) {
      found ||= brings(context.getConf.get(JARS(i), ""))
      i += 1
    }
    found
  }

  private def brings(jars: String): Boolean = {
    val names = jars.split(",")
    var found = false
    var i = 0
    while (i < names.length) {
      found ||= names(i).trim.endsWith("/" + JAR)
      i += 1
    }
    found
  }

  private def isFound(hadoop: Configuration, name: String): Boolean =
    hadoop.getClassByNameOrNull(name) eq classOf[HydrofoilLocalFs]
}
