/** Columns in Arrow's layout, batches of them, and who owns, counts and spills their memory. */
package org.apache.spark.sql.hydrofoil.memory

/** Columns in Arrow's layout, batches of them, and who owns, counts and spills their memory. */
