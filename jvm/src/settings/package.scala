/** The settings of Hydrofoil and those of Spark that matter to it; it knows nothing else. */
package org.apache.spark.sql.hydrofoil.settings

/** The settings of Hydrofoil and those of Spark that matter to it; it knows nothing else. */
