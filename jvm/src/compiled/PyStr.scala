package org.apache.spark.sql.hydrofoil.compiled

import java.nio.charset.StandardCharsets.UTF_8

import org.apache.spark.unsafe.Platform
import org.apache.spark.unsafe.types.UTF8String

/**
 * Text in UTF-8 within an array, or at an address. Spark's own class writes four volatile fields
 * for each object, which takes longer than most of what is done with text.
 */
final class PyStr(val base: AnyRef, val offset: Long, val numBytes: Int) extends Serializable {

  def getByte(i: Int): Byte = Platform.getByte(base, offset + i)

  /** A new array of the bytes. */
  def getBytes: Array[Byte] = {
    val bytes = new Array[Byte](numBytes)
    Platform.copyMemory(base, offset, bytes, Platform.BYTE_ARRAY_OFFSET, numBytes)
    bytes
  }

  def numChars: Int = {
    var n = 0
    var i = 0
    while (i < numBytes) {
      if ((getByte(i) & 0xc0) != 0x80) n += 1
      i += 1
    }
    n
  }

  def equals(other: PyStr): Boolean = {
    if (numBytes != other.numBytes) return false
    var i = 0
    while (i + 8 <= numBytes) {
      if (Platform.getLong(base, offset + i) != Platform.getLong(other.base, other.offset + i)) {
        return false
      }
      i += 8
    }
    while (i < numBytes) {
      if (getByte(i) != other.getByte(i)) return false
      i += 1
    }
    true
  }

  /** By bytes, which is by code points. */
  def compare(other: PyStr): Int = {
    val n = math.min(numBytes, other.numBytes)
    var i = 0
    while (i < n) {
      val order = (getByte(i) & 0xff) - (other.getByte(i) & 0xff)
      if (order != 0) return order
      i += 1
    }
    numBytes - other.numBytes
  }

  override def equals(other: Any): Boolean = other match {
    case text: PyStr => equals(text)
    case _ => false
  }

  override def hashCode: Int = {
    var hash = numBytes.toLong
    var i = 0
    while (i + 8 <= numBytes) {
      hash = (hash ^ Platform.getLong(base, offset + i)) * 0x9e3779b97f4a7c15L
      hash ^= hash >>> 29
      i += 8
    }
    while (i < numBytes) {
      hash = (hash ^ getByte(i)) * 0x9e3779b97f4a7c15L
      i += 1
    }
    (hash ^ (hash >>> 32)).toInt
  }

  override def toString: String = new String(getBytes, UTF_8)

  def utf8: UTF8String = UTF8String.fromAddress(base, offset, numBytes)
}

object PyStr {

  val EMPTY: PyStr = of(new Array[Byte](0))

  def of(bytes: Array[Byte]): PyStr = new PyStr(bytes, Platform.BYTE_ARRAY_OFFSET, bytes.length)

  def of(bytes: Array[Byte], length: Int): PyStr =
    new PyStr(bytes, Platform.BYTE_ARRAY_OFFSET, length)

  def of(text: String): PyStr = of(text.getBytes(UTF_8))

  /** A vector's value; null where that is. */
  def of(text: UTF8String): PyStr =
    if (text == null) null
    else new PyStr(text.getBaseObject, text.getBaseOffset, text.numBytes)

  def concat(a: PyStr, b: PyStr): PyStr = {
    val bytes = new Array[Byte](Math.addExact(a.numBytes, b.numBytes))
    put(a, bytes, 0)
    put(b, bytes, a.numBytes)
    of(bytes)
  }

  def concat(all: Array[PyStr]): PyStr = {
    var size = 0
    var i = 0
    while (i < all.length) {
      size = Math.addExact(size, all(i).numBytes)
      i += 1
    }
    val bytes = new Array[Byte](size)
    var at = 0
    i = 0
    while (i < all.length) {
      put(all(i), bytes, at)
      at += all(i).numBytes
      i += 1
    }
    of(bytes)
  }

  def put(text: PyStr, into: Array[Byte], at: Int): Unit = Platform.copyMemory(
    text.base, text.offset, into, Platform.BYTE_ARRAY_OFFSET + at, text.numBytes)
}
