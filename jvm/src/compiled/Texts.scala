package org.apache.spark.sql.hydrofoil.compiled

/** Python's text: methods, parts, and what is made into text. */
private[compiled] final class Texts(emit: Emit, numbers: Numbers) {
  import Emit.Next
  import emit.{bool, branch, define, guard, join, need}

  private val text = classOf[PyText].getName
  private val made = classOf[PyMade].getName
  private val parsed = classOf[PyParsed].getName

  def literal(value: String): Val = {
    val code = emit.reference(PyStr.of(value), "PyStr")
    Val(Kind.Str, code, ascii = isAscii(value).toString, constant = Some(value))
  }

  private def isAscii(value: String): Boolean = value.forall(_ < 128)

  /** What follows is of ASCII alone. */
  def plain(value: Val)(next: => String): String = guard(
    if (value.ascii == "true") "false" else if (value.ascii == "false") "true"
    else s"!${value.ascii}", Trip.TEXT)(next)

  private def both(a: Val, b: Val): String = (a.ascii, b.ascii) match {
    case ("true", other) => other
    case (other, "true") => other
    case ("false", _) | (_, "false") => "false"
    case (x, y) => s"($x && $y)"
  }

  /** Text from `code`, with a variable for whether it is ASCII. */
  private def result(code: String, ascii: String)(next: Next): String =
    define(Kind.Str, code)(value => next(value.copy(ascii = ascii)))

  def length(value: Val)(next: Next): String =
    define(Kind.Int, s"(long) $text.length(${value.code}, ${value.ascii})") { n =>
      next(n.copy(low = 0, high = Int.MaxValue))
    }

  def concat(a: Val, b: Val)(next: Next): String =
    result(s"$made.concat(${a.code}, ${b.code})", both(a, b))(next)

  def repeat(a: Val, times: Val)(next: Next): String =
    emit.text(s"$made.repeat(${a.code}, ${numbers.asInt(times).code})", a.ascii, Trip.RESULT)(next)

  def contains(part: Val, whole: Val)(next: Next): String =
    bool(s"$text.contains(${whole.code}, ${part.code})")(next)

  def at(value: Val, index: Val)(next: Next): String =
    emit.text(s"$text.at(${value.code}, ${value.ascii}, ${index.code})", value.ascii, Trip.INDEX)(
      next)

  def slice(value: Val, low: Option[Val], high: Option[Val])(next: Next): String = {
    val from = low.map(_.code).getOrElse("0L")
    val until = high.map(_.code).getOrElse("Long.MAX_VALUE")
    result(s"$text.slice(${value.code}, ${value.ascii}, $from, $until)", value.ascii)(next)
  }

  def reversed(value: Val)(next: Next): String =
    plain(value)(result(s"$text.reversed(${value.code})", "true")(next))

  /** Several texts as one. */
  def concatAll(parts: Seq[Val])(next: Next): String = parts match {
    case Seq() => next(literal(""))
    case Seq(one) => next(one)
    case Seq(a, b) => concat(a, b)(next)
    case _ =>
      val ascii = parts.map(_.ascii).distinct.filter(_ != "true")
      val all = if (ascii.isEmpty) "true" else ascii.mkString("(", " && ", ")")
      result(s"$made.concat(new PyStr[] {${parts.map(_.code).mkString(", ")}})", all)(next)
  }

  /** Python's `str(value)`. */
  def str(value: Val)(next: Next): String = value.kind match {
    case Kind.Nothing => next(literal("None"))
    case kind =>
      val shown = join { end =>
        branch(value.isNull)(end(literal("None")))(strOf(kind, value.copy(isNull = "false"))(end))
      }(_)
      if (value.nullable) shown(next) else strOf(kind, value)(next)
  }

  private def strOf(kind: Kind, value: Val)(next: Next): String = kind match {
    case Kind.Str => next(value)
    case Kind.Int => result(s"$made.ofLong(${value.code})", "true")(next)
    case Kind.Bool => result(s"$made.ofBool(${value.code})", "true")(next)
    case Kind.Float => emit.text(s"$parsed.ofFloat(${value.code})", "true", Trip.ROUNDING)(next)
    case Kind.Date => result(s"${classOf[PyDates].getName}.iso(${value.code})", "true")(next)
    case Kind.Nothing => next(literal("None"))
    case other => throw new NotCompiled(s"a ${other.python} is made text")
  }

  /** Python's `int(text)`. */
  def toInt(value: Val)(next: Next): String =
    guard(s"!$parsed.isInt(${value.code})", Trip.NUMBER) {
      define(Kind.Int, s"$parsed.toInt(${value.code})")(next)
    }

  def toFloat(value: Val)(next: Next): String =
    guard(s"!$parsed.isFloat(${value.code})", Trip.NUMBER) {
      define(Kind.Float, s"$parsed.toFloat(${value.code})")(next)
    }

  def method(name: String, self: Val, arguments: Seq[Val])(next: Next): String =
    need(self) { value =>
      def needAll(left: List[Val], done: Vector[Val]): String = left match {
        case Nil => called(name, value, done)(next)
        case first :: rest => need(first)(one => needAll(rest, done :+ one))
      }
      // None as strip's argument is none.
      val all =
        if (Texts.STRIPS.contains(name)) arguments.filter(_.kind != Kind.Nothing) else arguments
      needAll(all.toList, Vector.empty)
    }

  private def called(name: String, self: Val, arguments: Seq[Val])(next: Next): String = {
    val kinds = arguments.map(_.kind)
    (name, kinds) match {
      case (n, Seq()) if Texts.MAPS.contains(n) =>
        val call = if (n == "casefold") "lower" else n
        plain(self)(result(s"$made.$call(${self.code})", "true")(next))
      case (n, Seq()) if Texts.ASKS.contains(n) =>
        plain(self)(bool(s"$made.${Texts.ASKS(n)}(${self.code})")(next))
      case ("isascii", Seq()) => ascii(self)(next)
      case (n, Seq()) if Texts.STRIPS.contains(n) =>
        emit.text(s"$text.strip(${self.code}, ${Texts.STRIPS(n)})", self.ascii, Trip.TEXT)(next)
      case (n, Seq(Kind.Str)) if Texts.STRIPS.contains(n) =>
        val of = arguments.head
        if (of.ascii != "true") throw new NotCompiled(s"$n is known of constant ASCII alone")
        result(s"$text.stripOf(${self.code}, ${of.code}, ${Texts.STRIPS(n)})", self.ascii)(next)
      case ("startswith", Seq(Kind.Str)) =>
        bool(s"$text.startsWith(${self.code}, ${arguments.head.code})")(next)
      case ("endswith", Seq(Kind.Str)) =>
        bool(s"$text.endsWith(${self.code}, ${arguments.head.code})")(next)
      case ("removeprefix", Seq(Kind.Str)) => removed(self, arguments.head, "startsWith")(next)
      case ("removesuffix", Seq(Kind.Str)) => removed(self, arguments.head, "endsWith")(next)
      case ("find" | "rfind" | "index" | "rindex" | "count", Seq(Kind.Str)) =>
        searched(name, self, arguments.head)(next)
      case ("replace", Seq(Kind.Str, Kind.Str)) => replaced(self, arguments(0), arguments(1))(next)
      case ("zfill" | "ljust" | "rjust" | "center", _) => padded(name, self, arguments)(next)
      case _ => throw new NotCompiled(s"text's method $name is not known with such arguments")
    }
  }

  /** Whether text is ASCII: a part of one that is not may be. */
  private def ascii(value: Val)(next: Next): String =
    bool(if (value.ascii == "true") "true" else s"$text.isAscii(${value.code})")(next)

  private def removed(self: Val, part: Val, test: String)(next: Next): String = {
    val n = s"${part.code}.numBytes()"
    val (from, until) =
      if (test == "startsWith") (n, s"${self.code}.numBytes()")
      else ("0", s"${self.code}.numBytes() - $n")
    result(
      s"$text.$test(${self.code}, ${part.code}) ? $text.part(${self.code}, $from, $until)" +
        s" : ${self.code}",
      self.ascii)(next)
  }

  private def searched(name: String, self: Val, part: Val)(next: Next): String = {
    def found(method: String)(end: Next): String =
      define(Kind.Int, s"$text.$method(${self.code}, ${self.ascii}, ${part.code})") { at =>
        end(at.copy(low = -1, high = Int.MaxValue))
      }
    name match {
      case "find" => found("indexOf")(next)
      case "rfind" => found("lastIndexOf")(next)
      case "index" => found("indexOf")(at => guard(s"${at.code} < 0L", Trip.RAISES)(next(at)))
      case "rindex" => found("lastIndexOf")(at => guard(s"${at.code} < 0L", Trip.RAISES)(next(at)))
      case _ =>
        guard(s"${part.code}.numBytes() == 0", Trip.RESULT) {
          define(Kind.Int, s"$text.count(${self.code}, ${part.code})")(next)
        }
    }
  }

  /** `self.replace(old, by)`. */
  def replaced(self: Val, old: Val, by: Val)(next: Next): String =
    guard(emptiness(old), Trip.RESULT) {
      emit.text(
        s"$made.replace(${self.code}, ${old.code}, ${by.code})", both(self, by), Trip.RESULT)(next)
    }

  /** A condition: whether a text is empty. */
  def emptiness(value: Val): String = value.constant match {
    case Some(known: String) => known.isEmpty.toString
    case _ => s"${value.code}.numBytes() == 0"
  }

  private def padded(name: String, self: Val, arguments: Seq[Val])(next: Next): String =
    plain(self) {
      val width = arguments.headOption.filter(a => Numbers.isInt(a.kind)).map(numbers.asInt)
        .getOrElse(throw new NotCompiled(s"$name wants a width"))
      val by = arguments.lift(1).map(_.constant) match {
        case None => ' '
        case Some(Some(known: String)) if known.length == 1 && known.head < 128 => known.head
        case _ => throw new NotCompiled(s"$name is known with a constant ASCII character alone")
      }
      val code =
        if (name == "zfill") s"$made.zfill(${self.code}, ${width.code})"
        else {
          val (left, right) = (name != "ljust", name != "rjust")
          s"$made.padded(${self.code}, ${width.code}, (byte) ${by.toInt}, $left, $right)"
        }
      emit.text(code, "true", Trip.RESULT)(next)
    }

  /** `format(value, spec)` of the simple kinds. */
  def format(value: Val, spec: String)(next: Next): String = (value.kind, spec) match {
    case (_, "") => str(value)(next)
    case (Kind.Float, Texts.FIXED(comma, digits)) =>
      val call = s"$made.fixed(${value.code}, ${digits.toInt}, ${comma.nonEmpty})"
      need(value)(_ => emit.text(call, "true", Trip.ROUNDING)(next))
    case (Kind.Int, "d" | "n") if spec == "d" => need(value)(str(_)(next))
    case (Kind.Int, ",") =>
      need(value) { n =>
        emit.text(s"$made.grouped(${n.code})", "true", Trip.OVERFLOW)(next)
      }
    case (Kind.Int, Texts.ZEROS(width)) =>
      need(value)(str(_)(s => method("zfill", s, Seq(Val.int(width.toInt)))(next)))
    case (Kind.Str, "s") => need(value)(next)
    case (kind, _) => throw new NotCompiled(s"the format $spec of ${kind.python} is not known")
  }
}

private[compiled] object Texts {

  private val MAPS = Set("upper", "lower", "swapcase", "capitalize", "title", "casefold")
  private val ASKS = Map(
    "isdigit" -> "isDigit", "isdecimal" -> "isDigit", "isnumeric" -> "isDigit",
    "isalpha" -> "isAlpha", "isalnum" -> "isAlnum", "isspace" -> "isSpace",
    "isupper" -> "isUpper", "islower" -> "isLower")
  private val STRIPS = Map(
    "strip" -> "true, true", "lstrip" -> "true, false", "rstrip" -> "false, true")
  private val FIXED = """(,?)\.(\d{1,2})f""".r
  private val ZEROS = """0(\d{1,2})d?""".r
}
