package org.apache.spark.sql.hydrofoil.compiled

/** Why a row goes to Python: what its guard says. */
object Trip {
  val OVERFLOW = "an integer beyond 64 bits"
  val NONE = "None, where Python wants a value"
  val ZERO = "division by zero"
  val TEXT = "text that is not ASCII"
  val ENCODING = "text that is not UTF-8"
  val KEY = "a key that is not there"
  val INDEX = "an index out of range"
  val NUMBER = "text that is no plain number"
  val ROUNDING = "a number whose digits floats do not have"
  val DATE = "a date out of Python's years"
  val RESULT = "a result that does not fit its type"
  val RAISES = "Python's own error"
}
