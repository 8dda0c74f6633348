package org.apache.spark.sql.hydrofoil.compiled

import java.nio.charset.StandardCharsets.{US_ASCII, UTF_8}

import scala.util.control.NonFatal

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import org.apache.spark.internal.Logging
import org.apache.spark.sql.execution.vectorized.OnHeapColumnVector
import org.apache.spark.sql.types.{
  BooleanType, ByteType, DataType, DateType, DoubleType, FloatType, IntegerType, LongType,
  ShortType, StringType}

/** A function's argument: a column of the loop's, by its place, and its name if it is given one. */
final case class CallArgument(column: Int, name: Option[String])

/** The code that the driver's Python has put behind pickled functions, made into Java. */
object Functions extends Logging {

  private val MAGIC = "HYDROFIR".getBytes(US_ASCII)
  private val MOST_BYTES = 8000
  private val mapper = new ObjectMapper

  /** The code behind a pickled function; None where there is none. */
  def codeOf(command: Seq[Byte]): Option[JsonNode] = {
    val n = command.length
    if (n < 16 || !command.takeRight(8).sameElements(MAGIC)) None
    else {
      val size = command.slice(n - 16, n - 8).foldLeft(0L) { (sum, byte) =>
        (sum << 8) | (byte & 0xff)
      }
      if (size < 0 || size > n - 16) None
      else try {
        val json = command.slice((n - 16 - size).toInt, n - 16).toArray
        Some(mapper.readTree(new String(json, UTF_8))).filter(_.path("v").asInt == 1)
      } catch { case NonFatal(_) => None }
    }
  }

  /** Whether pandas leaves None be among values of the type. */
  private def keepsNone(dataType: DataType): Boolean = dataType match {
    case _: StringType | DateType => true
    case _ => false
  }

  /** Whether the function itself asks to be compiled, whatever the setting. */
  def isAsked(code: JsonNode): Boolean = code.path("asked").asBoolean

  /**
   * Functions that are called on one another's results, the innermost first, as one loop.
   *
   * @param arguments those of the innermost, which are columns of these types
   * @param without reasons whose guards are left out, which only tests do
   * @return the function, or why it is left to Python
   */
  def compile(
      codes: Seq[JsonNode],
      arguments: Seq[CallArgument],
      columns: Seq[(DataType, Boolean)],
      declared: DataType,
      transport: Transport,
      without: Set[String] = Set.empty): Either[String, CompiledFunction] =
    try {
      codes.map(_.path("reason")).find(_.isTextual).foreach { reason =>
        throw new NotCompiled(reason.asText)
      }
      val function =
        new Functions(codes, arguments, columns, declared, transport, without).compile()
      if (function.largestMethod > MOST_BYTES) Left("it is too long") else Right(function)
    } catch {
      case left: NotCompiled => Left(left.reason)
      case NonFatal(error) =>
        logWarning("A Python function is not compiled because that failed", error)
        Left(s"compiling it failed: $error")
    }
}

