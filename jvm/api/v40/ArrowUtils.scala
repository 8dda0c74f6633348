package org.apache.spark.sql.util

import org.apache.arrow.vector.types.pojo.Schema
import org.apache.spark.sql.types.StructType

// See ../common/Runners.scala: what the adapter calls, as Spark 4.0 has it.

object ArrowUtils {
  def toArrowSchema(
      schema: StructType,
      timeZoneId: String,
      errorOnDuplicatedFieldNames: Boolean,
      largeVarTypes: Boolean): Schema = ???
}
