package org.apache.spark.sql.hydrofoil.compiled

/** Python's any, all, sum and join over a text's characters. */
private[compiled] final class Each(
    emit: Emit,
    numbers: Numbers,
    texts: Texts,
    comparisons: Comparisons) {
  import Emit.Next
  import emit.need

  private val helpers = classOf[PyChars].getName

  /** What a loop does, with its value at the end. */
  private final class Loop(val declared: String, val step: Next, val result: Next => String)

  /**
   * @param how any, all, sum or join
   * @param body writes what is to be done with each character's value, where its condition holds
   * @param whole whether all values are computed, as those of a list are, whatever they are
   */
  def write(how: String, over: Val, by: Option[Val], whole: Boolean)(
      body: (Val, Next) => String)(next: Next): String = {
    if (over.kind != Kind.Str) throw new NotCompiled("a loop is known over text alone")
    need(over) { text =>
      texts.plain(text) {
        val loop = how match {
          case "any" => search(found = true, whole)
          case "all" => search(found = false, whole)
          case "sum" => sum()
          case "join" => join(by.getOrElse(texts.literal("")))
          case _ => throw new NotCompiled(s"$how over a text's characters is not known")
        }
        val (i, char) = (emit.name("i"), emit.name("char"))
        val value = Val(Kind.Str, char, ascii = "true")
        loop.declared +
          s"for (int $i = 0; $i < ${text.code}.numBytes(); $i++) {\n" +
          s"PyStr $char = $helpers.of(${text.code}.getByte($i));\n" +
          body(value, loop.step) + "}\n" + loop.result(next)
      }
    }
  }

  private def search(found: Boolean, whole: Boolean): Loop = {
    val variable = emit.name("v")
    def step(value: Val): String = {
      val truth = comparisons.truth(value)
      val condition = if (found) truth else s"!($truth)"
      s"if ($condition) {\n$variable = $found;\n${if (whole) "" else "break;\n"}}\n"
    }
    new Loop(s"boolean $variable = ${!found};\n", step, next => next(Val(Kind.Bool, variable)))
  }

  private def sum(): Loop = {
    val variable = emit.name("v")
    def step(value: Val): String = value.kind match {
      case kind if Numbers.isInt(kind) =>
        numbers.binary("+", Val(Kind.Int, variable), value)(r => s"$variable = ${r.code};\n")
      case kind => throw new NotCompiled(s"a sum of ${kind.python} is not known")
    }
    new Loop(s"long $variable = 0L;\n", step, next => next(Val(Kind.Int, variable)))
  }

  private def join(by: Val): Loop = {
    val chars = emit.name("v")
    if (by.kind != Kind.Str || by.nullable) throw new NotCompiled("join wants text")
    var plain = by.ascii == "true"
    def step(value: Val): String = {
      if (value.kind != Kind.Str) throw new NotCompiled(s"a join of ${value.kind.python}")
      plain &&= value.ascii == "true"
      need(value)(text => s"$chars.add(${text.code}, ${by.code});\n")
    }
    new Loop(
      s"$helpers $chars = new $helpers();\n",
      step,
      next => emit.define(Kind.Str, s"$chars.text()") { text =>
        next(text.copy(ascii =
          if (plain) "true" else s"${classOf[PyText].getName}.isAscii(${text.code})"))
      })
  }
}
