/** The rules that put our operators in the place of Spark's, and what they leave to Spark. */
package org.apache.spark.sql.hydrofoil.plan

/** The rules that put our operators in the place of Spark's, and what they leave to Spark. */
