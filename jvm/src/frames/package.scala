/** Record batches of a DataFrame's rows for Python, in the place of Spark's writer. */
package org.apache.spark.sql.hydrofoil.frames

/** Record batches of a DataFrame's rows for Python, in the place of Spark's writer. */
