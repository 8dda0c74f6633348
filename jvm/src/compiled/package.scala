/** Python functions as Java: their code typed, made into loops over columns, run with guards. */
package org.apache.spark.sql.hydrofoil.compiled
