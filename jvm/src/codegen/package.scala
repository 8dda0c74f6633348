/** Rows for Spark's operators from columns, by code that is generated; it plans nothing. */
package org.apache.spark.sql.hydrofoil.codegen

/** Rows for Spark's operators from columns, by code that is generated; it plans nothing. */
