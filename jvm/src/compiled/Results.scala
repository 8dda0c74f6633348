package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.sql.types.{
  BooleanType, ByteType, DataType, DateType, DoubleType, FloatType, IntegerType, LongType,
  ShortType, StringType}

/** How rows reach Python and results come back, which decides what a result of another type is. */
sealed abstract class Transport extends Serializable {

  /** Whether what a result is can depend on the others of its batch, by way of pandas. */
  def isOfBatches: Boolean = false
}

object Transport {

  /** Pickled rows, or Arrow's by the rules of pickled ones: a result of another type is null. */
  case object Pickled extends Transport

  /** Arrow by Spark's rules from 4.2 on. */
  case object Arrow extends Transport

  /** Arrow as in 4.1, of whose results less is taken for certain. */
  case object EarlyArrow extends Transport {
    override def isOfBatches: Boolean = true
  }

  /** Arrow by way of pandas: a null makes NaN of itself, and floats of the integers beside it. */
  case object Pandas extends Transport {
    override def isOfBatches: Boolean = true
  }
}

/** What becomes of a function's results by their declared type; a row's code ends here. */
private[compiled] final class Results(
    emit: Emit,
    texts: Texts,
    declared: DataType,
    transport: Transport) {
  import emit.guard

  private val nothing = "out.putNull(i);\nreturn 0;\n"

  private def put(method: String, code: String): String = s"out.$method(i, $code);\nreturn 0;\n"

  def write(value: Val): String = value.kind match {
    case Kind.Nothing => nothing
    case _ if value.isNull == "true" => nothing
    case _ if value.nullable => s"if (${value.isNull}) {\n$nothing}\n${present(value)}"
    case _ => present(value)
  }

  private def present(value: Val): String = (declared, value.kind) match {
    case (BooleanType, Kind.Bool) => put("putBoolean", value.code)
    case (ByteType, Kind.Int) => int(value, "putByte", "byte", 8)
    case (ShortType, Kind.Int) => int(value, "putShort", "short", 16)
    case (IntegerType, Kind.Int) => int(value, "putInt", "int", 32)
    case (LongType, Kind.Int) => int(value, "putLong", "long", 64)
    case (DoubleType, Kind.Float) =>
      guard(lost(value), Trip.RESULT)(put("putDouble", value.code))
    case (FloatType, Kind.Float) =>
      emit.let("float", s"(float) ${value.code}") { narrow =>
        val over = s"Float.isInfinite($narrow) && !Double.isInfinite(${value.code})"
        guard(lost(value), Trip.RESULT)(guard(over, Trip.RESULT)(put("putFloat", narrow)))
      }
    case (string: StringType, _) if !string.isUTF8BinaryCollation =>
      throw new NotCompiled(s"it returns ${declared.simpleString}")
    case (_: StringType, Kind.Str) => text(value)
    case (DateType, Kind.Date) => put("putInt", value.code)
    case (_: StringType, Kind.Int) => texts.str(value)(text)
    case _ => other(value)
  }

  /** pandas takes NaN for null. */
  private def lost(value: Val): String =
    if (transport.isOfBatches) s"Double.isNaN(${value.code})" else "false"

  private def int(value: Val, method: String, javaType: String, bits: Int): String = {
    val most = if (transport.isOfBatches) Val.EXACT else (BigInt(1) << (bits - 1)) - 1
    val high = most.min((BigInt(1) << (bits - 1)) - 1)
    val low = -high - (if (transport.isOfBatches) 0 else 1)
    val over =
      if (value.low >= low && value.high <= high) "false"
      else s"${value.code} < ${Val.int(low).code} || ${value.code} > ${Val.int(high).code}"
    guard(over, Trip.RESULT)(put(method, s"($javaType) ${value.code}"))
  }

  private def text(value: Val): String =
    put("put", value.code)

  private def other(value: Val): String = (transport, declared, value.kind) match {
    case (Transport.Pickled, _: StringType, kind) =>
      throw new NotCompiled(s"it returns ${kind.python} for a declared string")
    case (_, _, kind) if kind.java.isEmpty || kind == Kind.Delta =>
      throw new NotCompiled(s"it returns ${kind.python}")
    case (Transport.Pickled, BooleanType | ByteType | ShortType | IntegerType | LongType |
        FloatType | DoubleType, _) =>
      nothing
    case (Transport.Arrow, DoubleType, Kind.Int) =>
      val over =
        if (value.exact) "false"
        else s"${value.code} > ${Val.EXACT}L || ${value.code} < -${Val.EXACT}L"
      guard(over, Trip.RESULT)(put("putDouble", s"(double) ${value.code}"))
    case (_, _, kind) =>
      throw new NotCompiled(s"it returns ${kind.python} for a declared ${declared.simpleString}")
  }
}
