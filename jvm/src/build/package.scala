/** Columns made of values: one builder a layout, from rows or from vectors; it reads no columns. */
package org.apache.spark.sql.hydrofoil.build

/** Columns made of values: one builder a layout, from rows or from vectors; it reads no columns. */
