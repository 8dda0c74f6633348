package org.apache.spark.sql.hydrofoil.compiled

/** What a value is in Python, as far as this package knows values. None is a value of any kind. */
private[compiled] sealed abstract class Kind(val java: String, val zero: String, val python: String)

private[compiled] object Kind {

  /** An int within 64 bits. */
  case object Int extends Kind("long", "0L", "int")
  case object Float extends Kind("double", "0.0d", "float")
  case object Bool extends Kind("boolean", "false", "bool")

  /** Text in UTF-8 that is well-formed. */
  case object Str extends Kind("PyStr", "null", "str")

  /** Days since 1970-01-01, of the years that Python's dates have. */
  case object Date extends Kind("int", "0", "date")

  /** A timedelta of whole days. */
  case object Delta extends Kind("long", "0L", "timedelta")

  /** A list that `split` makes; by spaces where `by` is none. */
  final case class Split(text: Val, by: Option[Val]) extends Kind("", "", "list")
  case object Nothing extends Kind("", "", "NoneType")
}

/**
 * A value that generated code has computed.
 *
 * @param code a variable or a literal, of the kind's Java type; it means nothing where it is null
 * @param isNull a condition in Java: `false` and `true`, or a variable
 * @param low the least that an int can be, and `high` the most
 * @param ascii a condition in Java of text: where it holds, the text is ASCII
 * @param constant the value, where it is known: a BigInt, Double, Boolean, String or Int (days)
 */
private[compiled] final case class Val(
    kind: Kind,
    code: String,
    isNull: String = "false",
    low: BigInt = Val.LEAST,
    high: BigInt = Val.MOST,
    ascii: String = "false",
    constant: Option[Any] = None) {

  def nullable: Boolean = isNull != "false"

  /** Whether an int is one that every float can be. */
  def exact: Boolean = low >= -Val.EXACT && high <= Val.EXACT
}

private[compiled] object Val {
  val LEAST: BigInt = BigInt(Long.MinValue)
  val MOST: BigInt = BigInt(Long.MaxValue)
  val EXACT: BigInt = BigInt(1L << 53)

  val none: Val = Val(Kind.Nothing, "", "true")

  def fits(value: BigInt): Boolean = value >= LEAST && value <= MOST

  def int(value: BigInt): Val = {
    // The least long has no literal but a hexadecimal one.
    val code = if (value == LEAST) "0x8000000000000000L" else s"(${value}L)"
    Val(Kind.Int, code, low = value, high = value, constant = Some(value))
  }

  def bool(value: Boolean): Val = Val(Kind.Bool, value.toString, constant = Some(value))

  def float(value: Double): Val = {
    val code =
      if (value.isNaN) "Double.NaN"
      else if (value.isInfinite) s"Double.${if (value > 0) "POSITIVE" else "NEGATIVE"}_INFINITY"
      else if (value == 0.0 && 1.0 / value < 0) "(-0.0d)"
      else s"(${value}d)"
    Val(Kind.Float, code, constant = Some(value))
  }
}

/** Why a function is left to Python, as a sentence's end for those who read a plan. */
private[compiled] final class NotCompiled(val reason: String)
  extends Exception(reason, null, false, false)
