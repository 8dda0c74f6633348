package org.apache.spark.sql.hydrofoil.compiled

/** Python's arithmetic. */
private[compiled] final class Numbers(emit: Emit) {
  import Emit.Next
  import emit.{define, guard}

  private val helpers = classOf[PyNumbers].getName

  /** A bool as the int that it is. */
  def asInt(value: Val): Val =
    if (value.kind != Kind.Bool) value
    else value.constant match {
      case Some(known: Boolean) => Val.int(if (known) 1 else 0)
      case _ => value.copy(kind = Kind.Int, code = s"(${value.code} ? 1L : 0L)", low = 0, high = 1)
    }

  /** An int as the float that Python makes of it: the nearest, of two the even one. */
  def asFloat(value: Val): Val =
    if (value.kind == Kind.Float) value
    else asInt(value).constant match {
      case Some(known: BigInt) => Val.float(known.toDouble)
      case _ => Val(Kind.Float, s"((double) ${asInt(value).code})", value.isNull)
    }

  def binary(op: String, a: Val, b: Val)(next: Next): String = emit.need2(a, b) { (left, right) =>
    (left.kind, right.kind) match {
      case (Kind.Bool, Kind.Bool) if Set("&", "|", "^").contains(op) =>
        define(Kind.Bool, s"${left.code} $op ${right.code}")(next)
      case (x, y) if Numbers.isInt(x) && Numbers.isInt(y) =>
        ints(op, asInt(left), asInt(right))(next)
      case (x, y) if Numbers.isNumber(x) && Numbers.isNumber(y) =>
        floats(op, asFloat(left), asFloat(right))(next)
      case (x, y) =>
        throw new NotCompiled(s"${x.python} $op ${y.python} is not known")
    }
  }

  private def ints(op: String, a: Val, b: Val)(next: Next): String = op match {
    case "+" => sum(a, b, "+", a.low + b.low, a.high + b.high)(next)
    case "-" => sum(a, b, "-", a.low - b.high, a.high - b.low)(next)
    case "*" => product(a, b)(next)
    case "/" =>
      guard(Numbers.isZero(b), Trip.ZERO) {
        guard(inexact(a), Trip.ROUNDING) {
          guard(inexact(b), Trip.ROUNDING) {
            define(Kind.Float, s"(double) ${a.code} / (double) ${b.code}")(next)
          }
        }
      }
    case "//" => floored(a, b)(next)
    case "%" => modulo(a, b)(next)
    case "**" => power(a, b)(next)
    case "&" | "|" | "^" => bits(op, a, b)(next)
    case "<<" => shifted(a, b)(next)
    case ">>" =>
      guard(if (b.low >= 0) "false" else s"${b.code} < 0L", Trip.RAISES) {
        define(Kind.Int, s"${a.code} >> (int) Math.min(${b.code}, 63L)") { r =>
          next(if (a.low >= 0) r.copy(low = 0, high = a.high) else r)
        }
      }
    case _ => throw new NotCompiled(s"the operator $op is not known")
  }

  private def inexact(a: Val): String =
    if (a.exact) "false" else s"${a.code} > ${Val.EXACT}L || ${a.code} < -${Val.EXACT}L"

  private def bounded(value: Val, low: BigInt, high: BigInt): Val =
    value.copy(low = low.max(Val.LEAST), high = high.min(Val.MOST))

  private def sum(a: Val, b: Val, op: String, low: BigInt, high: BigInt)(next: Next): String =
    (a.constant, b.constant) match {
      case (Some(_), Some(_)) if Val.fits(low) => next(Val.int(low))
      case _ =>
        define(Kind.Int, s"${a.code} $op ${b.code}") { r =>
          val over =
            if (Val.fits(low) && Val.fits(high)) "false"
            else if (op == "+") s"((${a.code} ^ ${r.code}) & (${b.code} ^ ${r.code})) < 0L"
            else s"((${a.code} ^ ${b.code}) & (${a.code} ^ ${r.code})) < 0L"
          guard(over, Trip.OVERFLOW)(next(bounded(r, low, high)))
        }
    }

  private def product(a: Val, b: Val)(next: Next): String = {
    val corners = Seq(a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high)
    val (low, high) = (corners.min, corners.max)
    define(Kind.Int, s"${a.code} * ${b.code}") { r =>
      val over =
        if (Val.fits(low) && Val.fits(high)) "false"
        else s"Math.multiplyHigh(${a.code}, ${b.code}) != (${r.code} >> 63)"
      guard(over, Trip.OVERFLOW)(next(bounded(r, low, high)))
    }
  }

  /** The least long divided by -1 is the one quotient that is no long. */
  private def quotientOverflows(a: Val, b: Val): String =
    if (a.low > Val.LEAST || b.low > -1 || b.high < -1) "false"
    else s"${b.code} == -1L && ${a.code} == Long.MIN_VALUE"

  private def floored(a: Val, b: Val)(next: Next): String =
    guard(Numbers.isZero(b), Trip.ZERO) {
      guard(quotientOverflows(a, b), Trip.OVERFLOW) {
        define(Kind.Int, s"Math.floorDiv(${a.code}, ${b.code})") { r =>
          val most = a.low.abs.max(a.high.abs)
          next(if (b.low > 0 && a.low >= 0) bounded(r, 0, a.high) else bounded(r, -most, most))
        }
      }
    }

  private def modulo(a: Val, b: Val)(next: Next): String =
    guard(Numbers.isZero(b), Trip.ZERO) {
      define(Kind.Int, s"Math.floorMod(${a.code}, ${b.code})") { r =>
        next(
          if (b.low > 0) bounded(r, 0, b.high - 1)
          else if (b.high < 0) bounded(r, b.low + 1, 0)
          else bounded(r, b.low.min(0), b.high.max(0)))
      }
    }

  private def power(a: Val, b: Val)(next: Next): String = b.constant match {
    case Some(n: BigInt) if n >= 0 && n <= 16 =>
      def step(value: Val, left: Int): String =
        if (left == 0) next(value) else product(value, a)(step(_, left - 1))
      if (n == BigInt(0)) next(Val.int(1)) else step(a, n.toInt - 1)
    case _ => throw new NotCompiled("a power is known of an int and a small constant alone")
  }

  private def bits(op: String, a: Val, b: Val)(next: Next): String =
    define(Kind.Int, s"${a.code} $op ${b.code}") { r =>
      val most = a.high.max(b.high)
      val bound = (BigInt(1) << most.bitLength) - 1
      next(
        if (a.low >= 0 && b.low >= 0) bounded(r, 0, if (op == "&") a.high.min(b.high) else bound)
        else if (op == "&" && (a.low >= 0 || b.low >= 0)) {
          bounded(r, 0, if (a.low >= 0) a.high else b.high)
        } else r)
    }

  private def shifted(a: Val, b: Val)(next: Next): String =
    guard(if (b.low >= 0) "false" else s"${b.code} < 0L", Trip.RAISES) {
      guard(if (b.high < 63) "false" else s"${b.code} > 62L", Trip.OVERFLOW) {
        define(Kind.Int, s"${a.code} << (int) ${b.code}") { r =>
          val most = b.high.min(62).toInt
          val (low, high) = ((a.low << most).min(a.low), (a.high << most).max(a.high))
          val over =
            if (Val.fits(low) && Val.fits(high)) "false"
            else s"(${r.code} >> (int) ${b.code}) != ${a.code}"
          guard(over, Trip.OVERFLOW)(next(bounded(r, low, high)))
        }
      }
    }

  private def floats(op: String, a: Val, b: Val)(next: Next): String = {
    def divided(code: String): String = {
      val zero = b.constant match {
        case Some(known: Double) => (known == 0.0).toString
        case _ => s"${b.code} == 0.0d"
      }
      guard(zero, Trip.ZERO)(define(Kind.Float, code)(next))
    }
    op match {
      case "+" | "-" | "*" => define(Kind.Float, s"${a.code} $op ${b.code}")(next)
      case "/" => divided(s"${a.code} / ${b.code}")
      case "//" => divided(s"$helpers.floorDiv(${a.code}, ${b.code})")
      case "%" => divided(s"$helpers.floorMod(${a.code}, ${b.code})")
      case "**" => floatPower(a, b)(next)
      case _ => throw new NotCompiled(s"float $op is Python's error")
    }
  }

  /**
   * A float's square or square root, as the C library's `pow` has it: that is within 0.55 of a
   * unit in the last place on Linux, so that where the exact value is near enough to the nearest
   * float it can be no other. The remaining tenth goes to Python.
   */
  private def floatPower(a: Val, b: Val)(next: Next): String = {
    val (call, sure) = b.constant match {
      case Some(2.0) => (s"${a.code} * ${a.code}", "isSquare")
      case Some(0.5) => (s"$helpers.root(${a.code})", "isRoot")
      case _ => throw new NotCompiled("a float's power is known of 2 and 0.5 alone")
    }
    if (!Numbers.ON_LINUX) throw new NotCompiled("a float's power depends on the C library")
    define(Kind.Float, call) { r =>
      guard(s"!$helpers.$sure(${a.code}, ${r.code})", Trip.ROUNDING)(next(r))
    }
  }

  def unary(op: String, value: Val)(next: Next): String = emit.need(value) { given =>
    (op, given.kind) match {
      case ("+", Kind.Float) => next(given)
      case ("-", Kind.Float) =>
        given.constant match {
          case Some(known: Double) => next(Val.float(-known))
          case _ => define(Kind.Float, s"-${given.code}")(next)
        }
      case (_, kind) if Numbers.isInt(kind) =>
        val a = asInt(given)
        op match {
          case "+" => next(a)
          case "-" => sum(Val.int(0), a, "-", -a.high, -a.low)(next)
          case "~" => define(Kind.Int, s"~${a.code}") { r =>
            next(bounded(r, -a.high - 1, -a.low - 1))
          }
        }
      case (_, kind) => throw new NotCompiled(s"$op of ${kind.python} is not known")
    }
  }

  def absolute(value: Val)(next: Next): String = emit.need(value) { given =>
    given.kind match {
      case Kind.Float => define(Kind.Float, s"Math.abs(${given.code})")(next)
      case kind if Numbers.isInt(kind) =>
        val a = asInt(given)
        guard(if (a.low > Val.LEAST) "false" else s"${a.code} == Long.MIN_VALUE", Trip.OVERFLOW) {
          define(Kind.Int, s"Math.abs(${a.code})") { r =>
            next(bounded(r, 0, a.low.abs.max(a.high.abs)))
          }
        }
      case kind => throw new NotCompiled(s"abs of ${kind.python} is not known")
    }
  }

  /** A float as an int, after `code` has made an integral one of it. */
  def integral(code: String)(next: Next): String =
    define(Kind.Float, code) { whole =>
      // NaN is neither.
      guard(s"!(Math.abs(${whole.code}) < 9.2e18d)", Trip.OVERFLOW) {
        define(Kind.Int, s"(long) ${whole.code}")(next)
      }
    }

  /** Python's round, to a constant number of digits. */
  def round(value: Val, digits: Option[Val])(next: Next): String = emit.need(value) { given =>
    val places = digits.map(_.constant) match {
      case None => None
      case Some(Some(n: BigInt)) if n.abs <= 15 => Some(n.toInt)
      case _ if digits.exists(_.kind == Kind.Nothing) => None
      case _ => throw new NotCompiled("round is known to a constant number of digits alone")
    }
    (given.kind, places) match {
      case (Kind.Float, None) => integral(s"Math.rint(${given.code})")(next)
      case (Kind.Float, Some(n)) if n >= 0 =>
        guard(s"!$helpers.roundable(${given.code})", Trip.ROUNDING) {
          define(Kind.Float, s"$helpers.round(${given.code}, $n)")(next)
        }
      case (kind, n) if Numbers.isInt(kind) && n.forall(_ >= 0) => next(asInt(given))
      case (kind, _) => throw new NotCompiled(s"round of ${kind.python} is not known")
    }
  }

}

private[compiled] object Numbers {

  private val ON_LINUX = System.getProperty("os.name") == "Linux"

  def isInt(kind: Kind): Boolean = kind == Kind.Int || kind == Kind.Bool

  def isNumber(kind: Kind): Boolean = isInt(kind) || kind == Kind.Float

  /** A condition: whether an int is zero. */
  def isZero(a: Val): String =
    if (a.low > 0 || a.high < 0) "false" else if (a.low == 0 && a.high == 0) "true"
    else s"${a.code} == 0L"
}
