package org.apache.spark.sql.hydrofoil.compiled

/**
 * A regular expression of one class of ASCII characters.
 *
 * @param among of each character, whether it is in the class
 * @param runs whether as many as follow one another are one match
 */
final class PyCharacters(among: Array[Boolean], runs: Boolean) extends Serializable {

  /** `re.sub(pattern, by, text)`, of a text that is ASCII and a `by` that is plain. */
  def sub(text: PyStr, by: PyStr): PyStr = {
    var i = 0
    while (i < text.numBytes && !among(text.getByte(i))) i += 1
    if (i == text.numBytes) return text
    val made = new PyChars
    var from = 0
    while (i < text.numBytes) {
      if (among(text.getByte(i))) {
        made.add(PyText.part(text, from, i))
        made.add(by)
        i += 1
        if (runs) while (i < text.numBytes && among(text.getByte(i))) i += 1
        from = i
      } else {
        i += 1
      }
    }
    made.add(PyText.part(text, from, text.numBytes))
    made.text()
  }
}

private[compiled] object PyCharacters {

  private val SIZE = 128
  private val SPECIAL = """.^$*+?{}[]\|()""".toSet
  private val spaces =
    Array.tabulate(SIZE)(c => c == ' ' || c >= 9 && c <= 13 || c >= 28 && c <= 31)
  private val digits = Array.tabulate(SIZE)(c => c >= '0' && c <= '9')
  private val words = Array.tabulate(SIZE) { c =>
    digits(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
  }

  /** The class that Python's pattern is; None where it is anything else. */
  def of(pattern: String): Option[PyCharacters] = {
    val runs = pattern.length > 1 && pattern.endsWith("+") && !pattern.endsWith("\\+")
    val item = if (runs) pattern.dropRight(1) else pattern
    val among =
      if (item.exists(_ >= SIZE)) None
      else if (item.startsWith("[^") && item.endsWith("]")) set(item.drop(2).dropRight(1)).map(not)
      else if (item.startsWith("[") && item.endsWith("]")) set(item.drop(1).dropRight(1))
      else if (item.length == 1 && !SPECIAL.contains(item.head)) Some(only(item.head))
      else if (item.length == 2 && item.head == '\\') escape(item(1))
      else None
    among.map(new PyCharacters(_, runs))
  }

  private def only(c: Char): Array[Boolean] = Array.tabulate(SIZE)(_ == c)
  private def not(among: Array[Boolean]): Array[Boolean] = among.map(!_)

  private def escape(c: Char): Option[Array[Boolean]] = c match {
    case 's' => Some(spaces)
    case 'S' => Some(not(spaces))
    case 'd' => Some(digits)
    case 'D' => Some(not(digits))
    case 'w' => Some(words)
    case 'W' => Some(not(words))
    case _ if words(c) || c < ' ' => None
    case _ => Some(only(c))
  }

  /** What is between brackets: characters, ranges of letters or digits, and escapes. */
  private def set(inner: String): Option[Array[Boolean]] = {
    val among = new Array[Boolean](SIZE)
    var i = 0
    var known = inner.nonEmpty
    while (known && i < inner.length) {
      val c = inner(i)
      if (c == '\\') {
        val found = if (i + 1 < inner.length) escape(inner(i + 1)) else None
        known = found.isDefined && !(i + 2 < inner.length - 1 && inner(i + 2) == '-')
        found.foreach(_.indices.foreach(k => among(k) |= found.get(k)))
        i += 2
      } else if (c == '[' || c == ']' || c == '^') {
        known = false
      } else if (i + 2 < inner.length && inner(i + 1) == '-') {
        val last = inner(i + 2)
        known = words(c) && words(last) && c != '_' && last != '_' && c <= last
        if (known) (c to last).foreach(k => among(k) = true)
        i += 3
      } else {
        // Doubled, some of them may mean another thing one day, of which Python warns.
        known = !(i + 1 < inner.length && inner(i + 1) == c && "-&|~".contains(c))
        among(c) = true
        i += 1
      }
    }
    if (known) Some(among) else None
  }
}
