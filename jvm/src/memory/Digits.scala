package org.apache.spark.sql.hydrofoil.memory

import java.lang.{Long => JLong}
import java.math.BigInteger

import org.apache.spark.unsafe.Platform

/** Numbers of so many decimal digits at most, among the ones of 16 bytes that Arrow has. */
final class Digits(most: Int) {

  private[this] val beyond = BigInteger.TEN.pow(most)
  private[this] val beyondLow = beyond.longValue
  private[this] val beyondHigh = beyond.shiftRight(64).longValue

  /** Whether the number at `base` and an address is one of them. */
  def fit(base: AnyRef, at: Long): Boolean = {
    val low = Platform.getLong(base, at)
    val high = Platform.getLong(base, at + 8)
    if (high >= 0) isLess(low, high)
    else isLess(-low, if (low == 0) -high else ~high)
  }

  /** Of a number without a sign. */
  private def isLess(low: Long, high: Long): Boolean =
    if (high == beyondHigh) JLong.compareUnsigned(low, beyondLow) < 0
    else JLong.compareUnsigned(high, beyondHigh) < 0
}
