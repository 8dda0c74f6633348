package org.apache.spark.sql.hydrofoil.grouped

import org.apache.spark.internal.config.ConfigEntry
import org.apache.spark.sql.internal.SQLConf

/** The setting of grouped functions' exchange; it can be changed in a running session. */
object GroupedConf {
  val ENABLED: ConfigEntry[Boolean] =
    SQLConf.buildConf("spark.hydrofoil.columnar.grouped.enabled")
      .doc("Whether groups are sent to Python many in a record batch, where " +
        "spark.hydrofoil.columnar.enabled is true and the workers are Hydrofoil's.")
      .version("4.0.0")
      .booleanConf
      .createWithDefault(true)
}
