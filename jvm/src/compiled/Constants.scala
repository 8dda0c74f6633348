package org.apache.spark.sql.hydrofoil.compiled

import java.time.LocalDate

import com.fasterxml.jackson.databind.JsonNode

/** Python's constants, and constant dicts. */
private[compiled] final class Constants(
    emit: Emit,
    numbers: Numbers,
    texts: Texts,
    comparisons: Comparisons) {
  import Emit.Next
  import emit.{branch, guard, join}

  def value(node: JsonNode): Val = node.path(1).asText match {
    case "int" =>
      val known = BigInt(node.get(2).asText)
      if (!Val.fits(known)) throw new NotCompiled("a constant is beyond 64 bits")
      Val.int(known)
    case "float" => Val.float(Constants.float(node.get(2).asText))
    case "bool" => Val.bool(node.get(2).asBoolean)
    case "none" => Val.none
    case "str" =>
      val text = node.get(2).asText
      if (Constants.hasSurrogate(text)) throw new NotCompiled("a constant has a lone surrogate")
      texts.literal(text)
    case "date" =>
      val days = LocalDate.parse(node.get(2).asText).toEpochDay.toInt
      Val(Kind.Date, days.toString, constant = Some(days))
    case other => throw new NotCompiled(s"constants of $other are not known")
  }

  /**
   * A dict's value.
   *
   * @param missing what is written where the key is not there
   */
  def lookup(pairs: Seq[(Val, Val)], key: Val, missing: Next => String)(next: Next): String = {
    val asked = numbers.asInt(key)
    val some = pairs.filter { case (known, _) => numbers.asInt(known).kind == asked.kind }
    val none = pairs.find(_._1.kind == Kind.Nothing).map(_._2)
    val floats = pairs.exists(_._1.kind == Kind.Float)
    if (asked.kind == Kind.Float || floats) throw new NotCompiled("keys are floats")
    join { end =>
      val ofNone = none.map(end).getOrElse(missing(end))
      if (asked.kind == Kind.Nothing) ofNone
      else branch(asked.isNull)(ofNone)(found(asked, some, missing)(end))
    }(next)
  }

  private def found(asked: Val, pairs: Seq[(Val, Val)], missing: Next => String)(
      end: Next): String =
    if (pairs.isEmpty) missing(end)
    else {
      val keys = pairs.map(pair => numbers.asInt(pair._1).constant.get)
      val table = asked.kind match {
        case Kind.Str => new PyTextTable(keys.map(_.asInstanceOf[String]).toArray)
        case Kind.Int => new PyLongTable(keys.map(_.asInstanceOf[BigInt].toLong).toArray)
        case kind => throw new NotCompiled(s"keys are of ${kind.python}")
      }
      val field = emit.reference(table, table.getClass.getName)
      emit.let("int", s"$field.find(${asked.code})") { at =>
        branch(s"$at < 0")(missing(end))(element(pairs.map(_._2), at)(end))
      }
    }

  /** One of constants, by a place that there is. */
  def element(values: Seq[Val], at: String)(next: Next): String = {
    val kinds = values.map(_.kind).distinct
    def array(value: AnyRef, javaClass: String): String =
      s"${emit.reference(value, javaClass)}[$at]"
    kinds match {
      case Seq(Kind.Int) =>
        val ints = values.map(_.constant.get.asInstanceOf[BigInt])
        emit.define(Kind.Int, array(ints.map(_.toLong).toArray, "long[]")) { v =>
          next(v.copy(low = ints.min, high = ints.max))
        }
      case Seq(Kind.Float) =>
        val floats = values.map(_.constant.get.asInstanceOf[Double]).toArray
        emit.define(Kind.Float, array(floats, "double[]"))(next)
      case Seq(Kind.Bool) =>
        val bools = values.map(_.constant.get.asInstanceOf[Boolean]).toArray
        emit.define(Kind.Bool, array(bools, "boolean[]"))(next)
      case Seq(Kind.Str) =>
        val all = values.map(_.constant.get.asInstanceOf[String])
        val ascii = all.forall(_.forall(_ < 128))
        emit.define(Kind.Str, array(all.map(text => PyStr.of(text)).toArray, "PyStr[]")) { v =>
          next(v.copy(ascii =
            if (ascii) "true" else s"${classOf[PyText].getName}.isAscii(${v.code})"))
        }
      case _ =>
        if (values.length > Constants.MOST_MIXED) {
          throw new NotCompiled("a container has values of several types")
        }
        join { end =>
          values.init.zipWithIndex.foldRight(end(values.last)) { case ((value, i), others) =>
            branch(s"$at == $i")(end(value))(others)
          }
        }(next)
    }
  }

  /** One of constants by Python's index. */
  def indexed(values: Seq[Val], index: Val)(next: Next): String = {
    val n = values.length
    val place = numbers.asInt(index)
    place.constant match {
      case Some(known: BigInt) if known >= -n && known < n =>
        next(values((if (known < 0) known + n else known).toInt))
      case _ =>
        guard(s"${place.code} < ${-n}L || ${place.code} >= ${n}L", Trip.INDEX) {
          val from0 = s"(int) (${place.code} < 0L ? ${place.code} + ${n}L : ${place.code})"
          emit.let("int", from0)(at => element(values, at)(next))
        }
    }
  }

  def among(value: Val, constants: Seq[Val])(next: Next): String =
    comparisons.among(value, constants)(next)
}

private[compiled] object Constants {
  private val MOST_MIXED = 12

  /** What Python's `float.hex` writes. */
  def float(text: String): Double = text match {
    case "inf" => Double.PositiveInfinity
    case "-inf" => Double.NegativeInfinity
    case "nan" | "-nan" => Double.NaN
    case hex => java.lang.Double.parseDouble(hex)
  }

  def hasSurrogate(text: String): Boolean = {
    val points = text.codePoints.iterator
    var found = false
    while (points.hasNext) {
      val point: Int = points.next()
      found ||= point >= 0xd800 && point <= 0xdfff
    }
    found
  }
}
