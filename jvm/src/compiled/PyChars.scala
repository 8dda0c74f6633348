package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.unsafe.Platform

/** Text that is joined of parts. */
final class PyChars {

  private[this] var bytes = new Array[Byte](32)
  private[this] var size = 0
  private[this] var some = false

  private[this] def append(text: PyStr): Unit = {
    val n = text.numBytes
    if (size + n > bytes.length) {
      bytes = java.util.Arrays.copyOf(bytes, math.max(size + n, bytes.length * 2))
    }
    if (n == 1) bytes(size) = text.getByte(0)
    else Platform.copyMemory(
      text.base, text.offset, bytes, Platform.BYTE_ARRAY_OFFSET + size, n)
    size += n
  }

  /** Adds a part, after `by` unless it is the first. */
  def add(text: PyStr, by: PyStr): Unit = {
    if (some) append(by)
    some = true
    append(text)
  }

  def add(text: PyStr): Unit = append(text)

  def text(): PyStr = PyStr.of(bytes, size)
}

object PyChars {

  private val all = Array.tabulate(128)(c => PyStr.of(Array(c.toByte)))

  /** The text of an ASCII character. */
  def of(byte: Byte): PyStr = all(byte)
}
