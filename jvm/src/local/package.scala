/** Record batches that the driver has as bytes, in the place of a local relation's rows. */
package org.apache.spark.sql.hydrofoil.local
