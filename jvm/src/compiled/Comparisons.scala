package org.apache.spark.sql.hydrofoil.compiled

/** What Python compares, and what counts as true. */
private[compiled] final class Comparisons(emit: Emit, numbers: Numbers) {
  import Emit.Next
  import emit.{bool, branch, join}

  private val helpers = classOf[PyNumbers].getName

  /** A condition in Java: whether Python takes a value for true. */
  def truth(value: Val): String = {
    val known = value.constant match {
      case Some(n: BigInt) => Some(n != BigInt(0))
      case Some(d: Double) => Some(d != 0.0)
      case Some(b: Boolean) => Some(b)
      case Some(s: String) => Some(s.nonEmpty)
      case _ => None
    }
    val holds = known.map(_.toString).getOrElse(value.kind match {
      case Kind.Int => s"${value.code} != 0L"
      case Kind.Float => s"${value.code} != 0.0d"
      case Kind.Bool => value.code
      case Kind.Str => s"${value.code}.numBytes() != 0"
      case Kind.Date => "true"
      case Kind.Delta => s"${value.code} != 0L"
      case Kind.Split(text, None) => s"${classOf[PyMade].getName}.words(${text.code}) != 0L"
      case Kind.Split(_, _) => "true"
      case Kind.Nothing => "false"
    })
    if (!value.nullable || holds == "false") holds
    else if (holds == "true") s"!${value.isNull}"
    else s"!${value.isNull} && $holds"
  }

  def negated(value: Val)(next: Next): String = truth(value) match {
    case "true" => next(Val.bool(false))
    case "false" => next(Val.bool(true))
    case holds => bool(s"!($holds)")(next)
  }

  def isNone(value: Val)(next: Next): String =
    if (value.kind == Kind.Nothing) next(Val.bool(true))
    else if (!value.nullable) next(Val.bool(false))
    else next(Val(Kind.Bool, value.isNull))

  def compare(op: String, a: Val, b: Val)(next: Next): String = op match {
    case "==" => equal(a, b)(next)
    case "!=" => equal(a, b)(negated(_)(next))
    case _ => emit.need2(a, b)((left, right) => bool(ordered(op, left, right))(next))
  }

  private def ordered(op: String, a: Val, b: Val): String = (a.kind, b.kind) match {
    case (x, y) if Numbers.isNumber(x) && Numbers.isNumber(y) => numeric(op, a, b)
    case (Kind.Str, Kind.Str) => s"${a.code}.compare(${b.code}) $op 0"
    case (Kind.Date, Kind.Date) | (Kind.Delta, Kind.Delta) => s"${a.code} $op ${b.code}"
    case (x, y) => throw new NotCompiled(s"${x.python} $op ${y.python} is Python's error")
  }

  /** A condition: two numbers in an order, or equal. */
  private def numeric(op: String, x: Val, y: Val): String = {
    val (a, b) = (numbers.asInt(x), numbers.asInt(y))
    (a.kind, b.kind) match {
      case (Kind.Int, Kind.Float) if !a.exact => mixed(op, a, b)
      case (Kind.Float, Kind.Int) if !b.exact => mixed(Comparisons.turned(op), b, a)
      case (Kind.Int, Kind.Int) => s"${a.code} $op ${b.code}"
      case _ => s"${numbers.asFloat(a).code} $op ${numbers.asFloat(b).code}"
    }
  }

  private def mixed(op: String, int: Val, float: Val): String = float.constant match {
    // It is false of NaN, whatever the order.
    case Some(known: Double) if known == Math.rint(known) && known.abs < 9e18 =>
      s"${int.code} $op ${known.toLong}L"
    case _ => s"(${float.code} == ${float.code} && " +
      s"$helpers.compare(${int.code}, ${float.code}) $op 0)"
  }

  /** Whether two values are equal, for which they may be of any kinds, and None. */
  def equal(a: Val, b: Val)(next: Next): String = {
    val same = (a.kind, b.kind) match {
      case (Kind.Nothing, Kind.Nothing) => "true"
      case (Kind.Nothing, _) | (_, Kind.Nothing) => "false"
      case (x, y) if Numbers.isNumber(x) && Numbers.isNumber(y) => numeric("==", a, b)
      case (Kind.Str, Kind.Str) => s"${a.code}.equals(${b.code})"
      case (Kind.Date, Kind.Date) | (Kind.Delta, Kind.Delta) => s"${a.code} == ${b.code}"
      case (_: Kind.Split, _: Kind.Split) => throw new NotCompiled("lists are compared")
      case _ => "false"
    }
    (a.nullable, b.nullable) match {
      case _ if a.kind == Kind.Nothing && b.kind == Kind.Nothing => next(Val.bool(true))
      case _ if a.kind == Kind.Nothing => isNone(b)(next)
      case _ if b.kind == Kind.Nothing => isNone(a)(next)
      case (false, false) => bool(same)(next)
      case (true, false) => bool(s"!${a.isNull} && $same")(next)
      case (false, true) => bool(s"!${b.isNull} && $same")(next)
      case (true, true) =>
        bool(s"${a.isNull} ? ${b.isNull} : (!${b.isNull} && $same)")(next)
    }
  }

  /** Whether a value is one of constants: Python's `==`, none of which is NaN. */
  def among(value: Val, constants: Seq[Val])(next: Next): String = {
    if (constants.exists(_.constant.exists { case d: Double => d.isNaN; case _ => false })) {
      throw new NotCompiled("whether NaN is in a container depends on which NaN it is")
    }
    val none = constants.exists(_.kind == Kind.Nothing)
    val equals = constants.filter(_.kind != Kind.Nothing).filter { known =>
      known.kind == value.kind || (Numbers.isNumber(known.kind) && Numbers.isNumber(value.kind))
    }
    val (ifNone, nullable) = (Val.bool(none), value.nullable)
    if (value.kind == Kind.Nothing) next(ifNone)
    else join { end =>
      branch(value.isNull)(end(ifNone)) {
        bool(anyOf(value.copy(isNull = "false"), equals))(end)
      }
    } { found => if (nullable) next(found) else next(found) }
  }

  private def anyOf(value: Val, constants: Seq[Val]): String = {
    val known = constants.flatMap(_.constant)
    if (constants.isEmpty) "false"
    else if (constants.length > Comparisons.MOST_COMPARED && value.kind == Kind.Str) {
      val table = new PyTextTable(known.map(_.asInstanceOf[String]).toArray)
      s"${emit.reference(table, classOf[PyTextTable].getName)}.find(${value.code}) >= 0"
    } else if (constants.length > Comparisons.MOST_COMPARED && value.kind == Kind.Int &&
        known.forall(Comparisons.isLong)) {
      val table = new PyLongTable(known.map(_.asInstanceOf[BigInt].toLong).toArray)
      s"${emit.reference(table, classOf[PyLongTable].getName)}.find(${value.code}) >= 0"
    } else {
      constants.map { constant =>
        value.kind match {
          case Kind.Str => s"${value.code}.equals(${constant.code})"
          case Kind.Date => s"${value.code} == ${constant.code}"
          case _ => numeric("==", value, constant)
        }
      }.mkString(" || ")
    }
  }

  /** The first of two values, or the second where that is `op` the first. */
  def chosen(op: String, a: Val, b: Val)(next: Next): String =
    emit.need2(a, b) { (first, second) =>
      join { end =>
        branch(ordered(op, second, first))(end(second))(end(first))
      }(next)
    }
}

private[compiled] object Comparisons {
  private val MOST_COMPARED = 6

  private val TURNED = Map("<" -> ">", ">" -> "<", "<=" -> ">=", ">=" -> "<=")

  /** The comparison with its sides exchanged. */
  def turned(op: String): String = TURNED.getOrElse(op, op)

  private def isLong(value: Any): Boolean = value match {
    case n: BigInt => Val.fits(n)
    case _ => false
  }
}