private final class Functions(
    codes: Seq[JsonNode],
    arguments: Seq[CallArgument],
    columns: Seq[(DataType, Boolean)],
    declared: DataType,
    transport: Transport,
    without: Set[String]) {
  import Compiler.{children, Scope}

  private val emit = new Emit(without)
  private val compiler = new Compiler(emit)

  def compile(): CompiledFunction = {
    val values = columns.zipWithIndex.map { case ((dataType, nullable), i) =>
      column(dataType, nullable, i)
    }
    val results = new Results(emit, compiler.texts, declared, transport)
    val asked = arguments.map(argument => (argument.name, values(argument.column)))
    val innermost: Emit.Next => String = call(codes.head, asked)(_)
    val chained = codes.tail.foldLeft(innermost) { (inner, code) => next =>
      inner(value => call(code, Seq((None, value)))(next))
    }
    val body = chained(results.write)
    val constants = emit.references.map(_._1).toArray[Any]
    CompiledFunction(source(reads.mkString + body), constants, emit.reasons)
  }

  /** Calls a function with arguments, of which some have names. */
  private def call(code: JsonNode, asked: Seq[(Option[String], Val)])(next: Emit.Next): String = {
    val names = children(code.get("args")).map(_.asText)
    val positional = names.length - code.path("kwonly").asInt
    val bound = asked.zipWithIndex.map { case ((name, value), i) =>
      val place = name match {
        case Some(known) => names.indexOf(known, code.path("posonly").asInt)
        case None => if (i < positional) i else -1
      }
      if (place < 0) throw new NotCompiled("it is not called with its arguments")
      place -> value
    }
    val bindings = bound.toMap
    if (bindings.size < bound.length) throw new NotCompiled("it is given an argument twice")
    val fixed = children(code.path("static")).map(_.asInt)
    if (fixed.exists(bindings.contains)) throw new NotCompiled("it is given what was a default")
    val defaults = code.path("defaults")
    val missing = names.indices.filter(i => !bindings.contains(i) && !fixed.contains(i))
    if (missing.exists(i => !defaults.path(i).isArray)) {
      throw new NotCompiled("it is called with too few arguments")
    }
    def bind(left: List[Int], known: Map[Int, Val]): String = left match {
      case Nil =>
        def argument(i: Int): Val =
          known.getOrElse(i, throw new NotCompiled("it is called with too few arguments"))
        compiler.write(code.get("body"), Scope(argument, Map.empty))(next)
      case first :: rest =>
        compiler.write(defaults.get(first), Scope(_ => Val.none, Map.empty)) { value =>
          bind(rest, known.updated(first, value))
        }
    }
    bind(missing.toList, bindings)
  }

  private val reads = scala.collection.mutable.ArrayBuffer.empty[String]

  /** The value of a column's row, which is read whether it is used or not, as Python reads it. */
  private def column(dataType: DataType, nullable: Boolean, i: Int): Val = {
    val isNull = if (nullable) s"null$i" else "false"
    if (nullable && transport == Transport.Pandas && !Functions.keepsNone(dataType)) {
      throw new NotCompiled("pandas makes NaN of None among numbers")
    }
    def read(kind: Kind, getter: String, low: BigInt, high: BigInt): Val = {
      val value = s"($getter(i))"
      val cast = if (kind == Kind.Int || kind == Kind.Float) s"(${kind.java}) " else ""
      reads += (if (nullable) {
        s"boolean null$i = c$i.isNullAt(i);\n" +
          s"${kind.java} arg$i = null$i ? ${kind.zero} : $cast$value;\n"
      } else s"${kind.java} arg$i = $cast$value;\n")
      Val(kind, s"arg$i", isNull, low, high)
    }
    def int(getter: String, bits: Int): Val =
      read(Kind.Int, s"c$i.$getter", -(BigInt(1) << (bits - 1)), (BigInt(1) << (bits - 1)) - 1)
    def other(kind: Kind, getter: String): Val =
      read(kind, s"c$i.$getter", Val.LEAST, Val.MOST)
    def checked(value: Val, condition: String, reason: String): Unit =
      reads += emit.guard(
        if (value.nullable) s"!null$i && $condition" else condition, reason)("")
    dataType match {
      case ByteType => int("getByte", 8)
      case ShortType => int("getShort", 16)
      case IntegerType => int("getInt", 32)
      case LongType => int("getLong", 64)
      case FloatType => other(Kind.Float, "getFloat")
      case DoubleType => other(Kind.Float, "getDouble")
      case BooleanType => other(Kind.Bool, "getBoolean")
      case DateType =>
        val value = other(Kind.Date, "getInt")
        checked(value, s"!${classOf[PyDates].getName}.inYears(arg$i)", Trip.DATE)
        value
      case text: StringType if text.isUTF8BinaryCollation => this.text(nullable, i)
      case other => throw new NotCompiled(s"an argument is of type ${other.simpleString}")
    }
  }

  private def text(nullable: Boolean, i: Int): Val = {
    val (read, helpers) = (s"PyStr.of(c$i.getUTF8String(i))", classOf[PyText].getName)
    val (isNull, orNull) = if (nullable) (s"null$i", s"null$i || ") else ("false", "")
    if (nullable) reads += s"boolean null$i = c$i.isNullAt(i);\n"
    reads += s"PyStr arg$i = ${if (nullable) s"null$i ? null : " else ""}$read;\n"
    reads += s"boolean ascii$i = $orNull$helpers.isAscii(arg$i);\n"
    reads += emit.guard(s"!ascii$i && !$helpers.isUtf8(arg$i)", Trip.ENCODING)("")
    Val(Kind.Str, s"arg$i", isNull, ascii = s"ascii$i")
  }

  private def source(row: String): String = {
    val known = emit.references.map(_._2).zipWithIndex
    val fields = known.map { case (javaClass, i) => s"private final $javaClass f$i;" }
    val sets = known.map { case (javaClass, i) => s"f$i = ($javaClass) references[$i];" }
    val vectors = columns.indices.map(i => s"private ColumnVector c$i;")
    val results =
      (if (TextVector.holds(declared)) classOf[TextVector] else classOf[OnHeapColumnVector]).getName
    val opens = columns.indices.map(i => s"c$i = columns[$i];")
    s"""
       |import ${classOf[PyStr].getName};
       |import org.apache.spark.sql.vectorized.ColumnVector;
       |
       |public Object generate(Object[] references) {
       |  return new SpecificLoop(references);
       |}
       |
       |class SpecificLoop extends ${classOf[CompiledLoop].getName} {
       |  ${fields.mkString("\n  ")}
       |  ${vectors.mkString("\n  ")}
       |  private $results out;
       |
       |  public SpecificLoop(Object[] references) {
       |    ${sets.mkString("\n    ")}
       |  }
       |
       |  public int run(ColumnVector[] columns, int rows, ColumnVector results, byte[] trips) {
       |    ${opens.mkString("\n    ")}
       |    out = ($results) results;
       |    int tripped = 0;
       |    for (int i = 0; i < rows; i++) {
       |      int reason = row(i);
       |      if (reason != 0) {
       |        out.putNull(i);
       |        trips[i] = (byte) reason;
       |        tripped++;
       |      }
       |    }
       |    return tripped;
       |  }
       |
       |  private int row(int i) {
       |    $row
       |  }
       |}
     """.stripMargin
  }
}
