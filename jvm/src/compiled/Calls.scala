package org.apache.spark.sql.hydrofoil.compiled

/** Python's functions, methods and attributes by their names. */
private[compiled] final class Calls(
    emit: Emit,
    numbers: Numbers,
    texts: Texts,
    comparisons: Comparisons) {
  import Emit.Next
  import emit.{bool, define, guard, need}

  private val dates = classOf[PyDates].getName

  def needAll(values: Seq[Val])(next: Seq[Val] => String): String = {
    def step(left: List[Val], done: Vector[Val]): String = left match {
      case Nil => next(done)
      case first :: rest => need(first)(value => step(rest, done :+ value))
    }
    step(values.toList, Vector.empty)
  }

  private def unknown(name: String, values: Seq[Val]): Nothing =
    throw new NotCompiled(s"$name(${values.map(_.kind.python).mkString(", ")}) is not known")

  def call(name: String, values: Seq[Val])(next: Next): String = (name, values) match {
    case ("str", Seq(value)) => texts.str(value)(next)
    case ("bool", Seq(value)) => bool(comparisons.truth(value))(next)
    case ("round", Seq(value)) => numbers.round(value, None)(next)
    case ("round", Seq(value, digits)) => numbers.round(value, Some(digits))(next)
    case ("abs" | "math.fabs", Seq(value)) =>
      numbers.absolute(if (name == "abs") value else floated(name, value))(next)
    case ("min", _) if values.length > 1 => extreme("<", values)(next)
    case ("max", _) if values.length > 1 => extreme(">", values)(next)
    case ("pow", Seq(a, b)) => numbers.binary("**", a, b)(next)
    case _ if values.exists(_.kind == Kind.Nothing) => needAll(values)(unknown(name, _))
    case _ => needAll(values)(present(name, _)(next))
  }

  private def floated(name: String, value: Val): Val = value.kind match {
    case kind if Numbers.isNumber(kind) => numbers.asFloat(value)
    case Kind.Nothing => value
    case _ => unknown(name, Seq(value))
  }

  private def extreme(op: String, values: Seq[Val])(next: Next): String =
    values.tail.foldLeft((end: Next) => end(values.head)) { (chosen, value) =>
      end => chosen(best => comparisons.chosen(op, best, value)(end))
    }(next)

  private def present(name: String, values: Seq[Val])(next: Next): String =
    (name, values.map(_.kind)) match {
      case ("len", Seq(Kind.Str)) => texts.length(values.head)(next)
      case ("int", Seq(Kind.Str)) => texts.toInt(values.head)(next)
      case ("float", Seq(Kind.Str)) => texts.toFloat(values.head)(next)
      case ("int" | "math.trunc", Seq(Kind.Float)) => numbers.integral(values.head.code)(next)
      case ("int" | "math.trunc" | "math.floor" | "math.ceil", Seq(kind)) if Numbers.isInt(kind) =>
        next(numbers.asInt(values.head))
      case ("math.floor" | "math.ceil", Seq(Kind.Float)) =>
        numbers.integral(s"Math.${name.drop(5)}(${values.head.code})")(next)
      case ("float", Seq(kind)) if Numbers.isNumber(kind) =>
        next(numbers.asFloat(values.head))
      case ("ord", Seq(Kind.Str)) => ordinal(values.head)(next)
      case ("re.sub", Seq(Kind.Str, Kind.Str, Kind.Str, Kind.Int, Kind.Int)) =>
        substituted(values)(next)
      case ("timedelta", _) => timedelta(values)(next)
      case ("divmod", _) => unknown(name, values)
      case (_, kinds) if name.startsWith("math.") && kinds.forall(Numbers.isNumber) =>
        math(name.drop(5), values.map(numbers.asFloat))(next)
      case _ => unknown(name, values)
    }

  /** `re.sub` of a class of characters by plain text, everywhere and without flags. */
  private def substituted(values: Seq[Val])(next: Next): String = {
    val plain = values(3).constant.contains(BigInt(0)) &&
      Seq(0, 32).exists(flags => values(4).constant.contains(BigInt(flags)))
    (values(0).constant, values(1).constant) match {
      case (Some(pattern: String), Some(by: String)) if plain && !by.contains('\\') =>
        val known = PyCharacters.of(pattern).getOrElse(
          throw new NotCompiled(s"the regular expression $pattern is not known"))
        val field = emit.reference(known, classOf[PyCharacters].getName)
        val ascii = if (by.forall(_ < 128)) "true" else "false"
        texts.plain(values(2)) {
          val code = s"$field.sub(${values(2).code}, ${values(1).code})"
          define(Kind.Str, code) { text =>
            next(text.copy(ascii =
              if (ascii == "true") ascii else s"${classOf[PyText].getName}.isAscii(${text.code})"))
          }
        }
      case _ => throw new NotCompiled("re.sub is known of simple constants alone")
    }
  }

  private def ordinal(value: Val)(next: Next): String =
    guard(s"${value.code}.numBytes() != 1 || ${value.code}.getByte(0) < 0", Trip.TEXT) {
      define(Kind.Int, s"(long) ${value.code}.getByte(0)")(n => next(n.copy(low = 0, high = 127)))
    }

  private def math(name: String, values: Seq[Val])(next: Next): String = {
    val code = values.map(_.code)
    (name, values.length) match {
      case ("sqrt", 1) =>
        guard(s"${code.head} < 0.0d", Trip.RAISES)(
          define(Kind.Float, s"Math.sqrt(${code.head})")(next))
      case ("isnan", 1) => bool(s"Double.isNaN(${code.head})")(next)
      case ("isinf", 1) => bool(s"Double.isInfinite(${code.head})")(next)
      case ("isfinite", 1) => bool(s"Math.abs(${code.head}) <= Double.MAX_VALUE")(next)
      case ("copysign", 2) =>
        define(Kind.Float, s"Math.copySign(${code.mkString(", ")})")(next)
      case _ => unknown(s"math.$name", values)
    }
  }

  /** A part of an f-string. */
  def formatted(value: Val, conversion: String, spec: String)(next: Next): String =
    conversion match {
      case "" => texts.format(value, spec)(next)
      case "s" if spec.isEmpty => texts.str(value)(next)
      case "s" => texts.str(value)(texts.format(_, spec)(next))
      case "r" if value.kind != Kind.Str && value.kind != Kind.Date && spec.isEmpty =>
        texts.str(value)(next)
      case _ => throw new NotCompiled(s"the conversion !$conversion is not known")
    }

  /** `"%d" % value` and the like. */
  def percent(form: String, value: Val)(next: Next): String =
    (value.kind, form.drop(1)) match {
      case (kind, "s") if kind != Kind.Nothing || true => texts.str(value)(next)
      case (Kind.Int, "d" | "i") => need(value)(texts.str(_)(next))
      case (Kind.Int, Calls.ZEROS(width)) => need(value)(texts.format(_, s"0${width}d")(next))
      case (Kind.Float, Calls.FIXED(digits)) => texts.format(value, s".${digits}f")(next)
      case (kind, _) => throw new NotCompiled(s"$form of ${kind.python} is not known")
    }

  /** `text.startswith((...))` and `endswith`. */
  def anyOf(name: String, self: Val, parts: Seq[Val])(next: Next): String =
    if ((self +: parts).exists(_.kind != Kind.Str)) unknown(name, self +: parts)
    else needAll(self +: parts) { values =>
      val method = if (name == "startswith") "startsWith" else "endsWith"
      val tests = values.tail.map { part =>
        s"${classOf[PyText].getName}.$method(${self.code}, ${part.code})"
      }
      bool(if (tests.isEmpty) "false" else tests.mkString(" || "))(next)
    }

  /** `by.join(parts)`, of which the first value is `by`. */
  def joined(values: Seq[Val])(next: Next): String = {
    if (values.exists(value => value.kind != Kind.Str && value.kind != Kind.Nothing)) {
      unknown("join", values)
    }
    needAll(values) { given =>
      val by = given.head
      val parts = given.tail.flatMap(part => Seq(by, part)).drop(1)
      texts.concatAll(if (by.constant.contains("")) given.tail else parts)(next)
    }
  }

  def attribute(name: String, value: Val)(next: Next): String = value.kind match {
    case Kind.Date if Calls.FIELDS.contains(name) =>
      need(value) { date =>
        define(Kind.Int, s"$dates.$name(${date.code})") { n =>
          val (low, high) = Calls.FIELDS(name)
          next(n.copy(low = low, high = high))
        }
      }
    case Kind.Delta if name == "days" =>
      need(value)(delta => define(Kind.Int, delta.code)(n =>
        next(n.copy(low = -Calls.MOST_DAYS, high = Calls.MOST_DAYS))))
    case Kind.Nothing => emit.trip(Trip.NONE)
    case kind => throw new NotCompiled(s"${kind.python}'s $name is not known")
  }

  def method(name: String, self: Val, arguments: Seq[Val])(next: Next): String = self.kind match {
    case Kind.Str => texts.method(name, self, arguments)(next)
    case Kind.Date if name == "strftime" && arguments.map(_.kind) == Seq(Kind.Str) =>
      need(self)(strftime(_, arguments.head)(next))
    case Kind.Delta if name == "total_seconds" && arguments.isEmpty =>
      need(self)(delta => define(Kind.Float, s"${delta.code} * 86400.0d")(next))
    case Kind.Date if arguments.isEmpty => need(self)(ofDate(name, _)(next))
    case Kind.Float if name == "is_integer" && arguments.isEmpty =>
      need(self) { v =>
        bool(s"Math.rint(${v.code}) == ${v.code} && !Double.isInfinite(${v.code})")(next)
      }
    case Kind.Nothing => emit.trip(Trip.NONE)
    case kind => throw new NotCompiled(s"${kind.python}'s method $name is not known")
  }

  private def ofDate(name: String, date: Val)(next: Next): String = name match {
    case "weekday" =>
      define(Kind.Int, s"$dates.weekday(${date.code})")(n => next(n.copy(low = 0, high = 6)))
    case "isoweekday" =>
      define(Kind.Int, s"$dates.weekday(${date.code}) + 1L")(n => next(n.copy(low = 1, high = 7)))
    case "toordinal" => define(Kind.Int, s"$dates.ordinal(${date.code})")(next)
    case "isoformat" => texts.str(date)(next)
    case _ => throw new NotCompiled(s"date's method $name is not known")
  }

  /** Dates and timedeltas, added or subtracted; `op` is one of these. */
  def dated(op: String, a: Val, b: Val)(next: Next): String =
    emit.need2(a, b) { (x, y) =>
      val code = s"${x.code} $op ${y.code}"
      (x.kind, op, y.kind) match {
        case (Kind.Date, "-", Kind.Date) => define(Kind.Delta, s"(long) ($code)")(next)
        case (Kind.Date, _, Kind.Delta) => date(code)(next)
        case (Kind.Delta, "+", Kind.Date) => date(code)(next)
        case (Kind.Delta, _, Kind.Delta) => delta(code)(next)
        case (p, _, q) => throw new NotCompiled(s"${p.python} $op ${q.python} is not known")
      }
    }

  private def date(days: String)(next: Next): String =
    emit.let("long", days) { day =>
      guard(s"$day < ${PyDates.FIRST}L || $day > ${PyDates.LAST}L", Trip.DATE) {
        define(Kind.Date, s"(int) $day")(next)
      }
    }

  private def delta(days: String)(next: Next): String =
    define(Kind.Delta, days) { value =>
      guard(s"${value.code} < -999999999L || ${value.code} > 999999999L", Trip.DATE)(next(value))
    }

  /** `timedelta(days, seconds, microseconds)`, of whole days alone. */
  private def timedelta(values: Seq[Val])(next: Next): String = {
    val rest = values.drop(1).map(_.constant)
    if (values.isEmpty || !Numbers.isInt(values.head.kind) || !rest.forall(_.contains(BigInt(0)))) {
      unknown("timedelta", values)
    }
    delta(s"${numbers.asInt(values.head).code}")(next)
  }

  /** `strftime` of a constant format, for years of four digits. */
  private def strftime(date: Val, format: Val)(next: Next): String = {
    val parts = format.constant match {
      case Some(known: String) => Calls.DIRECTIVE.findAllIn(known).toSeq
      case _ => throw new NotCompiled("strftime is known with a constant format alone")
    }
    val written = parts.map {
      case "%Y" => s"$dates.digits($dates.year(${date.code}), 4)"
      case "%m" => s"$dates.digits($dates.month(${date.code}), 2)"
      case "%d" => s"$dates.digits($dates.day(${date.code}), 2)"
      case "%%" => texts.literal("%").code
      case plain if !plain.startsWith("%") && plain.forall(c => c > 0 && c < 128) =>
        texts.literal(plain).code
      case other => throw new NotCompiled(s"strftime's $other is not known")
    }
    guard(s"${date.code} < $dates.FOUR_DIGITS()", Trip.DATE) {
      texts.concatAll(written.map(code => Val(Kind.Str, code, ascii = "true")))(next)
    }
  }
}

private[compiled] object Calls {
  private val FIELDS: Map[String, (BigInt, BigInt)] = Map(
    "year" -> ((BigInt(1), BigInt(9999))),
    "month" -> ((BigInt(1), BigInt(12))),
    "day" -> ((BigInt(1), BigInt(31))))
  private val MOST_DAYS = BigInt(999999999)
  private val DIRECTIVE = "%.|[^%]+|%".r
  private val ZEROS = """0(\d{1,2})d""".r
  private val FIXED = """\.(\d{1,2})f""".r
}
