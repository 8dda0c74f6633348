/** The operators of a plan, thin: each hands plain data to what runs in its tasks. */
package org.apache.spark.sql.hydrofoil.exec

/** The operators of a plan, thin: each hands plain data to what runs in its tasks. */
