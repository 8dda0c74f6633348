package org.apache.spark.sql.hydrofoil.bridge

import java.util.{Iterator => JavaIterator}

import org.apache.spark.api.java.JavaRDD
import org.apache.spark.api.java.function.FlatMapFunction
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.types.StructType

/**
 * A DataFrame's rows, of what Python's workers made of the rows of an RDD: a message is a record
 * batch, or rows that were pickled, because PySpark's own code had to convert them.
 *
 * Like the plugin it is for Spark 3.5, too: made for Java 8, and of those classes of Scala's and
 * Spark's alone that all versions have in common. So it uses no collections of Scala's.
 *
 * @param schema the rows' type
 * @param arrowSchema the message of the record batches' schema
 */
final class RowsOfMessages(schema: StructType, arrowSchema: Array[Byte])
  extends FlatMapFunction[JavaIterator[Array[Byte]], InternalRow] {

  override def call(messages: JavaIterator[Array[Byte]]): JavaIterator[InternalRow] =
    new MessageRows(messages, schema, arrowSchema)

  def of(messages: JavaRDD[Array[Byte]]): RDD[InternalRow] = messages.mapPartitions(this).rdd
}
