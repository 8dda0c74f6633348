/** What a task does: cuts batches, sends them, keeps what waits, and joins what comes back. */
package org.apache.spark.sql.hydrofoil.exchange

/** What a task does: cuts batches, sends them, keeps what waits, and joins what comes back. */
