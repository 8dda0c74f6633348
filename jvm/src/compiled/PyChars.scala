package org.apache.spark.sql.hydrofoil.compiled

import org.apache.spark.unsafe.Platform
import org.apache.spark.unsafe.types.UTF8String

/** Text that is joined of parts. */
final class PyChars {

  private[this] var bytes = new Array[Byte](32)
  private[this] var size = 0
  private[this] var some = false

  private[this] def append(text: UTF8String): Unit = {
    val n = text.numBytes
    if (size + n > bytes.length) {
      bytes = java.util.Arrays.copyOf(bytes, math.max(size + n, bytes.length * 2))
    }
    if (n == 1) bytes(size) = text.getByte(0)
    else Platform.copyMemory(
      text.getBaseObject, text.getBaseOffset, bytes, Platform.BYTE_ARRAY_OFFSET + size, n)
    size += n
  }

  /** Adds a part, after `by` unless it is the first. */
  def add(text: UTF8String, by: UTF8String): Unit = {
    if (some) append(by)
    some = true
    append(text)
  }

  def text(): UTF8String = UTF8String.fromBytes(bytes, 0, size)
}

object PyChars {

  private val all = Array.tabulate(128)(c => UTF8String.fromBytes(Array(c.toByte)))

  /** The text of an ASCII character. */
  def of(byte: Byte): UTF8String = all(byte)
}
