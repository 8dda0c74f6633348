package org.apache.spark.sql.hydrofoil.settings

import java.util.NoSuchElementException

import org.apache.spark.sql.internal.SQLConf

/** Spark's settings that not all versions have, so that there is no entry to ask by. */
object SparkSettings {
  val CODEC = "spark.sql.execution.arrow.compression.codec"

  /** How batches for Python are compressed; by the version's own default where it is not set. */
  def codec(conf: SQLConf): String =
    try conf.getConfString(CODEC)
    catch { case _: NoSuchElementException => "none" }
}
