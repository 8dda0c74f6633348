package org.apache.spark.sql.hydrofoil.tests

import java.nio.charset.StandardCharsets.UTF_8

import com.fasterxml.jackson.databind.ObjectMapper
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector
import org.apache.spark.sql.hydrofoil.compiled.{
  CallArgument, Functions, TextVector, Transport, Trip}
import org.apache.spark.sql.types.{ByteType, DataType, DateType, DoubleType, LongType, StringType}
import org.apache.spark.sql.vectorized.ColumnVector

/**
 * Each guard of compiled functions: a value that it sends to Python, and what would become of the
 * value without it, which is not Python's answer.
 */
final class GuardTests extends Suite {

  private val mapper = new ObjectMapper

  /** The reason and then the answer without the guard, or the class of the error. */
  private def guard(
      reason: String,
      body: String,
      argument: DataType,
      value: Any,
      declared: DataType,
      python: String,
      without: String): Unit =
    test(s"$reason: $body") { _ =>
      same(run(body, argument, value, declared, Set.empty), reason, "the reason")
      val bare =
        try run(body, argument, value, declared, Set(reason))
        catch { case error: RuntimeException => error.getClass.getSimpleName }
      same(bare, without, "the answer without the guard")
      if (bare == python) throw new AssertionError(s"$reason is no guard: both are $python")
    }

  private def run(
      body: String,
      argument: DataType,
      value: Any,
      declared: DataType,
      without: Set[String]): Any = {
    val code = mapper.readTree(s"""{"v": 1, "args": ["x"], "body": ${body.replace('\'', '"')}}""")
    val made = Functions.compile(
      Seq(code), Seq(CallArgument(0, None)), Seq((argument, true)), declared, Transport.Arrow,
      without)
    val function = made.fold(reason => throw new AssertionError(reason), identity)
    val results =
      if (TextVector.holds(declared)) new TextVector(1) else new OnHeapColumnVector(1, declared)
    val trips = new Array[Byte](1)
    val columns = Array[ColumnVector](GuardTests.column(argument, value))
    val tripped = function.open().run(columns, 1, results, trips)
    if (tripped == 1) function.reasons(trips(0) - 1) else GuardTests.shown(results, declared)
  }

  private val x = "['arg', 0]"
  private val one = "['const', 'int', '1']"

  guard(Trip.OVERFLOW, s"['bin', '+', $x, $one]", LongType, Long.MaxValue, LongType,
    "9223372036854775808", "-9223372036854775808")
  guard(Trip.OVERFLOW, s"['bin', '*', $x, $x]", LongType, 1L << 32, LongType,
    "18446744073709551616", "0")
  guard(Trip.OVERFLOW, s"['call', 'int', [$x]]", DoubleType, 1e30, LongType,
    "1000000000000000019884624838656", "9223372036854775807")
  guard(Trip.NONE, s"['bin', '+', $x, $one]", LongType, null, LongType, "TypeError", "1")
  guard(Trip.ZERO, s"['bin', '/', ['const', 'float', '0x1p+0'], $x]", DoubleType, 0.0,
    DoubleType, "ZeroDivisionError", "Infinity")
  guard(Trip.ZERO, s"['bin', '//', $one, $x]", LongType, 0L, LongType, "ZeroDivisionError",
    "ArithmeticException")
  guard(Trip.TEXT, s"['method', 'upper', $x, []]", StringType, "\u00e9", StringType, "\u00c9",
    "\u00e9")
  guard(Trip.TEXT, s"['call', 'len', [['method', 'strip', $x, []]]]", StringType, "\u3000",
    LongType, "0", "NullPointerException")
  guard(Trip.ENCODING, s"['call', 'len', [$x]]", StringType, Array[Byte](-1, 65), LongType,
    "UnicodeDecodeError", "2")
  guard(Trip.INDEX, s"['index', $x, $one]", StringType, "a", StringType, "IndexError",
    "None")
  guard(Trip.NUMBER, s"['call', 'int', [$x]]", StringType, "1_000", LongType, "1000", "57000")
  guard(Trip.NUMBER, s"['call', 'float', [$x]]", StringType, "1d", DoubleType, "ValueError",
    "1.0")
  guard(Trip.ROUNDING, s"['bin', '/', $x, ['const', 'int', '3']]", LongType, (1L << 53) + 1,
    DoubleType, "3002399751580331.0", "3.0023997515803305E15")
  guard(Trip.ROUNDING, s"['call', 'str', [$x]]", DoubleType, 1e22, StringType, "1e+22",
    "None")
  guard(Trip.DATE, s"['attr', 'year', $x]", DateType, 2932897, LongType, "ValueError", "10000")
  guard(Trip.RESULT, x, LongType, 200L, ByteType, "error", "-56")
  guard(Trip.RAISES, s"['call', 'math.sqrt', [$x]]", DoubleType, -1.0, DoubleType, "ValueError",
    "NaN")
  guard(Trip.RAISES, s"['bin', '<<', $one, $x]", LongType, -1L, LongType, "ValueError",
    "-9223372036854775808")

  test("a key that is not there") { _ =>
    val body = s"['lookup', [[$one, ['const', 'str', 'a']]], $x, null]"
    same(run(body, LongType, 1L, StringType, Set.empty), "a", "the value of a key")
    same(run(body, LongType, 2L, StringType, Set.empty), Trip.KEY, "without a key")
  }
}

private object GuardTests {

  private def column(dataType: DataType, value: Any): ColumnVector = {
    val vector = new OnHeapColumnVector(1, dataType)
    value match {
      case null => vector.putNull(0)
      case v: Long => vector.putLong(0, v)
      case v: Int => vector.putInt(0, v)
      case v: Double => vector.putDouble(0, v)
      case v: String => vector.putByteArray(0, v.getBytes(UTF_8))
      case v: Array[Byte] => vector.putByteArray(0, v)
      case other => throw new IllegalArgumentException(s"no column of $other")
    }
    vector
  }

  private def shown(vector: ColumnVector, dataType: DataType): String = dataType match {
    case _ if vector.isNullAt(0) => "None"
    case ByteType => vector.getByte(0).toString
    case DoubleType => vector.getDouble(0).toString
    case StringType => vector.getUTF8String(0).toString
    case _ => vector.getLong(0).toString
  }
}
