/** What differs between Spark's versions, as the core asks for it; the answers are in jvm/shims. */
package org.apache.spark.sql.hydrofoil.shim

/** What differs between Spark's versions, as the core asks for it; the answers are in jvm/shims. */
