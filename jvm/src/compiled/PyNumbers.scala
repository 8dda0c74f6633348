package org.apache.spark.sql.hydrofoil.compiled

import java.math.{BigDecimal => JavaDecimal, RoundingMode}

/** What generated code calls for Python's numbers; the companion's methods are its static ones. */
abstract class PyNumbers

object PyNumbers {

  /** Python's `%` of floats, whose divisor is not zero: the sign is the divisor's. */
  def floorMod(a: Double, b: Double): Double = {
    val rest = a % b
    if (rest == 0.0) Math.copySign(0.0, b)
    else if ((b < 0) != (rest < 0)) rest + b
    else rest
  }

  /** Python's `//` of floats, whose divisor is not zero. */
  def floorDiv(a: Double, b: Double): Double = {
    var rest = a % b
    var quotient = (a - rest) / b
    if (rest != 0.0) {
      if ((b < 0) != (rest < 0)) quotient -= 1.0
    } else {
      rest = 0.0
    }
    if (quotient != 0.0) {
      val floor = Math.floor(quotient)
      if (quotient - floor > 0.5) floor + 1.0 else floor
    } else {
      Math.copySign(0.0, a / b)
    }
  }

  /** Negative, zero or positive as the int is less than, equal to or more than no NaN. */
  def compare(a: Long, b: Double): Int =
    if (b >= 9.223372036854775808e18) -1
    else if (b < -9.223372036854775808e18) 1
    else {
      val whole = b.toLong
      if (a != whole) java.lang.Long.compare(a, whole)
      else java.lang.Double.compare(0.0, (b - whole.toDouble) + 0.0)
    }

  // Of a unit in the last place.
  private val NEAR = 0.449
  // Where what a product leaves over is a float, too.
  private val SMALLEST = 1e-270

  /** Whether `square`, which is `value * value`, is what any good `pow` has. */
  def isSquare(value: Double, square: Double): Boolean =
    if (square.isNaN) value.isNaN
    else if (square.isInfinite) value.isInfinite
    else if (square < SMALLEST) value == 0.0
    else Math.abs(Math.fma(value, value, -square)) <= NEAR * Math.ulp(square)

  def root(value: Double): Double = if (value == 0.0) 0.0 else Math.sqrt(value)

  /** The same of a square root. */
  def isRoot(value: Double, root: Double): Boolean =
    if (value.isNaN || value == 0.0 || value == Double.PositiveInfinity) true
    else value >= SMALLEST && !value.isInfinite &&
      Math.abs(Math.fma(-root, root, value)) <= 2 * root * NEAR * Math.ulp(root)

  private val POWERS = Array.iterate(1.0, 16)(_ * 10.0)
  private val LARGEST = 4503599627370496.0

  def roundable(value: Double): Boolean = Math.abs(value) < 1e15

  /**
   * Python's `round(value, digits)`: the nearest decimal of the float as it is, of two the even
   * one, and the float nearest to that.
   */
  def round(value: Double, digits: Int): Double = {
    val known = scaled(Math.abs(value), digits)
    if (known >= 0) {
      Math.copySign(known / POWERS(digits), value)
    } else {
      val exact = new JavaDecimal(value).setScale(digits, RoundingMode.HALF_EVEN)
      Math.copySign(java.lang.Double.parseDouble(exact.toString), value)
    }
  }

  /** The integer nearest to `size` times a power of ten; negative where it takes more to say. */
  def scaled(size: Double, digits: Int): Long = {
    val product = size * POWERS(digits)
    val below = Math.floor(product)
    // The product is off by less than this, and a half by less is not decided by it.
    val doubt = product * 4.5e-16
    if (product < LARGEST && Math.abs(product - below - 0.5) > doubt) Math.rint(product).toLong
    else -1L
  }
}
