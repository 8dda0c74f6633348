package org.apache.spark.sql.hydrofoil.bridge

import java.util.{ArrayList => JavaArrayList, Iterator => JavaIterator, List => JavaList}

import net.razorvine.pickle.Unpickler
import org.apache.spark.api.python.SerDeUtil
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.python.EvaluatePython
import org.apache.spark.sql.types.StructType

/** Reads pickled rows by the rules, and with the errors, of Spark's own way to a DataFrame. */
private final class PickleReader(schema: StructType) {

  SerDeUtil.initialize()
  private val unpickler = new Unpickler
  private val fromPython = EvaluatePython.makeFromJava(schema)

  def read(message: Array[Byte]): JavaIterator[InternalRow] = {
    val values = unpickler.loads(message).asInstanceOf[JavaList[AnyRef]].iterator()
    new JavaIterator[InternalRow] {
      override def hasNext: Boolean = values.hasNext
      override def next(): InternalRow =
        fromPython(arrayOf(values.next())).asInstanceOf[InternalRow]
    }
  }

  // As Spark's, to the error for a row that is null.
  private def arrayOf(row: AnyRef): AnyRef = row match {
    case list: JavaArrayList[_] => list.toArray
    case array if array.getClass.isArray => array
    case _ => throw new MatchError(row)
  }
}
