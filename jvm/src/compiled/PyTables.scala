package org.apache.spark.sql.hydrofoil.compiled

/** Constant texts, and where each is among them; of equal ones, the last. */
final class PyTextTable(texts: Array[String]) extends Serializable {

  private[this] val values = texts.map(text => PyStr.of(text))
  private[this] val size = Integer.highestOneBit(math.max(texts.length, 4)) << 2
  private[this] val slots = {
    val made = Array.fill(size)(-1)
    values.indices.foreach { i =>
      var at = values(i).hashCode & (size - 1)
      while (made(at) >= 0 && values(made(at)) != values(i)) at = (at + 1) & (size - 1)
      made(at) = i
    }
    made
  }

  /** The place of a text; negative where it is none of them. */
  def find(text: PyStr): Int = {
    var at = text.hashCode & (size - 1)
    while (slots(at) >= 0) {
      if (values(slots(at)).equals(text)) return slots(at)
      at = (at + 1) & (size - 1)
    }
    -1
  }
}

/** The same for integers. */
final class PyLongTable(values: Array[Long]) extends Serializable {

  private[this] val size = Integer.highestOneBit(math.max(values.length, 4)) << 2
  private[this] val slots = {
    val made = Array.fill(size)(-1)
    values.indices.foreach { i =>
      var at = PyLongTable.slot(values(i)) & (size - 1)
      while (made(at) >= 0 && values(made(at)) != values(i)) at = (at + 1) & (size - 1)
      made(at) = i
    }
    made
  }

  def find(value: Long): Int = {
    var at = PyLongTable.slot(value) & (size - 1)
    while (slots(at) >= 0) {
      if (values(slots(at)) == value) return slots(at)
      at = (at + 1) & (size - 1)
    }
    -1
  }
}

private[compiled] object PyLongTable {
  def slot(value: Long): Int = {
    val mixed = value * 0x9e3779b97f4a7c15L
    (mixed >>> 32).toInt
  }
}
