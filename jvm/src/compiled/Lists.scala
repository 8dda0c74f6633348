package org.apache.spark.sql.hydrofoil.compiled

/** The lists that `split` makes of text, of which none is made: only parts that are used are. */
private[compiled] final class Lists(emit: Emit, numbers: Numbers, texts: Texts) {
  import Emit.Next
  import emit.{define, guard}

  private val made = classOf[PyMade].getName

  /** `text.split(by)`, or `text.split()` where there is none. */
  def split(text: Val, by: Option[Val])(next: Next): String = by match {
    case Some(known) =>
      guard(texts.emptiness(known), Trip.RAISES)(next(Val(Kind.Split(text, by), "")))
    case None => texts.plain(text)(next(Val(Kind.Split(text, None), "")))
  }

  private def parts(list: Kind.Split): String = list.by match {
    case Some(by) => s"$made.parts(${list.text.code}, ${by.code})"
    case None => s"$made.words(${list.text.code})"
  }

  def length(list: Kind.Split)(next: Next): String =
    define(Kind.Int, parts(list))(n => next(n.copy(low = 0, high = Int.MaxValue)))

  def at(list: Kind.Split, index: Val)(next: Next): String = emit.need(index) { place =>
    if (!Numbers.isInt(place.kind)) throw new NotCompiled("a list's index is no int")
    val n = numbers.asInt(place).code
    val code = list.by match {
      case Some(by) => s"$made.splitPart(${list.text.code}, ${by.code}, $n)"
      case None => s"$made.word(${list.text.code}, $n)"
    }
    emit.text(code, list.text.ascii, Trip.INDEX)(next)
  }

  /** One of so many parts, which raises where there are more or fewer. */
  def part(list: Kind.Split, index: Int, of: Int)(next: Next): String =
    guard(s"${parts(list)} != ${of}L", Trip.RAISES)(at(list, Val.int(index))(next))

  def joined(by: Val, list: Kind.Split)(next: Next): String = emit.need(by) { sep =>
    list.by match {
      case Some(old) => texts.replaced(list.text, old, sep)(next)
      case None =>
        define(Kind.Str, s"$made.joinWords(${list.text.code}, ${sep.code})")(value =>
          next(value.copy(ascii = sep.ascii)))
    }
  }
}
