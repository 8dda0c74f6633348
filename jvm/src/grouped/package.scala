/** The operators of grouped functions, and the format in which many groups cross at once. */
package org.apache.spark.sql.hydrofoil.grouped

/** The operators of grouped functions, and the format in which many groups cross at once. */
