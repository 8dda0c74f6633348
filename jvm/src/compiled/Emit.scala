package org.apache.spark.sql.hydrofoil.compiled

import scala.collection.mutable.ArrayBuffer

/**
 * Java of one function: names, constants and the reasons of its guards. Code is written in the
 * order of evaluation, each step with what follows it. Where a guard does not hold, it returns.
 */
private[compiled] final class Emit(without: Set[String]) {
  import Emit.Next

  private var names = 0
  private var steps = 0
  private val known = ArrayBuffer.empty[String]
  private val objects = ArrayBuffer.empty[(AnyRef, String)]

  /** Reasons of the guards: where one trips, the answer is its place here, from 1 on. */
  def reasons: Seq[String] = known.toSeq

  /** Objects that the code refers to as `fN`, with their classes. */
  def references: Seq[(AnyRef, String)] = objects.toSeq

  def name(prefix: String): String = {
    names += 1
    if (names > Emit.MOST) throw new NotCompiled("it is too long")
    s"$prefix$names"
  }

  def reference(value: AnyRef, javaClass: String): String = {
    objects += ((value, javaClass))
    s"f${objects.length - 1}"
  }

  def trip(reason: String): String = {
    if (!known.contains(reason)) known += reason
    if (known.length > Emit.MOST_REASONS) throw new NotCompiled("it has too many guards")
    s"return ${known.indexOf(reason) + 1};\n"
  }

  /** Leaves the row to Python where the condition holds. */
  def guard(condition: String, reason: String)(next: => String): String = condition match {
    case "false" => next
    case "true" => trip(reason)
    case _ if without.contains(reason) => next
    case _ =>
      val leave = trip(reason)
      s"if ($condition) $leave$next"
  }

  /** The value, which Python wants to be no None. */
  def need(value: Val)(next: Next): String =
    if (value.kind == Kind.Nothing) trip(Trip.NONE)
    else guard(value.isNull, Trip.NONE)(next(value.copy(isNull = "false")))

  def need2(a: Val, b: Val)(next: (Val, Val) => String): String =
    need(a)(first => need(b)(second => next(first, second)))

  /** A new variable. */
  def let(javaType: String, code: String)(next: String => String): String = {
    val variable = name("v")
    s"$javaType $variable = $code;\n${next(variable)}"
  }

  def define(kind: Kind, code: String)(next: Next): String =
    let(kind.java, code)(variable => next(Val(kind, variable)))

  def bool(code: String)(next: Next): String = code match {
    case "true" => next(Val.bool(true))
    case "false" => next(Val.bool(false))
    case _ => define(Kind.Bool, code)(next)
  }

  /** Text that a helper has made, which is null where it can't say. */
  def text(code: String, ascii: String, reason: String)(next: Next): String =
    let("PyStr", code) { variable =>
      guard(s"$variable == null", reason)(next(Val(Kind.Str, variable, ascii = ascii)))
    }

  /** One of two ways on; only one of them is written where it is known which. */
  def branch(condition: String)(yes: => String)(no: => String): String = condition match {
    case "true" => yes
    case "false" => no
    case _ => s"if ($condition) {\n$yes} else {\n$no}\n"
  }

  /**
   * What several ways end in, as one value where they are of one kind; otherwise what follows is
   * written for each.
   *
   * @param ways writes them, each with what it is given to end in
   */
  def join(ways: Next => String)(next: Next): String = {
    steps += 1
    val id = steps
    val ends = ArrayBuffer.empty[Val]
    def mark(i: Int): String = s"\u0001$id.$i\u0002"
    val body = ways { value =>
      ends += value
      mark(ends.length - 1)
    }
    def fill(end: (Val, Int) => String): String =
      ends.zipWithIndex.foldLeft(body) { case (text, (value, i)) =>
        text.replace(mark(i), end(value, i))
      }
    ends.map(_.kind).filter(_ != Kind.Nothing).distinct.toSeq match {
      case Seq(kind) if ends.length > 1 && kind.java.nonEmpty =>
        merged(kind, ends.toSeq, fill, next)
      case _ => fill((value, _) => next(value))
    }
  }

  private def merged(
      kind: Kind,
      ends: Seq[Val],
      fill: ((Val, Int) => String) => String,
      next: Next): String = {
    val (variable, isNull, ascii) = (name("j"), name("n"), name("a"))
    val nullable = ends.exists(_.nullable)
    val asciis = ends.filter(_.kind != Kind.Nothing).map(_.ascii).distinct
    val followed = kind == Kind.Str && asciis != Seq("true")
    def assign(value: Val): String = {
      val set =
        if (value.kind == Kind.Nothing) ""
        else if (!followed) s"$variable = ${value.code};\n"
        else s"$variable = ${value.code};\n$ascii = ${value.ascii};\n"
      if (nullable) s"$set$isNull = ${value.isNull};\n" else set
    }
    val declared = s"${kind.java} $variable = ${kind.zero};\n" +
      (if (nullable) s"boolean $isNull = false;\n" else "") +
      (if (followed) s"boolean $ascii = true;\n" else "")
    val values = ends.filter(_.kind != Kind.Nothing)
    val result = Val(
      kind,
      variable,
      if (nullable) isNull else "false",
      values.map(_.low).min,
      values.map(_.high).max,
      if (followed) ascii else "true")
    declared + fill((value, _) => assign(value)) + next(result)
  }
}

private[compiled] object Emit {

  /** What is written after a value. */
  type Next = Val => String

  private val MOST = 4000
  private val MOST_REASONS = 100
}
