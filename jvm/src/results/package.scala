/** Columns of what a worker returned, taken over as it lies or copied; it sends nothing. */
package org.apache.spark.sql.hydrofoil.results

/** Columns of what a worker returned, taken over as it lies or copied; it sends nothing. */
