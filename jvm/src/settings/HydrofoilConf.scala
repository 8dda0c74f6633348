package org.apache.spark.sql.hydrofoil.settings

import org.apache.spark.internal.config.ConfigEntry
import org.apache.spark.network.util.ByteUnit
import org.apache.spark.sql.internal.SQLConf

/** The settings of the columnar exchange; all can be changed in a running session. */
object HydrofoilConf {

  val ENABLED: ConfigEntry[Boolean] = SQLConf.buildConf("spark.hydrofoil.columnar.enabled")
    .doc("Whether Python functions exchange record batches with their workers by Hydrofoil's " +
      "operators in place of Spark's.")
    .version("4.0.0")
    .booleanConf
    .createWithDefault(true)

  /** Whether groups of grouped functions are exchanged so, too. */
  val GROUPED: ConfigEntry[Boolean] =
    SQLConf.buildConf("spark.hydrofoil.columnar.grouped.enabled")
      .doc("Whether groups are sent to Python many in a record batch, where " +
        "spark.hydrofoil.columnar.enabled is true and the workers are Hydrofoil's.")
      .version("4.0.0")
      .booleanConf
      .createWithDefault(true)

  val ADAPTIVE: ConfigEntry[Boolean] =
    SQLConf.buildConf("spark.hydrofoil.columnar.adaptiveBatches")
      .doc("Whether functions of single rows (udf) that return numbers, booleans, dates or times " +
        "get smaller record batches than spark.sql.execution.arrow.maxRecordsPerBatch while they " +
        "are slow, so that results flow and little waits. All other functions, which can see " +
        "where a batch ends, always get Spark's.")
      .version("4.0.0")
      .booleanConf
      .createWithDefault(true)

  val BATCH_BYTES: ConfigEntry[Long] =
    SQLConf.buildConf("spark.hydrofoil.columnar.maxBytesPerBatch")
      .doc("The size at which a record batch for functions of single rows (udf) that return " +
        "numbers, booleans, dates or times ends, whatever " +
        "spark.sql.execution.arrow.maxRecordsPerBatch and maxBytesPerBatch allow.")
      .version("4.0.0")
      .bytesConf(ByteUnit.BYTE)
      .checkValue(_ > 0, "must be positive")
      .createWithDefaultString("16m")

  val PASS_THROUGH_MEMORY: ConfigEntry[Long] =
    SQLConf.buildConf("spark.hydrofoil.columnar.passThroughMemory")
      .doc("How much of the columns that wait for a function's results stays in memory, per task " +
        "and function; the rest waits on local disk. Spark's memory manager may allow less.")
      .version("4.0.0")
      .bytesConf(ByteUnit.BYTE)
      .checkValue(_ >= 0, "must not be negative")
      .createWithDefaultString("256m")

  val COMPILE: ConfigEntry[Boolean] = SQLConf.buildConf("spark.hydrofoil.compile.enabled")
    .doc("Whether Python functions of single rows (udf) whose code is known run as Java, with " +
      "guards; rows for which a guard does not hold go to Python.")
    .version("4.0.0")
    .booleanConf
    .createWithDefault(false)
}
