package org.apache.spark.sql.hydrofoil.compiled

import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.databind.JsonNode

/** A function's code, by nodes that have no types, as Java for values that have. */
private[compiled] final class Compiler(emit: Emit) {
  import Emit.Next
  import Compiler.{children, Scope}
  import emit.{branch, join, need}

  val numbers = new Numbers(emit)
  val texts = new Texts(emit, numbers)
  private val comparisons = new Comparisons(emit, numbers)
  private val constants = new Constants(emit, numbers, texts, comparisons)
  private val lists = new Lists(emit, numbers, texts)
  private val loops = new Each(emit, numbers, texts, comparisons)
  private val calls = new Calls(emit, numbers, texts, comparisons)

  def write(node: JsonNode, scope: Scope)(next: Next): String = node.get(0).asText match {
    case "arg" => next(scope.argument(node.get(1).asInt))
    case "const" => next(constants.value(node))
    case "var" => next(scope.variable(node.get(1).asText))
    case "let" =>
      write(node.get(2), scope) { value =>
        write(node.get(3), scope.and(node.get(1).asText, value))(next)
      }
    case "if" =>
      write(node.get(1), scope) { condition =>
        join { end =>
          branch(comparisons.truth(condition))(write(node.get(2), scope)(end))(
            write(node.get(3), scope)(end))
        }(next)
      }
    case "and" | "or" => either(node, scope)(next)
    case "not" => write(node.get(1), scope)(comparisons.negated(_)(next))
    case "isnone" => write(node.get(1), scope)(comparisons.isNone(_)(next))
    case "is" => identity(node, scope)(next)
    case "isinstance" => write(node.get(1), scope)(instance(_, node.get(2))(next))
    case "cmp" =>
      pair(node.get(2), node.get(3), scope)(comparisons.compare(node.get(1).asText, _, _)(next))
    case "bin" => binary(node, scope)(next)
    case "un" => write(node.get(2), scope)(numbers.unary(node.get(1).asText, _)(next))
    case "in" => contained(node, scope)(next)
    case "trip" => emit.trip(Trip.RAISES)
    case _ => others(node, scope)(next)
  }

  private def others(node: JsonNode, scope: Scope)(next: Next): String =
    node.get(0).asText match {
      case "lookup" => lookup(node, scope)(next)
      case "index" => index(node.get(1), node.get(2), scope)(next)
      case "slice" => slice(node, scope)(next)
      case "fstring" => fstring(node, scope)(next)
      case "percent" =>
        write(node.get(2), scope)(calls.percent(node.get(1).asText, _)(next))
      case "call" => call(node.get(1).asText, node.get(2), scope)(next)
      case "attr" => attribute(node, scope)(next)
      case "method" => method(node, scope)(next)
      case "part" => part(node, scope)(next)
      case "each" => each(node, scope)(next)
      case "istype" =>
        write(node.get(1), scope) { value =>
          val own = value.kind.python == node.get(2).asText
          if (value.kind == Kind.Nothing || !value.nullable) next(Val.bool(own))
          else if (node.get(2).asText == "NoneType") next(Val(Kind.Bool, value.isNull))
          else if (own) emit.bool(s"!${value.isNull}")(next)
          else next(Val.bool(false))
        }
      case other => throw new NotCompiled(s"$other is not known")
    }

  /** Values in the order in which Python evaluates them. */
  private def all(nodes: Seq[JsonNode], scope: Scope)(next: Seq[Val] => String): String = {
    def step(left: List[JsonNode], done: Vector[Val]): String = left match {
      case Nil => next(done)
      case first :: rest => write(first, scope)(value => step(rest, done :+ value))
    }
    step(nodes.toList, Vector.empty)
  }

  private def pair(a: JsonNode, b: JsonNode, scope: Scope)(next: (Val, Val) => String): String =
    write(a, scope)(first => write(b, scope)(second => next(first, second)))

  /** Python's `and` and `or`, whose value is one of their operands. */
  private def either(node: JsonNode, scope: Scope)(next: Next): String =
    write(node.get(1), scope) { first =>
      def second(end: Next): String = write(node.get(2), scope)(end)
      join { end =>
        if (node.get(0).asText == "and") branch(comparisons.truth(first))(second(end))(end(first))
        else branch(comparisons.truth(first))(end(first))(second(end))
      }(next)
    }

  private def identity(node: JsonNode, scope: Scope)(next: Next): String =
    write(node.get(1), scope) { value =>
      write(node.get(2), scope) {
        case Val(Kind.Bool, _, _, _, _, _, Some(known)) if value.kind == Kind.Bool =>
          comparisons.equal(value, Val.bool(known.asInstanceOf[Boolean]))(next)
        case Val(Kind.Bool, _, _, _, _, _, Some(_)) => next(Val.bool(false))
        case _ => throw new NotCompiled("`is` is known of None, True and False alone")
      }
    }

  private def instance(value: Val, names: JsonNode)(next: Next): String = {
    val asked = children(names).map(_.asText).toSet
    val own = value.kind match {
      case Kind.Bool => Set("bool", "int")
      case kind => Set(kind.python)
    }
    val ifNone = asked.contains("NoneType")
    val otherwise = asked.exists(own.contains)
    if (value.kind == Kind.Nothing) next(Val.bool(ifNone))
    else if (!value.nullable || ifNone == otherwise) next(Val.bool(otherwise))
    else if (ifNone) next(Val(Kind.Bool, value.isNull))
    else emit.bool(s"!${value.isNull}")(next)
  }

  private def binary(node: JsonNode, scope: Scope)(next: Next): String = {
    val op = node.get(1).asText
    pair(node.get(2), node.get(3), scope) { (a, b) =>
      (op, a.kind, b.kind) match {
        case ("+", Kind.Str, Kind.Str) => emit.need2(a, b)(texts.concat(_, _)(next))
        case ("*", Kind.Str, n) if Numbers.isInt(n) => emit.need2(a, b)(texts.repeat(_, _)(next))
        case ("*", n, Kind.Str) if Numbers.isInt(n) =>
          emit.need2(a, b)((times, text) => texts.repeat(text, times)(next))
        case (_, Kind.Nothing, _) | (_, _, Kind.Nothing) =>
          emit.need2(a, b)((_, _) => throw new IllegalStateException("None has a value"))
        case ("+" | "-", Kind.Date | Kind.Delta, _) | ("+" | "-", _, Kind.Date | Kind.Delta) =>
          calls.dated(op, a, b)(next)
        case _ => numbers.binary(op, a, b)(next)
      }
    }
  }

  private def contained(node: JsonNode, scope: Scope)(next: Next): String = {
    val container = node.get(2)
    if (container.get(0).asText == "consts") {
      val known = children(container.get(1)).map(constants.value)
      write(node.get(1), scope)(constants.among(_, known)(next))
    } else {
      pair(node.get(1), container, scope) { (part, whole) =>
        if (whole.kind != Kind.Str || part.kind != Kind.Str) {
          throw new NotCompiled("`in` is known of text and constants alone")
        }
        emit.need2(part, whole)(texts.contains(_, _)(next))
      }
    }
  }

  private def lookup(node: JsonNode, scope: Scope)(next: Next): String = {
    val pairs = children(node.get(1)).map { pair =>
      (constants.value(constant(pair.get(0))), constants.value(constant(pair.get(1))))
    }
    val default = node.get(3)
    write(node.get(2), scope) { key =>
      val missing: Next => String =
        if (default == null || default.isNull) _ => emit.trip(Trip.KEY)
        else end => write(default, scope)(end)
      constants.lookup(pairs, key, missing)(next)
    }
  }

  private def constant(node: JsonNode): JsonNode =
    if (node.get(0).asText == "const") node
    else throw new NotCompiled(s"a ${node.get(0).asText} is in a dict")

  private def index(of: JsonNode, at: JsonNode, scope: Scope)(next: Next): String =
    if (of.get(0).asText == "tuple") {
      val known = children(of.get(1)).map(node => constants.value(constant(node)))
      write(at, scope)(need(_)(constants.indexed(known, _)(next)))
    } else {
      pair(of, at, scope) {
        case (Val(list: Kind.Split, _, _, _, _, _, _), place) => lists.at(list, place)(next)
        case (value, place) =>
        if (value.kind != Kind.Str || !Numbers.isInt(place.kind)) {
          throw new NotCompiled("an index is known of text and constants alone")
        }
        emit.need2(value, place)((text, n) => texts.at(text, numbers.asInt(n))(next))
      }
    }

  private def slice(node: JsonNode, scope: Scope)(next: Next): String =
    all(Seq(1, 2, 3, 4).map(node.get), scope) { values =>
      val (value, low, high, step) = (values(0), values(1), values(2), values(3))
      val whole = low.kind == Kind.Nothing && high.kind == Kind.Nothing
      def bound(end: Val): Option[Val] =
        if (end.kind == Kind.Nothing) None
        else if (Numbers.isInt(end.kind) && !end.nullable) Some(numbers.asInt(end))
        else throw new NotCompiled("a slice's bound may be None")
      if (value.kind != Kind.Str) throw new NotCompiled("slices are known of text alone")
      need(value) { text =>
        step.constant match {
          case _ if step.kind == Kind.Nothing => texts.slice(text, bound(low), bound(high))(next)
          case Some(one: BigInt) if one == 1 => texts.slice(text, bound(low), bound(high))(next)
          case Some(back: BigInt) if back == -1 && whole => texts.reversed(text)(next)
          case _ => throw new NotCompiled("a slice's step is neither 1 nor [::-1]")
        }
      }
    }

  private def fstring(node: JsonNode, scope: Scope)(next: Next): String = {
    def step(left: List[JsonNode], done: Vector[Val]): String = left match {
      case Nil => texts.concatAll(done)(next)
      case part :: rest if part.get(0).asText == "const" =>
        step(rest, done :+ constants.value(part))
      case part :: rest if part.get(0).asText != "fmt" =>
        write(part, scope) { text =>
          if (text.kind != Kind.Str) throw new NotCompiled("a part of text is no text")
          need(text)(known => step(rest, done :+ known))
        }
      case part :: rest =>
        write(part.get(1), scope) { value =>
          calls.formatted(value, part.path(2).asText, part.path(3).asText)(text =>
            step(rest, done :+ text))
        }
    }
    step(children(node.get(1)).toList, Vector.empty)
  }

  private def call(name: String, arguments: JsonNode, scope: Scope)(next: Next): String =
    all(children(arguments), scope) {
      case Seq(Val(list: Kind.Split, _, _, _, _, _, _)) if name == "len" => lists.length(list)(next)
      case values => calls.call(name, values)(next)
    }

  private def attribute(node: JsonNode, scope: Scope)(next: Next): String =
    write(node.get(2), scope)(calls.attribute(node.get(1).asText, _)(next))

  private def method(node: JsonNode, scope: Scope)(next: Next): String = {
    val name = node.get(1).asText
    val arguments = children(node.get(3))
    val several = arguments.length == 1 && arguments.head.get(0).asText == "tuple"
    if (several && name == "join") {
      all(node.get(2) +: children(arguments.head.get(1)), scope)(calls.joined(_)(next))
    } else if (several && (name == "startswith" || name == "endswith")) {
      all(node.get(2) +: children(arguments.head.get(1)), scope) { values =>
        calls.anyOf(name, values.head, values.tail)(next)
      }
    } else {
      all(node.get(2) +: arguments, scope) { values =>
        methodOf(name, values.head, values.tail)(next)
      }
    }
  }

  private def methodOf(name: String, self: Val, arguments: Seq[Val])(next: Next): String =
    (name, self.kind, arguments.map(_.kind)) match {
      case ("split", Kind.Str, Seq()) => need(self)(lists.split(_, None)(next))
      case ("split", Kind.Str, Seq(Kind.Str)) =>
        emit.need2(self, arguments.head)((text, by) => lists.split(text, Some(by))(next))
      case ("join", Kind.Str, Seq(list: Kind.Split)) => lists.joined(self, list)(next)
      case _ => calls.method(name, self, arguments)(next)
    }

  private def part(node: JsonNode, scope: Scope)(next: Next): String =
    write(node.get(1), scope) { value =>
      value.kind match {
        case list: Kind.Split => lists.part(list, node.get(2).asInt, node.get(3).asInt)(next)
        case kind => throw new NotCompiled(s"the parts of ${kind.python} are not known")
      }
    }

  private def each(node: JsonNode, scope: Scope)(next: Next): String = {
    val (name, whole) = (node.get(2).asText, node.get(6).asBoolean)
    def loop(text: Val, by: Option[Val]): String =
      loops.write(node.get(1).asText, text, by, whole) { (char, step) =>
        val inside = scope.and(name, char)
        write(node.get(4), inside) { condition =>
          branch(comparisons.truth(condition))(write(node.get(5), inside)(step))("")
        }
      }(next)
    // The text by which it is joined is what Python has first.
    if (node.size > 7) pair(node.get(7), node.get(3), scope)((by, text) => loop(text, Some(by)))
    else write(node.get(3), scope)(loop(_, None))
  }
}

private[compiled] object Compiler {

  def children(node: JsonNode): Seq[JsonNode] = node.elements.asScala.toSeq

  /** What names mean where code is. */
  final case class Scope(argument: Int => Val, variables: Map[String, Val]) {
    def variable(name: String): Val =
      variables.getOrElse(name, throw new NotCompiled(s"the variable $name has no value"))
    def and(name: String, value: Val): Scope = copy(variables = variables.updated(name, value))
  }
}
